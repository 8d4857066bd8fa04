// Package mining finds what recurs in step sequences, exactly: no sampling, no approximation, no silent truncation.
package mining

import (
	"cmp"
	"slices"
)

// Variant is one step sequence with the runs that took exactly it. Runs holds also those that ended without a verdict.
type Variant struct {
	Steps                   []string
	Runs, Succeeded, Failed int64
	// First and Last are the log positions of the first and the latest fact of those runs.
	First, Last uint64
}

// tally is what is summed over variants.
type tally struct {
	runs, succeeded, failed int64
	first, last             uint64
}

func (t *tally) add(o tally) {
	if t.runs == 0 || o.first < t.first {
		t.first = o.first
	}
	t.last = max(t.last, o.last)
	t.runs += o.runs
	t.succeeded += o.succeeded
	t.failed += o.failed
}

func (v Variant) tally() tally {
	return tally{runs: v.Runs, succeeded: v.Succeeded, failed: v.Failed, first: v.First, last: v.Last}
}

// corpus is the variants over an alphabet of integers, in the order of the step names.
type corpus struct {
	names []string
	// traces[v] are the items of variant v, tallies[v] its runs. distinct[v][p] counts the different items from p on.
	traces   [][]int32
	distinct [][]int32
	tallies  []tally
}

// newCorpus codes the variants, without the steps that fewer than support runs hold: they are in no frequent sequence,
// and an extension by one of them has less support than what it extends, so they decide no closure either. Variants
// that are the same without them become one.
func newCorpus(variants []Variant, support int64) *corpus {
	type held struct {
		runs int64
		last int // the latest variant with it, from 1
	}
	by := map[string]held{}
	for i, v := range variants {
		for _, s := range v.Steps {
			if h := by[s]; h.last != i+1 {
				by[s] = held{h.runs + v.Runs, i + 1}
			}
		}
	}
	c := &corpus{}
	for name, h := range by {
		if h.runs >= support {
			c.names = append(c.names, name)
		}
	}
	slices.Sort(c.names)
	code := make(map[string]int32, len(c.names))
	for i, name := range c.names {
		code[name] = int32(i)
	}

	type coded struct {
		trace []int32
		tally tally
	}
	all := make([]coded, 0, len(variants))
	for _, v := range variants {
		trace := make([]int32, 0, len(v.Steps))
		for _, s := range v.Steps {
			if i, ok := code[s]; ok {
				trace = append(trace, i)
			}
		}
		if len(trace) > 0 && v.Runs > 0 {
			all = append(all, coded{trace, v.tally()})
		}
	}
	// Short ones first: they empty the intersections of the closure check soonest.
	slices.SortFunc(all, func(a, b coded) int {
		return cmp.Or(cmp.Compare(len(a.trace), len(b.trace)), slices.Compare(a.trace, b.trace))
	})
	for i, v := range all {
		if i > 0 && slices.Equal(v.trace, all[i-1].trace) {
			c.tallies[len(c.tallies)-1].add(v.tally)
			continue
		}
		c.traces = append(c.traces, v.trace)
		c.tallies = append(c.tallies, v.tally)
	}

	seen := make([]int32, len(c.names))
	c.distinct = make([][]int32, len(c.traces))
	for v, trace := range c.traces {
		d := make([]int32, len(trace)+1)
		for p := len(trace) - 1; p >= 0; p-- {
			d[p] = d[p+1]
			if seen[trace[p]] != int32(v+1) {
				seen[trace[p]] = int32(v + 1)
				d[p]++
			}
		}
		c.distinct[v] = d
	}
	return c
}
