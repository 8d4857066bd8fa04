package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// All looks together spend at most alpha, and a history that grew by a run is never looked at earlier than before.
func TestSpendingSpendsAtMostAll(t *testing.T) {
	t.Parallel()
	spent, last := 0.0, 0
	for n := 0; n < 1<<22; n += 50 {
		runs, share := stats.Spending(n)
		if runs > n || runs < last || runs == 0 != (share == 0) {
			t.Fatalf("%d runs: look at %d with %v, after %d", n, runs, share, last)
		}
		if runs != last {
			spent, last = spent+share, runs
		}
	}
	if spent > 1 || spent < 0.9 {
		t.Errorf("%v of alpha is spent", spent)
	}
}

// The example of Benjamini and Hochberg 1995, section 3.2: four of 15 hypotheses at .05.
func TestBHIsAsPublished(t *testing.T) {
	t.Parallel()
	p := []float64{0.3240, 0.0001, 0.4262, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.5719, 0.6528, 0.7590, 1}
	if got := stats.BH(p, 0.05); !slices.Equal(got, []int{1, 3, 4, 5}) {
		t.Errorf("claimed %v", got)
	}
	if got := stats.BH(nil, 0.05); len(got) != 0 {
		t.Errorf("claimed %v of nothing", got)
	}
}

// The 5% points of Student's distribution, as tables have them.
func TestStudentPIsAsPublished(t *testing.T) {
	t.Parallel()
	for freedom, at := range map[int]float64{5: 2.571, 10: 2.228, 30: 2.042, 120: 1.980, 1 << 20: 1.960} {
		for _, sign := range []float64{-1, 1} {
			if p := stats.StudentP(sign*at, freedom); p < 0.0485 || p > 0.0515 {
				t.Errorf("%d degrees of freedom: %v", freedom, p)
			}
		}
	}
	if p := stats.StudentP(9, 0); p != 1 {
		t.Errorf("without any freedom: %v", p)
	}
}

// What is absorbed has a mean of nothing in every class, and what classes explain wholly leaves nothing.
func TestAbsorbLeavesNothingInAnyClass(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(20, 200).Draw(t, "n")
		a, b := make([]int32, n), make([]int32, n)
		y, wholly := make([]float64, n), make([]float64, n)
		for i := range n {
			a[i], b[i] = rapid.Int32Range(0, 2).Draw(t, "a"), rapid.Int32Range(0, 3).Draw(t, "b")
			y[i] = rapid.Float64Range(-1, 1).Draw(t, "y")
			wholly[i] = float64(3*a[i] - b[i])
		}
		stats.Absorb([][]int32{a, b}, y, wholly)
		sums, left := map[[2]int32]float64{}, 0.0
		for i := range n {
			sums[[2]int32{0, a[i]}] += y[i]
			sums[[2]int32{1, b[i]}] += y[i]
			left = max(left, wholly[i], -wholly[i])
		}
		for class, sum := range sums {
			if sum > 1e-2 || sum < -1e-2 {
				t.Errorf("class %v has %v left", class, sum)
			}
		}
		if left > 0.05 {
			t.Errorf("%v left of what the classes explain", left)
		}
	})
}

// The share of false claims stays within alpha where p-values are independent and where they go together, with weights of any kind; where
// nothing is true a claim is as seldom; where much is true more is found than by BH.
func TestAdaptiveBHHoldsItsShareOfFalseClaims(t *testing.T) {
	t.Parallel()
	const alpha, rounds = 0.05, 4000
	for _, tt := range []struct {
		name      string
		true, all int
		together  float64 // the correlation of what the p-values are of
		weighted  bool
	}{
		{"nothing is true", 0, 60, 0, false},
		{"nothing is true, weighted", 0, 60, 0, true},
		{"nothing is true, together", 0, 60, 0.4, true},
		{"a few are true", 4, 60, 0, true},
		{"most are true", 40, 60, 0, false},
		{"most are true, together", 40, 60, 0.4, true},
	} {
		rng := rand.New(rand.NewPCG(9, 9))
		wrong, found, plain := 0.0, 0, 0
		for range rounds {
			p, weights, sum := make([]float64, tt.all), make([]float64, tt.all), 0.0
			shared := rng.NormFloat64()
			for i := range p {
				z := math.Sqrt(tt.together)*shared + math.Sqrt(1-tt.together)*rng.NormFloat64()
				if i < tt.true {
					z += 3
				}
				p[i], weights[i] = math.Erfc(math.Abs(z)/math.Sqrt2), 1
				if tt.weighted && i%3 == 0 {
					weights[i] = 5
				}
				sum += weights[i]
			}
			for i := range weights {
				weights[i] *= float64(tt.all) / sum
			}
			claimed, amiss := stats.AdaptiveBH(p, weights, alpha), 0
			for _, i := range claimed {
				if i >= tt.true {
					amiss++
				}
			}
			wrong += float64(amiss) / float64(max(len(claimed), 1))
			found += len(claimed) - amiss
			for _, i := range stats.BH(p, alpha) {
				if i < tt.true {
					plain++
				}
			}
		}
		t.Logf("%s: %.3f false, %d found, %d by BH", tt.name, wrong/rounds, found, plain)
		if wrong/rounds > alpha+0.01 {
			t.Errorf("%s: a share of %.3f is false", tt.name, wrong/rounds)
		}
		if !tt.weighted && tt.true > tt.all/2 && float64(found) < 1.05*float64(plain) {
			t.Errorf("%s: %d found, %d by BH", tt.name, found, plain)
		}
	}
	if got := stats.AdaptiveBH(nil, nil, alpha); len(got) != 0 {
		t.Errorf("claimed %v of nothing", got)
	}
	if got := stats.AdaptiveBH([]float64{1e-9, 1e-9}, []float64{0, 2}, alpha); !slices.Equal(got, []int{1}) {
		t.Errorf("what has no weight is claimed: %v", got)
	}
}
