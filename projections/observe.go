package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/readmodel"
)

// seen are the observations of the one state that a Reader reads: analysts who look at it together read them once.
type seen struct {
	all  []*Observation
	read bool
}

// Observations implements Reader.
func (r *reader) Observations(ctx context.Context) ([]*Observation, error) {
	if r.seen != nil && r.seen.read {
		return r.seen.all, nil
	}
	var all []*Observation
	err := r.Fixed(ctx, func(v readmodel.View) (err error) {
		all, err = (&reader{View: v, workspace: r.workspace}).observations(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read observations: %w", err)
	}
	if r.seen != nil {
		*r.seen = seen{all, true}
	}
	return all, nil
}

// observations reads the runs that have ended, packed, and those that have not from their rows. Its View must be of one state.
func (r *reader) observations(ctx context.Context) ([]*Observation, error) {
	var all []*Observation
	o := newObserver()
	take := func(row *observationRow) error {
		run, err := o.unpack(row.packed, row.first, row.last)
		if err != nil {
			return fmt.Errorf("that at position %d: %w", row.first, err)
		}
		all = append(all, run)
		return nil
	}
	s, err := r.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	q := readmodel.Query{Table: &observationTable.Table, Where: r.where(), Order: readmodel.Ascending("first_position")}
	if err := readmodel.Scan(s, observationTable, &q, take); err != nil {
		return nil, err
	}
	ended := len(all)
	for row, err := range r.open(ctx) {
		if err == nil {
			err = take(&observationRow{first: row.FirstPosition, last: row.LastPosition, packed: appendObservation(nil, &row)})
		}
		if err != nil {
			return nil, err
		}
	}
	if len(all) > ended {
		slices.SortFunc(all, func(a, b *Observation) int { return cmp.Compare(a.FirstPosition, b.FirstPosition) })
	}
	verdicts := readmodel.Query{Table: &verdictTable.Table, Columns: verdictTable.Names(verdictColumns), Where: r.where()}
	of := map[string]*VerdictRow{}
	err = readmodel.Scan(s, verdictTable, &verdicts, func(row *VerdictRow) error {
		of[row.Run] = row
		return nil
	})
	if err != nil || len(of) == 0 {
		return all, err
	}
	for _, run := range all {
		if v := of[run.Run]; v != nil {
			run.Verdict = v.Verdict
		}
	}
	return all, nil
}

// verdictColumns is how many columns of a verdict stand before what only explains it.
const verdictColumns = 3
