package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// Of 300 effects 30 are real. The largest estimates overstate what is behind them; what is expected of them does not, and
// the intervals around it cover.
func TestTheLargestOfManyIsShrunk(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var raw, shrunk float64
	var covered, rawCovered, n int
	for range 200 {
		truths, estimates, errs := make([]float64, 300), make([]float64, 300), make([]float64, 300)
		for i := range truths {
			if i < 30 {
				truths[i] = 0.12 * rng.NormFloat64()
			}
			errs[i] = 0.03 + 0.05*rng.Float64()
			estimates[i] = truths[i] + errs[i]*rng.NormFloat64()
		}
		prior := stats.LearnPrior(estimates, errs)
		for i, e := range estimates {
			if math.Abs(e) < 3*errs[i] {
				continue
			}
			mean, interval := prior.Shrink(e, errs[i], 0.95)
			sign := math.Copysign(1, e)
			raw += sign * (e - truths[i])
			shrunk += sign * (mean - truths[i])
			n++
			if interval.Low <= truths[i] && truths[i] <= interval.High {
				covered++
			}
			if math.Abs(e-truths[i]) <= 1.96*errs[i] {
				rawCovered++
			}
		}
	}
	bias, rawBias := shrunk/float64(n), raw/float64(n)
	t.Logf("of %d selected: overstated by %.4f, raw %.4f; covered %.3f, raw %.3f", n, bias, rawBias, float64(covered)/float64(n), float64(rawCovered)/float64(n))
	if math.Abs(bias) > 0.01 || rawBias < 0.02 || float64(covered) < 0.92*float64(n) {
		t.Error("the largest are not shrunk to what is behind them")
	}
}

func TestShrinkOnlyShrinks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		estimates, errs := make([]float64, n), make([]float64, n)
		for i := range n {
			estimates[i] = rapid.Float64Range(-1, 1).Draw(t, "estimate")
			errs[i] = rapid.Float64Range(0.001, 0.5).Draw(t, "error")
		}
		prior := stats.LearnPrior(estimates, errs)
		for i, e := range estimates {
			mean, interval := prior.Shrink(e, errs[i], 0.95)
			if math.Abs(mean) > math.Abs(e)+1e-12 || mean*e < 0 || interval.Low > interval.High || interval.High < -1e-6 && mean > 0 {
				t.Fatalf("%v ± %v became %v %v", e, errs[i], mean, interval)
			}
		}
	})
	if mean, i := stats.LearnPrior(nil, nil).Shrink(0.3, 0.1, 0.95); mean != 0 || i.Low > 0 || i.High < 0 {
		t.Errorf("where nothing is known an effect of %v is expected", mean)
	}
}
