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

// Observed bounds what is looked at at once, and so the memory that a look takes: of a longer history the latest 100,000 to 200,000 runs. Where they
// begin moves by so many runs at a time, and stands still meanwhile: what is claimed while they grow holds for each beginning as it does for
// all of a history.
const Observed = 100_000

// block are observations that came one after another, and what they have in common.
type block struct {
	*observer
	runs []*Observation
}

// latest are the last observations: at least as many as there are to be at once, and less than twice as many. What they have in common is kept
// with them, and goes with them.
type latest struct {
	before, now block
	observed    int
}

func newLatest(observed int) *latest {
	return &latest{now: block{observer: newObserver()}, observed: observed}
}

func (l *latest) take(row *observationRow) error {
	if len(l.now.runs) == l.observed {
		l.before, l.now = l.now, block{observer: newObserver(), runs: make([]*Observation, 0, l.observed)}
	}
	run, err := l.now.unpack(row.packed, row.first, row.last)
	if err != nil {
		return fmt.Errorf("that at position %d: %w", row.first, err)
	}
	l.now.runs = append(l.now.runs, run)
	return nil
}

func (l *latest) all() []*Observation { return slices.Concat(l.before.runs, l.now.runs) }

// observations reads the latest runs that have ended, packed, and those that have not from their rows. Its View must be of one state.
func (r *reader) observations(ctx context.Context) ([]*Observation, error) {
	seen := newLatest(Observed)
	s, err := r.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	q := readmodel.Query{Table: &observationTable.Table, Where: r.where(), Order: readmodel.Ascending("first_position")}
	if err := readmodel.Scan(s, observationTable, &q, seen.take); err != nil {
		return nil, err
	}
	all := seen.all()
	ended := len(all)
	for row, err := range r.open(ctx) {
		if err != nil {
			return nil, err
		}
		run, err := seen.now.unpack(appendObservation(nil, &row), row.FirstPosition, row.LastPosition)
		if err != nil {
			return nil, fmt.Errorf("that at position %d: %w", row.FirstPosition, err)
		}
		all = append(all, run)
	}
	if len(all) > ended {
		slices.SortFunc(all, func(a, b *Observation) int { return cmp.Compare(a.FirstPosition, b.FirstPosition) })
	}
	verdicts := readmodel.Query{Table: &verdictTable.Table, Columns: verdictTable.Names(verdictColumns), Where: r.where()}
	var of map[string]*Observation
	err = readmodel.Scan(s, verdictTable, &verdicts, func(row *VerdictRow) error {
		if of == nil {
			of = make(map[string]*Observation, len(all))
			for _, run := range all {
				of[run.Run] = run
			}
		}
		if run := of[row.Run]; run != nil {
			run.Verdict = row.Verdict
		}
		return nil
	})
	return all, err
}

// verdictColumns is how many columns of a verdict stand before what only explains it.
const verdictColumns = 3
