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
	for _, r := range runs {
		t.place[by(r)] = 0
	}
	t.strata = sortedStrata(t.place)
	for i, k := range t.strata {
		t.place[k] = int32(i) //nolint:gosec // at most one a run
	}
	t.all, t.some = make([]counted, len(t.strata)), make([]counted, len(t.strata))
	for _, r := range runs {
		if wanted(r) {
			t.all[t.place[by(r)]].add(r)
		}
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
