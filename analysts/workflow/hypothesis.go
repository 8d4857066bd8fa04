package workflow

import (
	"cmp"
	"maps"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// feature is the kind of thing that a run has or has not. Its name is the first word of a factor's subject.
type feature string

// The closed vocabulary of features, in the order of preference where two of them mark the same runs.
const (
	contains  feature = "contains"
	repeats   feature = "repeats"
	precedes  feature = "precedes"
	fails     feature = "fails"
	usesAgent feature = "agent"
	usesModel feature = "model"
	usesTool  feature = "tool"
	hasLabel  feature = "label"
	sequence  feature = "sequence"
	// switches compares runs in which an agent used one model with those in which it used another.
	switches feature = "agent_model"
)

// maxLabelValues is how many values a label may have to be worth comparing: an id has too many.
const maxLabelValues = 20

// hypothesis is "this feature makes no difference to success", and what the history says to it.
type hypothesis struct {
	cohort  *cohort
	feature feature
	// subject is the feature's steps, name, or label, without the feature's own name.
	subject []string
	// mark puts each rated run on its side: sides are without at first.
	mark func(sides []int8)

	// beside are other hypotheses that runs may show too: of each, by variant, 1 for one that does.
	beside [][]int8

	measured
	logE float64
	// weight is the logarithm of its share of alpha.
	weight float64
	// halves are its differences in both halves of the runs, nil before anyone asked.
	halves []float64
	// claimed tells that the evidence carries a claim that it makes a difference.
	claimed bool
}

// Subject names what a claim is about: the feature first.
func (h *hypothesis) Subject() []string { return append([]string{string(h.feature)}, h.subject...) }

// sides tells of each rated run on which side it is.
func (h *hypothesis) sides() []int8 {
	sides := make([]int8, len(h.cohort.rated))
	h.mark(sides)
	return sides
}

// hypotheses are all comparisons that the workflow's runs allow. Which ones are made does not depend on how runs
// ended: otherwise choosing would be cheating. Features that the same runs have are one hypothesis, the plainest.
func (c *cohort) hypotheses(o Options) []*hypothesis {
	var all []*hypothesis
	all = append(all, c.stepHypotheses(o)...)
	all = append(all, c.neighbourHypotheses(o)...)
	all = append(all, c.attributeHypotheses(o)...)
	all = append(all, c.sequenceHypotheses(o)...)
	all = append(all, c.modelHypotheses(o)...)

	var kept []*hypothesis
	seen := map[uint64]bool{}
	sides := make([]int8, len(c.rated))
	for _, h := range all {
		clear(sides)
		h.mark(sides)
		hash, n := uint64(14695981039346656037), [2]int{}
		for _, side := range sides {
			if side != out {
				n[side]++
			}
			hash = (hash ^ uint64(max(side, without))) * 1099511628211 // FNV-1a over who has the feature
		}
		if n[with] < o.MinRuns || n[without] < o.MinRuns || h.feature != switches && seen[hash] {
			continue
		}
		seen[hash] = true
		h.measured = h.measure(sides)
		h.logE = stats.LogE(h.score, h.variance)
		kept = append(kept, h)
	}
	return kept
}

// onVariants marks runs by their variant: with where it is a member, without where it is eligible, else out. A run
// that ended before the feature usually shows could not have it, and says nothing: without needs a trace that is longer
// than the median place at which the members have it.
func (c *cohort) onVariants(members []int32, places []int, needed []string) func([]int8) {
	landmark := int32(c.median(members, places)) //nolint:gosec // a place in a trace
	return func(sides []int8) {
		c.room.of = cleared(c.room.of, len(c.variants))
		of := c.room.of
		for v, length := range c.lengths {
			if length <= landmark {
				of[v] = out
			}
		}
		for _, step := range needed {
			holders, i := c.holders[step], 0
			for v := range of {
				if i < len(holders) && holders[i] == int32(v) {
					i++
				} else {
					of[v] = out
				}
			}
		}
		for _, v := range members {
			of[v] = with
		}
		for place, way := range c.way {
			sides[place] = of[way]
		}
	}
}

// ratedRuns is how many rated runs there are of some variants.
func (c *cohort) ratedRuns(variants []int32) int {
	n := int64(0)
	for _, v := range variants {
		n += c.variants[v].Succeeded + c.variants[v].Failed
	}
	return int(n)
}

// median is that of the members' places, each counted once a run.
func (c *cohort) median(members []int32, places []int) int {
	order := make([]int, len(members))
	total := int64(0)
	for i := range order {
		order[i] = i
		total += c.variants[members[i]].Runs
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(places[a], places[b]), cmp.Compare(a, b)) })
	below := int64(0)
	for _, i := range order {
		below += c.variants[members[i]].Runs
		if 2*below >= total {
			return places[i]
		}
	}
	return -1
}

// stepHypotheses: a step occurs; it occurs again, against once.
func (c *cohort) stepHypotheses(o Options) []*hypothesis {
	var once, again []*hypothesis
	var holding []string // what enough runs do to compare them
	for step, variants := range c.holders {
		if c.ratedRuns(variants) >= o.MinRuns {
			holding = append(holding, step)
		}
	}
	slices.SortFunc(holding, func(a, b string) int {
		return cmp.Or(cmp.Compare(c.ratedRuns(c.holders[b]), c.ratedRuns(c.holders[a])), cmp.Compare(a, b))
	})
	for _, step := range slices.Sorted(slices.Values(holding[:min(len(holding), o.MaxHypotheses)])) {
		var firsts, seconds []int
		var repeaters []int32
		for _, v := range c.holders[step] {
			first := slices.Index(c.variants[v].Steps, step)
			firsts = append(firsts, first)
			if second := slices.Index(c.variants[v].Steps[first+1:], step); second >= 0 {
				repeaters = append(repeaters, v)
				seconds = append(seconds, first+1+second)
			}
		}
		once = append(once, &hypothesis{cohort: c, feature: contains, subject: []string{step}, mark: c.onVariants(c.holders[step], firsts, nil)})
		if c.ratedRuns(repeaters) >= o.MinRuns {
			again = append(again, &hypothesis{cohort: c, feature: repeats, subject: []string{step}, mark: c.onVariants(repeaters, seconds, []string{step})})
		}
	}
	return append(once, again...)
}

// neighbourHypotheses: a step comes directly before another one, among the runs that have both.
func (c *cohort) neighbourHypotheses(o Options) []*hypothesis {
	type occurrence struct {
		members []int32
		places  []int
		runs    int64
	}
	pairs := map[[2]string]*occurrence{}
	for v, variant := range c.variants {
		for i := 1; i < len(variant.Steps); i++ {
			p := [2]string{variant.Steps[i-1], variant.Steps[i]}
			at := pairs[p]
			if at == nil {
				at = &occurrence{}
				pairs[p] = at
			}
			if n := len(at.members); p[0] == p[1] || n > 0 && at.members[n-1] == int32(v) {
				continue // a repetition is its own feature; a pair counts once a run
			}
			at.members, at.places = append(at.members, int32(v)), append(at.places, i)
			at.runs += variant.Runs
		}
	}
	maps.DeleteFunc(pairs, func(_ [2]string, at *occurrence) bool { return at.runs < int64(o.MinRuns) }) // they come last, and can't be compared
	keys := slices.SortedFunc(maps.Keys(pairs), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(pairs[b].runs, pairs[a].runs), slices.Compare(a[:], b[:]))
	})
	var all []*hypothesis
	for _, p := range keys[:min(len(keys), o.MaxHypotheses)] {
		at := pairs[p]
		if c.ratedRuns(at.members) < o.MinRuns {
			continue
		}
		all = append(all, &hypothesis{cohort: c, feature: precedes, subject: p[:], mark: c.onVariants(at.members, at.places, p[:])})
	}
	return all
}

// endOf is where the first occurrence of a sequence in a trace ends, -1 where there is none.
func endOf(trace, seq []string) int {
	i := 0
	for place, step := range trace {
		if step == seq[i] {
			if i++; i == len(seq) {
				return place
			}
		}
	}
	return -1
}
