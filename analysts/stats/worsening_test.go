package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// worsens draws runs of a tenth in the control, of which so many succeed in either arm, until the level is reached or the runs are over.
func worsens(seed uint64, runs int, rate func(run int, candidate bool) float64) (at int) {
	const needed = 100_000
	draw := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a test's draws
	var w stats.Worsening
	for i := range runs {
		candidate := draw.Float64() < .95
		value := 0.
		if draw.Float64() < rate(i, candidate) {
			value = 1
		}
		if w = w.Take(candidate, .95, value); w.LogLevel() >= math.Log(needed) {
			return i
		}
	}
	return -1
}

// A candidate that does well for 2,000 runs and then turns bad is told within hundreds of runs behind that; one that stays as good as what there is is not,
// also where the work gets harder for both.
func TestWorseningIsTold(t *testing.T) {
	t.Parallel()
	const turn = 2000
	var delays []int
	early, harder := 0, 0
	for seed := range uint64(40) {
		at := worsens(seed, 8000, func(run int, candidate bool) float64 {
			if candidate && run >= turn {
				return .5
			}
			return .9
		})
		switch {
		case at < 0:
			t.Fatalf("world %d: never told", seed)
		case at < turn:
			early++
		default:
			delays = append(delays, at-turn)
		}
		again := worsens(seed, 8000, func(run int, _ bool) float64 {
			if run >= turn {
				return .5
			}
			return .9
		})
		if again >= 0 {
			harder++
		}
	}
	slices.Sort(delays)
	t.Logf("told after %d runs (median), %d at most; %d of 40 too early, %d false over 8,000 runs of work that gets harder", delays[len(delays)/2], delays[len(delays)-1], early, harder)
	if delays[len(delays)/2] > 1200 || early > 1 || harder > 3 {
		t.Errorf("told after %d runs, %d too early, %d false", delays[len(delays)/2], early, harder)
	}
}

func TestWorseningBeforeItsFirstRun(t *testing.T) {
	t.Parallel()
	var w stats.Worsening
	if !math.IsInf(w.LogLevel(), -1) {
		t.Errorf("it says %g", w.LogLevel())
	}
	if w = w.Take(true, .95, 1); w.LogLevel() > 0 || math.IsNaN(w.LogLevel()) {
		t.Errorf("after one run that went well it says %g", w.LogLevel())
	}
}
