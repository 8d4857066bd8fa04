package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// DrawnRun is a run that has ended, with the arm of an experiment that it was drawn into, at At.
type DrawnRun struct {
	RunRow
	Arm events.Arm
	At  time.Time
}

// Drawn implements Reader.
func (r *reader) Drawn(ctx context.Context, experiment string) (found []DrawnRun, err error) {
	err = r.Fixed(ctx, func(v readmodel.View) error {
		rows, err := readmodel.Collect(readmodel.Rows(ctx, v, drawnTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("drawn_at", "run")}))
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, row := range rows {
			i := slices.IndexFunc(row.arms, func(a events.Arm) bool { return a.Experiment == experiment })
			if i < 0 || seen[row.arms[i].Unit] {
				continue
			}
			// The first one counts, or none: later ones may end sooner in one arm than in the other.
			if seen[row.arms[i].Unit] = true; row.ended {
				found = append(found, DrawnRun{RunRow: RunRow{Run: row.run}, Arm: row.arms[i], At: row.at})
			}
		}
		j, err := r.judged(ctx, v, len(found))
		if err != nil {
			return err
		}
		for i := range found {
			d := &found[i]
			run, err := readmodel.Collect(readmodel.Rows(ctx, v, runTable, readmodel.Query{Columns: runTable.Names(withoutSteps), Where: r.where(readmodel.Only("run", d.Run))}))
			if err == nil && len(run) == 0 {
				err = ErrNotFound
			}
			if err == nil {
				d.RunRow = run[0]
				err = j.of(ctx, &d.RunRow)
			}
			if errors.Is(err, ErrNotFound) {
				err = fmt.Errorf("run %s: %w", d.Run, err)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the runs of experiment %s: %w", experiment, err)
	}
	return found, nil
}
