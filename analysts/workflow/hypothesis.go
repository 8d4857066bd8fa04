package workflow

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/mining"
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

// Subject names what a claim is about: the feature first. Names are stored as they are, so that what is one person's words has a name of its own.
func (h *hypothesis) Subject() []string {
	subject := append([]string{string(h.feature)}, h.subject...)
	if len(h.people()) > 0 {
		sum := sha256.Sum256([]byte(h.subject[1]))
		subject[2] = "value " + hex.EncodeToString(sum[:6])
	}
	return subject
}

// people are those whose words it is told in: who asked for the runs that have a label's value, where those are one or two.
func (h *hypothesis) people() []string {
	if h.feature != hasLabel {
		return nil
	}
	met := evidence.People{}
	for i := range h.cohort.Runs {
		if r := &h.cohort.Runs[i]; slices.Contains(r.Labels, [2]string{h.subject[0], h.subject[1]}) {
			met.Met(r.Requester)
		}
	}
	return met.Few()
}

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
			holders, i := c.coded.Holders(step), 0
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
	rated := map[string]int{} // of what enough runs do to compare them
	for _, step := range c.coded.Names {
		if n := c.ratedRuns(c.coded.Holders(step)); n >= o.MinRuns {
			rated[step] = n
		}
	}
	holding := slices.SortedFunc(maps.Keys(rated), func(a, b string) int { return cmp.Or(cmp.Compare(rated[b], rated[a]), cmp.Compare(a, b)) })
	for _, step := range slices.Sorted(slices.Values(holding[:min(len(holding), o.MaxHypotheses)])) {
		holders := c.coded.Holders(step)
		var firsts, seconds []int
		var repeaters []int32
		for _, v := range holders {
			first := slices.Index(c.variants[v].Steps, step)
			firsts = append(firsts, first)
			if second := slices.Index(c.variants[v].Steps[first+1:], step); second >= 0 {
				repeaters = append(repeaters, v)
				seconds = append(seconds, first+1+second)
			}
		}
		once = append(once, &hypothesis{cohort: c, feature: contains, subject: []string{step}, mark: c.onVariants(holders, firsts, nil)})
		if c.ratedRuns(repeaters) >= o.MinRuns {
			again = append(again, &hypothesis{cohort: c, feature: repeats, subject: []string{step}, mark: c.onVariants(repeaters, seconds, []string{step})})
		}
	}
	return append(once, again...)
}

// neighbourHypotheses: a step comes directly before another one, among the runs that have both.
func (c *cohort) neighbourHypotheses(o Options) []*hypothesis {
	type occurrence struct {
		mining.Pair
		members []int32
		places  []int
	}
	name := func(p mining.Pair) (from, to string) { return c.coded.Names[p.From], c.coded.Names[p.To] }
	chosen := mining.Top(func(yield func(mining.Pair) bool) {
		for p := range c.coded.Pairs() {
			// A repetition is its own feature, and what few runs do can't be compared.
			if p.From != p.To && p.Runs >= int64(o.MinRuns) && !yield(p) {
				return
			}
		}
	}, o.MaxHypotheses, func(p, q mining.Pair) int {
		a, b := name(p)
		x, y := name(q)
		return cmp.Or(cmp.Compare(q.Runs, p.Runs), cmp.Compare(a, x), cmp.Compare(b, y))
	})
	found, at := make([]occurrence, len(chosen)), map[[2]int32]*occurrence{}
	for i, p := range chosen {
		found[i].Pair = p
		at[[2]int32{p.From, p.To}] = &found[i]
	}
	for v := range c.variants {
		trace := c.coded.Trace(v)
		for i := 1; i < len(trace); i++ {
			p := at[[2]int32{trace[i-1], trace[i]}]
			if p == nil {
				continue
			}
			if n := len(p.members); n == 0 || p.members[n-1] != int32(v) { // a pair counts once a run
				p.members, p.places = append(p.members, int32(v)), append(p.places, i)
			}
		}
	}
	var all []*hypothesis
	for i := range found {
		p := &found[i]
		if c.ratedRuns(p.members) < o.MinRuns {
			continue
		}
		from, to := name(p.Pair)
		steps := []string{from, to}
		all = append(all, &hypothesis{cohort: c, feature: precedes, subject: steps, mark: c.onVariants(p.members, p.places, steps)})
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
