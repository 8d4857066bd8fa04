package stats

import (
	"errors"
	"hash/fnv"
	"math"
)

// Draw is one unit that was drawn into one of two arms, with a chance that is known.
type Draw struct {
	// Unit names it. Units of one name go into one fold.
	Unit string
	// Stratum is what was known of it before the draw, such as its task.
	Stratum string
	// Candidate tells which arm it got, Chance how probable that was, in (0, 1].
	Candidate bool
	Chance    float64
	// Elsewhere tells that it got a third arm: it is one of all, and tells of neither of the two. Its Chance and Outcome count for nothing.
	Elsewhere bool
	// Outcome is what it came to.
	Outcome float64
}

// folds is how many parts the units are cut into: each part's outcomes are foretold from the others.
const folds = 5

// shrinkage is how many outcomes of its arm a stratum's mean starts with.
const shrinkage = 10.0

// ErrUndrawn refuses an estimate where an arm has no draws at all.
var ErrUndrawn = errors.New("one of the arms was never drawn")

// WhatIf is what a mean outcome would have been.
type WhatIf struct {
	// Control is the mean if every unit had got the control, Changed if those that the change is meant for had got the candidate.
	Control, Changed float64
	// Difference is Changed less Control, Interval bounds it.
	Difference float64
	Interval   Interval
	// Effective is the effective sample of the arm that has less of it: the square of the sum of the weights by the sum of their squares
	// (Kish, Survey Sampling, 1965).
	Effective float64
	Units     int64
}

// Estimate is the doubly robust estimate of what a change would have done, from draws of known chance: what a unit's stratum foretells in
// each arm, from the units of other folds, put right by what units of that arm came to, each counted by one over its chance (Robins, Rotnitzky and
// Zhao, JASA 1994, 89:846; Dudík, Langford and Li, ICML 2011; cross-fitting after Chernozhukov et al., Econometrics Journal 2018, 21:C1). The
// chances are known, so that it is without bias whatever the strata foretell; they only narrow the interval. That holds at however many looks, since what
// ended the draws may have been their outcomes (Waudby-Smith et al., Annals of Statistics 2024, 52:2613). Strata of which meant is false go on with
// the control. It returns ErrUndrawn where one arm has no units.
func Estimate(draws []Draw, meant func(stratum string) bool, confidence float64) (WhatIf, error) {
	model := newFoldMeans(draws)
	var sum, squares [2]float64
	for _, d := range draws {
		if d.Elsewhere {
			continue
		}
		w := 1 / d.Chance
		sum[arm(d)] += w
		squares[arm(d)] += float64(w * w)
	}
	if sum[0] == 0 || sum[1] == 0 {
		return WhatIf{}, ErrUndrawn
	}
	w := WhatIf{Units: int64(len(draws)), Effective: min(float64(sum[0]*sum[0])/squares[0], float64(sum[1]*sum[1])/squares[1])}
	var control, gain, gains float64
	for _, d := range draws {
		fold := foldOf(d.Unit)
		foretold := [2]float64{model.mean(fold, d.Stratum, 0), model.mean(fold, d.Stratum, 1)}
		seen := foretold
		if !d.Elsewhere {
			seen[arm(d)] += (d.Outcome - foretold[arm(d)]) / d.Chance
		}
		control += seen[0]
		if meant(d.Stratum) {
			g := seen[1] - seen[0]
			gain += g
			gains += float64(g * g)
		}
	}
	n := float64(len(draws))
	w.Control, w.Difference = control/n, gain/n
	w.Changed = w.Control + w.Difference
	deviation := math.Sqrt(max(0, gains/n-float64(w.Difference*w.Difference)))
	half := deviation * boundary(n, 500, 1-confidence) / n
	w.Interval = Interval{Low: w.Difference - half, High: w.Difference + half}
	return w, nil
}

func arm(d Draw) int {
	if d.Candidate {
		return 1
	}
	return 0
}

func foldOf(unit string) int {
	h := fnv.New32a()
	h.Write([]byte(unit))
	return int(h.Sum32() % folds)
}

// foldMeans foretell outcomes by stratum and arm, without those of a fold.
type foldMeans struct {
	all    [folds + 1][2]tally // the last one is of all folds
	strata map[string]*[folds + 1][2]tally
}

type tally struct{ n, sum float64 }

func newFoldMeans(draws []Draw) *foldMeans {
	m := &foldMeans{strata: map[string]*[folds + 1][2]tally{}}
	for _, d := range draws {
		s := m.strata[d.Stratum]
		if s == nil {
			s = new([folds + 1][2]tally)
			m.strata[d.Stratum] = s
		}
		if d.Elsewhere {
			continue
		}
		for _, fold := range [2]int{foldOf(d.Unit), folds} {
			for _, t := range [2]*tally{&m.all[fold][arm(d)], &s[fold][arm(d)]} {
				t.n++
				t.sum += d.Outcome
			}
		}
	}
	return m
}

// mean is that of a stratum in an arm, without a fold, drawn to that of the arm where it has few units.
func (m *foldMeans) mean(fold int, stratum string, arm int) float64 {
	overall := m.all[folds][arm].without(m.all[fold][arm])
	s := m.strata[stratum]
	here := s[folds][arm].without(s[fold][arm])
	prior := 0.0
	if overall.n > 0 {
		prior = overall.sum / overall.n
	}
	return (here.sum + float64(shrinkage*prior)) / (here.n + shrinkage)
}

func (t tally) without(o tally) tally { return tally{t.n - o.n, t.sum - o.sum} }
