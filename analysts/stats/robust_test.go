package stats_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

func all(string) bool { return true }

// drawnWorld draws units of tasks that differ, into a candidate of a chance that grows from 5 to 25%, as an experiment does. The answer is what
// the change truly does to the mean.
func drawnWorld(seed uint64, n int) (draws []stats.Draw, truth float64) {
	r := rand.New(rand.NewPCG(seed, 23))
	tasks := 1 + r.IntN(8)
	base, effect := make([]float64, tasks), make([]float64, tasks)
	for i := range tasks {
		base[i] = .3 + .6*r.Float64()
		effect[i] = max(-base[i], min(1-base[i], .3*r.NormFloat64()))
		truth += effect[i] / float64(tasks)
	}
	for u := range n {
		chance := .05
		if u > n/3 {
			chance = .25
		}
		task := r.IntN(tasks)
		d := stats.Draw{Unit: strconv.Itoa(u), Stratum: strconv.Itoa(task), Candidate: r.Float64() < chance}
		p := base[task]
		if d.Chance = 1 - chance; d.Candidate {
			d.Chance, p = chance, p+effect[task]
		}
		// Work gets harder as the share grows: before and after would blame the candidate.
		if u > n/3 {
			p *= .8
		}
		if r.Float64() < p {
			d.Outcome = 1
		}
		draws = append(draws, d)
	}
	return draws, truth * (1 + 2*.8) / 3
}

func TestWhatIfCoversTheTruthInAThousandWorlds(t *testing.T) {
	t.Parallel()
	covered, naively, worlds, width := 0, 0, 0, 0.0
	for seed := range uint64(1000) {
		draws, truth := drawnWorld(seed, 1000+int(seed%5)*200)
		w, err := stats.Estimate(draws, all, .95)
		if err != nil {
			t.Fatal(err)
		}
		if w.Effective < 100 {
			continue
		}
		worlds++
		if w.Interval.Low <= truth && truth <= w.Interval.High {
			covered++
		}
		width += w.Interval.High - w.Interval.Low
		// The plain comparison of the two arms, with the same confidence.
		var sum, n [2]float64
		for _, d := range draws {
			i := 0
			if d.Candidate {
				i = 1
			}
			n[i]++
			sum[i] += d.Outcome
		}
		a, b := sum[0]/n[0], sum[1]/n[1]
		if half := 1.96 * math.Sqrt(a*(1-a)/n[0]+b*(1-b)/n[1]); math.Abs(b-a-truth) <= half {
			naively++
		}
	}
	t.Logf("covered %.3f of %d worlds, the plain comparison %.3f; mean width %.3f", float64(covered)/float64(worlds), worlds, float64(naively)/float64(worlds), width/float64(worlds))
	if worlds < 700 || float64(covered) < .93*float64(worlds) {
		t.Errorf("covered %d of %d worlds", covered, worlds)
	}
	if naively >= covered {
		t.Errorf("the plain comparison covers %d, this %d: the world has no trap", naively, covered)
	}
}

// An experiment that is ended where it looks best, or worst, is the worst case.
func TestWhatIfHoldsWhereTheDrawsWereEndedByTheirOutcomes(t *testing.T) {
	t.Parallel()
	missed, worlds := 0, 200
	for seed := range uint64(worlds) {
		draws, _ := drawnWorld(seed, 2000)
		r := rand.New(rand.NewPCG(seed, 29))
		for i := range draws {
			draws[i].Chance, draws[i].Candidate, draws[i].Outcome = .5, r.IntN(2) == 0, float64(r.IntN(2))
		}
		for n := 200; n <= len(draws); n += 200 {
			w, err := stats.Estimate(draws[:n], all, .95)
			if err != nil {
				t.Fatal(err)
			}
			if w.Interval.Low > 0 || w.Interval.High < 0 {
				missed++
				break
			}
		}
	}
	t.Logf("%d of %d", missed, worlds)
	if missed > worlds/20 {
		t.Errorf("%d of %d worlds without a difference showed one at some look", missed, worlds)
	}
}

// Two units of each arm and stratum, by hand: the strata foretell nothing within so little, and what is left is inverse weights.
func TestWhatIfOfFewUnits(t *testing.T) {
	t.Parallel()
	var draws []stats.Draw
	for u := range 400 {
		d := stats.Draw{Unit: strconv.Itoa(u), Stratum: "hard", Chance: .5, Candidate: u%2 == 0}
		if u%4 == 0 { // half of the candidate's, none of the control's
			d.Outcome = 1
		}
		draws = append(draws, d)
	}
	w, err := stats.Estimate(draws, all, .95)
	if err != nil || math.Abs(w.Difference-.5) > .02 || math.Abs(w.Control) > .02 || w.Units != 400 || math.Abs(w.Effective-200) > 1e-9 {
		t.Errorf("got %+v, %v", w, err)
	}
	if w.Interval.Low < .36 || w.Interval.High > .64 {
		t.Errorf("interval %v", w.Interval)
	}
	none, err := stats.Estimate(draws, func(string) bool { return false }, .95)
	if err != nil || none.Difference != 0 || none.Changed != none.Control {
		t.Errorf("a change that is meant for nothing: %+v, %v", none, err)
	}
	if _, err := stats.Estimate(draws[1:2], all, .95); err != stats.ErrUndrawn {
		t.Errorf("one arm: %v", err)
	}
	if _, err := stats.Estimate(nil, all, .95); err != stats.ErrUndrawn {
		t.Errorf("nothing: %v", err)
	}
}
