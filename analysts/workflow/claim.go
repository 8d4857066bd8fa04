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
}

// claim runs e-BH over all hypotheses. Every kind of feature has the same part of alpha, so that a thousand sequences
// don't drown three models.
func claim(hypotheses []*hypothesis, alpha float64) claims {
	groups := make([]int, len(hypotheses))
	number := map[feature]int{}
	for i, h := range hypotheses {
		if _, ok := number[h.feature]; !ok {
			number[h.feature] = len(number)
		}
		groups[i] = number[h.feature]
	}
	weights := stats.ShareWeights(groups)
	logE := make([]float64, len(hypotheses))
	c := claims{hypotheses: hypotheses, tested: len(hypotheses), alpha: alpha}
	for i, h := range hypotheses {
		h.weight = weights[i]
		logE[i] = h.logE + h.weight
	}
	var indexes []int
	indexes, c.threshold = stats.EBH(logE, alpha)
	next := 0
	for _, i := range indexes {
		c.others = append(c.others, hypotheses[next:i]...)
		c.claimed = append(c.claimed, hypotheses[i])
		next = i + 1
	}
	c.others = append(c.others, hypotheses[next:]...)
	return c
}

// factor is a claim with its effect: success with the feature less success without it.
type factor struct {
	*hypothesis
	difference float64
	interval   stats.Interval
	claims     *claims
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
		d, i := h.strata.Difference(confidence)
		if i.Low > 0 || i.High < 0 {
			mine = append(mine, factor{hypothesis: h, difference: d, interval: i, claims: &all})
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
