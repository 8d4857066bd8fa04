package workflow

import (
	"cmp"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// claims is what the evidence carries, over all workflows.
type claims struct {
	claimed []*hypothesis
	// others are the hypotheses that are not claimed.
	others []*hypothesis
	// hypotheses are all of them.
	hypotheses []*hypothesis
	tested     int
	// alpha is the share of false claims allowed; threshold the logarithm of the e-value that a claim needs, weighted.
	alpha     float64
	threshold float64
	// upTo is the log position of the latest look that spends alpha, 0 where there was none yet, and spent what it may
	// spend; the rest, kept, is for looks at any time.
	looked      int
	upTo        uint64
	spent, kept float64
	// prior is what all that were tested say of how large effects are.
	prior stats.Prior
	// monthly is how many runs all workflows have in 30 days.
	monthly float64
}

// eShare is the part of alpha that e-BH gets, for looks at any time; the rest is spent by Benjamini and Hochberg at the
// looks where the history has doubled. The first is the stronger one in long histories, the second in short ones.
const eShare = 0.1

// family is what shares a part of alpha: a thousand pairs of steps then can't drown three models.
func (f feature) family() int {
	switch f {
	case contains, usesTool:
		return 0
	case usesModel, usesAgent:
		return 1
	case hasLabel:
		return 2
	case sequence:
		return 3
	case precedes:
		return 4
	case repeats:
		return 6
	case switches:
		return 7
	}
	return 5
}

// claim decides what is claimed of all hypotheses. The share of false claims among all is at most o.Alpha, however often one
// looks while the history grows: e-BH holds its part of it at any time, and the p-values of the doubling looks theirs (weighted
// and adaptive Benjamini and Hochberg, see stats.AdaptiveBH).
func claim(hypotheses []*hypothesis, o Options) claims {
	groups, number := make([]int, len(hypotheses)), map[int]int{}
	for i, h := range hypotheses {
		f := h.feature.family()
		if _, ok := number[f]; !ok {
			number[f] = len(number)
		}
		groups[i] = number[f]
	}
	weights := stats.ShareWeights(groups)
	logE := make([]float64, len(hypotheses))
	c := claims{hypotheses: hypotheses, tested: len(hypotheses), alpha: o.Alpha}
	for i, h := range hypotheses {
		h.weight = weights[i]
		logE[i] = h.logE + h.weight
	}
	estimates, errs := make([]float64, len(hypotheses)), make([]float64, len(hypotheses))
	for i, h := range hypotheses {
		estimates[i], errs[i] = h.difference, (h.interval.High-h.interval.Low)/(2*1.96)
	}
	c.prior = stats.LearnPrior(estimates, errs)
	c.spend(hypotheses)
	indexes, threshold := stats.EBH(logE, c.kept)
	c.threshold = threshold
	for _, i := range indexes {
		hypotheses[i].claimed = true
	}
	for _, i := range c.early(hypotheses, o) {
		hypotheses[i].claimed = true
	}
	for _, h := range hypotheses {
		if h.claimed {
			c.claimed = append(c.claimed, h)
		} else {
			c.others = append(c.others, h)
		}
	}
	return c
}

// spend finds the latest look at which alpha is spent.
func (all *claims) spend(hypotheses []*hypothesis) {
	var starts []uint64
	seen := map[*cohort]bool{}
	for _, h := range hypotheses {
		if !seen[h.cohort] {
			seen[h.cohort] = true
			for _, run := range h.cohort.Runs {
				starts = append(starts, run.First)
			}
		}
	}
	all.kept = all.alpha * eShare
	runs, share := stats.Spending(len(starts))
	if runs == 0 {
		return
	}
	slices.Sort(starts)
	all.looked, all.upTo, all.spent = runs, starts[runs-1], all.alpha*(1-eShare)*share
}

// early claims by the runs up to the latest look of those at which alpha is spent.
func (all *claims) early(hypotheses []*hypothesis, o Options) []int {
	if all.upTo == 0 {
		return nil
	}
	sizes := map[int]int{}
	for _, h := range hypotheses {
		sizes[h.feature.family()]++
	}
	shares, given := all.shares(), 0.0
	for f, share := range shares {
		if sizes[f] > 0 {
			given += share
		}
	}
	then := all.then(hypotheses, o)
	// Symptoms are many and plain: what is claimed of them makes no other claim easier.
	var claimed []int
	for _, symptoms := range []bool{false, true} {
		var members []int
		var p, weights []float64
		for i, h := range hypotheses {
			if (h.feature == fails) != symptoms {
				continue
			}
			value, family := 1.0, h.feature.family()
			m := then[i]
			if t := m.strata.Total; t.With >= minEarly && t.Without >= minEarly {
				value = m.p
			}
			members, p = append(members, i), append(p, value)
			weights = append(weights, shares[family]/given/float64(sizes[family]))
		}
		for i := range weights {
			weights[i] *= float64(len(members))
		}
		for _, n := range stats.AdaptiveBH(p, weights, all.spent) {
			claimed = append(claimed, members[n])
		}
	}
	return claimed
}

// then is what the comparisons said at the latest look of those at which alpha is spent.
func (all *claims) then(hypotheses []*hypothesis, o Options) []measured {
	var begins []int // of each workflow
	for i, h := range hypotheses {
		if i == 0 || h.cohort != hypotheses[i-1].cohort {
			begins = append(begins, i)
		}
	}
	then := make([]measured, len(hypotheses))
	begins = append(begins, len(then))
	o.each(len(begins)-1, func(n int) {
		for i := begins[n]; i < begins[n+1]; i++ {
			then[i] = hypotheses[i].between(0, all.upTo)
		}
	})
	return then
}

// shortShares, midShares and longShares are the parts of alpha of the families at the looks that spend it, by family. A short history
// can show what a step or a model does; a sequence takes a longer one, in which e-BH sees the steps by itself.
var (
	shortShares = []float64{0.30, 0.30, 0.14, 0.06, 0.04, 0.02, 0.08, 0.06}
	midShares   = []float64{0.22, 0.20, 0.12, 0.30, 0.03, 0.02, 0.07, 0.04}
	longShares  = []float64{0.12, 0.10, 0.08, 0.54, 0.03, 0.02, 0.06, 0.05}
)

// midHistory and longHistory are from how many runs on a history is of middle length, and long.
const (
	midHistory  = 2000
	longHistory = 4000
)

// shares are the parts of alpha that the families get at the latest look.
func (all *claims) shares() []float64 {
	switch {
	case all.looked >= longHistory:
		return longShares
	case all.looked >= midHistory:
		return midShares
	}
	return shortShares
}

// minEarly is how many runs there must be on both sides for a p-value of the normal distribution.
const minEarly = 10

// between is the comparison over the runs that began behind one log position and up to another.
func (h *hypothesis) between(after, upTo uint64) measured {
	c := h.cohort
	c.room.sides = cleared(c.room.sides, len(c.rated))
	sides := c.room.sides
	h.mark(sides)
	for place, first := range c.first {
		if first <= after || first > upTo {
			sides[place] = out
		}
	}
	return h.measure(sides)
}

// factor is a claim with its effect: success with the feature less success without it.
type factor struct {
	*hypothesis
	claims *claims
	// gated is whether it may become an instruction.
	gated gated
}

// symptoms are the claims that a run in which a step fails is likelier to fail, those first that account for the most.
// They stand apart from the other factors: a step fails on the way from a cause to the run's end.
func (c *cohort) symptoms(all claims) []factor {
	found := c.claimed(all, func(h *hypothesis) bool { return h.feature == fails })
	found = slices.DeleteFunc(found, func(f factor) bool { return !f.harms() })
	slices.SortStableFunc(found, func(a, b factor) int { return cmp.Compare(b.expected().Low, a.expected().Low) })
	return found
}

// claimed are the workflow's claims of some features, the strongest evidence first.
func (c *cohort) claimed(all claims, wanted func(*hypothesis) bool) []factor {
	return c.effects(all, all.claimed, wanted)
}

// effects are the effects that hypotheses of the workflow have, the strongest evidence first. One whose interval holds
// zero is left out: the evidence and the estimate must agree.
func (c *cohort) effects(all claims, hypotheses []*hypothesis, wanted func(*hypothesis) bool) []factor {
	var mine []factor
	for _, h := range hypotheses {
		if h.cohort != c || !wanted(h) {
			continue
		}
		if h.interval.Low > 0 || h.interval.High < 0 {
			mine = append(mine, factor{hypothesis: h, claims: &all})
		}
	}
	slices.SortStableFunc(mine, func(a, b factor) int { return cmp.Compare(b.logE, a.logE) })
	return mine
}

// candidates are the strongest effects that are not claimed, some of each sign, told as what they are. Those that most
// of the runs of a stronger one have say the same again.
func (c *cohort) candidates(all claims, o Options) []factor {
	var kept []factor
	var marks [][]int8
	signs := map[bool]int{}
	for _, f := range c.effects(all, all.others, func(h *hypothesis) bool { return h.feature != switches }) {
		if signs[f.harms()] == o.TopCandidates {
			continue
		}
		sides := f.sides()
		if slices.ContainsFunc(marks, func(m []int8) bool { return overlap(m, sides) > 0.5 }) {
			continue
		}
		signs[f.harms()]++
		kept, marks = append(kept, f), append(marks, sides)
	}
	return kept
}

// overlap is the share of runs with both features among those with one of them.
func overlap(a, b []int8) float64 {
	both, either := 0, 0
	for i := range a {
		switch {
		case a[i] == with && b[i] == with:
			both++
			either++
		case a[i] == with || b[i] == with:
			either++
		}
	}
	return float64(both) / float64(max(either, 1))
}
