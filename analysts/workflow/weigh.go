package workflow

import (
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// weigh answers for a claim of the workflows: how it stands by all runs, or by those that began behind a position.
func (all claims) weigh(c events.Claim, after uint64) (evidence.Standing, bool) {
	for _, h := range all.hypotheses {
		if h.cohort.Name != c.Workflow || string(h.feature) != c.Subject[0] {
			continue
		}
		f := factor{hypothesis: h, claims: &all}
		if h.feature == switches && slices.Equal(c.Subject[1:], []string{h.subject[0], h.subject[2], h.subject[1]}) {
			f = f.mirrored()
		}
		if !slices.Equal(c.Subject[1:], f.subject) && !slices.Equal(c.Subject, f.Subject()) {
			continue
		}
		if after > 0 {
			f = f.since(after)
		}
		if after > 0 {
			// Alone it would be the only claim of all that were tested.
			f.claimed = f.logE+f.weight >= math.Log(float64(all.tested)/all.alpha)
		}
		s := f.strength()
		switch {
		case f.interval.Low <= 0 && f.interval.High >= 0:
			s = events.Gone
		case f.harms() != c.Harms:
			s = events.Reversed
		}
		return evidence.Standing{Strength: s, Reason: f.reason(), Of: f.people(), Evidence: f.evidence(), Expected: f.expected()}, true
	}
	return evidence.Standing{}, false
}

// since is the same comparison over the runs that began behind a position.
func (f factor) since(after uint64) factor {
	h := *f.hypothesis
	mark := h.mark
	h.mark = func(sides []int8) {
		mark(sides)
		for place, first := range h.cohort.first {
			if first <= after {
				sides[place] = out
			}
		}
	}
	h.measured, h.halves = h.between(after, math.MaxUint64), nil
	h.logE = stats.LogE(h.score, h.variance)
	f.hypothesis = &h
	return f
}

// strength grades a factor by L, the lower bound of how many times as often the better side succeeds. Frequency alone
// never raises it.
func (f factor) strength() events.Strength {
	t, gain := f.strata.Total, f.interval.Low
	worse := float64(t.WithoutSucceeded) / float64(max(t.Without, 1))
	if f.harms() {
		worse, gain = float64(t.WithSucceeded)/float64(max(t.With, 1)), -f.interval.High
	}
	return evidence.Grade(1+gain/max(worse, 0.01), min(t.With, t.Without), f.logE, f.claimed, f.bothHalves())
}

// bothHalves tells that the effect has the same sign in both halves of the runs.
func (f factor) bothHalves() bool {
	if f.halves == nil {
		runs := f.cohort.Runs
		middle := runs[len(runs)/2].First
		f.halves = []float64{f.between(0, middle).difference, f.between(middle, math.MaxUint64).difference}
	}
	return (f.halves[0] < 0) == f.harms() && (f.halves[1] < 0) == f.harms()
}

// claim names what the factor is about.
func (f factor) claim() events.Claim {
	return events.Claim{Workflow: f.cohort.Name, Subject: f.Subject(), Harms: f.harms()}
}
