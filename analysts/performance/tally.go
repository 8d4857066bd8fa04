package performance

import (
	"slices"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// counted are runs and how many of them were good.
type counted struct{ runs, good int64 }

func (c *counted) add(r *Run) {
	if c.runs++; r.Good {
		c.good++
	}
}

// tally is runs by what makes them alike, so that some are held against all the others without a look at those.
type tally struct {
	by func(*Run) stratum
	// strata are sorted, place is where one stands, all is of each.
	strata []stratum
	place  map[stratum]int32
	all    []counted
	// some is room for those that are held against the others.
	some []counted
}

// tallied counts the runs that are wanted. Strata are those of all.
func tallied(runs []*Run, by func(*Run) stratum, wanted func(*Run) bool) *tally {
	t := &tally{by: by, place: map[stratum]int32{}}
	var all []counted // in the order in which they came
	for _, r := range runs {
		k := by(r)
		n, ok := t.place[k]
		if !ok {
			n = int32(len(all)) //nolint:gosec // at most one a run
			t.place[k], all = n, append(all, counted{})
		}
		if wanted(r) {
			all[n].add(r)
		}
	}
	t.strata = sortedStrata(t.place)
	t.all, t.some = make([]counted, len(all)), make([]counted, len(all))
	for i, k := range t.strata {
		t.all[i], t.place[k] = all[t.place[k]], int32(i) //nolint:gosec // at most one a run
	}
	return t
}

// every wants all runs.
func every(*Run) bool { return true }

// count makes ready for questions about some runs, of which those count that are wanted.
func (t *tally) count(some []*Run, wanted func(*Run) bool) {
	clear(t.some)
	for _, r := range some {
		if wanted(r) {
			t.some[t.place[t.by(r)]].add(r)
		}
	}
}

// table is the counted runs of a stratum beside all others.
func (t *tally) table(stratum int32) stats.Table {
	all, some := t.all[stratum], t.some[stratum]
	return stats.Table{With: some.runs, WithSucceeded: some.good, Without: all.runs - some.runs, WithoutSucceeded: all.good - some.good}
}

// within compares the counted runs with all others, in some strata.
func (t *tally) within(strata []int32) stats.Strata {
	var s stats.Strata
	for _, n := range slices.Sorted(slices.Values(strata)) {
		s.Add(t.table(n))
	}
	return s
}

// others compares some runs with all others.
func (t *tally) others(some []*Run) stats.Strata {
	t.count(some, every)
	var s stats.Strata
	for i := range t.strata {
		s.Add(t.table(int32(i))) //nolint:gosec // at most one a run
	}
	return s
}
