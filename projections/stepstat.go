package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// stepGroup adds up the steps of one name.
type stepGroup struct {
	StepStat
	durations []int64
	// lastRun is the number of the run that it met last, from 1.
	lastRun int
}

// StepStats implements Reader.
func (r *reader) StepStats(ctx context.Context) ([]StepStat, error) {
	s, _, err := snapshot(ctx, r.engine, r.shape)
	if err != nil {
		return nil, fmt.Errorf("read step statistics: %w", err)
	}
	defer s.Close()
	type name struct{ workflow, step string }
	groups := make(map[name]*stepGroup)
	q := Query{Table: &runTable.Table, Columns: []string{"workflow", "step_list"}}
	run := 0
	err = s.Scan(&q, func(src Source) error {
		run++
		workflow := src.Symbol(0)
		steps, err := parseSteps([]byte(src.Text(1)))
		for i := range steps {
			n := name{workflow, steps[i].Name}
			g := groups[n]
			if g == nil {
				g = &stepGroup{StepStat: StepStat{Workflow: n.workflow, Name: n.step}}
				groups[n] = g
			}
			g.add(run, &steps[i])
		}
		return columnError("step_list", err)
	})
	if err != nil {
		return nil, fmt.Errorf("read step statistics: %w", err)
	}
	stats := make([]StepStat, 0, len(groups))
	for _, g := range groups {
		stats = append(stats, g.finish())
	}
	slices.SortFunc(stats, func(a, b StepStat) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.Name, b.Name))
	})
	return stats, nil
}

func (g *stepGroup) add(run int, s *storedStep) {
	if g.Steps == 0 {
		g.FirstPosition = s.Position
	}
	g.FirstPosition = min(g.FirstPosition, s.Position)
	g.LastPosition = max(g.LastPosition, s.Position)
	if run != g.lastRun {
		g.Runs++
		g.lastRun = run
	}
	g.Steps++
	if s.Outcome == events.Failed {
		g.Failed++
	}
	if d := s.duration(); d >= 0 {
		g.Timed++
		g.TotalNS = saturate(g.TotalNS, d)
		g.durations = append(g.durations, d)
	}
	g.InputTokens = saturate(g.InputTokens, s.InputTokens)
	g.OutputTokens = saturate(g.OutputTokens, s.OutputTokens)
	g.CostNanos = saturate(g.CostNanos, s.CostNanos)
}

func (g *stepGroup) finish() StepStat {
	if len(g.durations) > 0 {
		slices.Sort(g.durations)
		g.P50NS, g.P95NS = quantile(g.durations, 50), quantile(g.durations, 95)
	}
	return g.StepStat
}
