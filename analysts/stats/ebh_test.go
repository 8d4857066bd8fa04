package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

func logs(es ...float64) []float64 {
	for i, e := range es {
		es[i] = math.Log(e)
	}
	return es
}

func TestEBH(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		e    []float64
		want []int
	}{
		{"nothing", nil, nil},
		{"one hypothesis needs 1/alpha", logs(20.0001), []int{0}},
		{"and no less", logs(19.9), nil},
		// Four hypotheses at .05: 80 for one, 40 for two, 26.7 for three, 20 for four.
		{"the best two carry each other", logs(1, 41, 0.5, 50), []int{1, 3}},
		{"a later k lifts an earlier miss", logs(27, 28, 29, 1), []int{0, 1, 2}},
		{"the largest alone is not enough", logs(79, 1, 1, 1), nil},
		{"the largest alone is enough", logs(81, 1, 1, 1), []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := stats.EBH(c.e, 0.05); !slices.Equal(got, c.want) {
				t.Errorf("claimed %v, want %v", got, c.want)
			}
		})
	}
}

func TestEBHClaimsExactlyWhatReachesItsThreshold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.SliceOfN(rapid.Float64Range(-5, 15), 0, 40).Draw(t, "e")
		claimed, threshold := stats.EBH(e, 0.05)
		for i, x := range e {
			if slices.Contains(claimed, i) != (x >= threshold) {
				t.Fatalf("hypothesis %d with %v against %v, claimed %v", i, x, threshold, claimed)
			}
		}
	})
}

func TestShareWeightsHaveMeanOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 60).Draw(t, "groups")
		sum, byGroup := 0.0, map[int]float64{}
		for i, w := range stats.ShareWeights(groups) {
			sum += math.Exp(w)
			byGroup[groups[i]] += math.Exp(w)
		}
		if mean := sum / float64(len(groups)); math.Abs(mean-1) > 1e-9 {
			t.Fatalf("mean %v", mean)
		}
		for g, share := range byGroup {
			if math.Abs(share-byGroup[groups[0]]) > 1e-9 {
				t.Fatalf("group %d has %v, group %d %v", g, share, groups[0], byGroup[groups[0]])
			}
		}
	})
}

// With 10 true effects among 200 hypotheses, at most .05 of the claims may be false, and most of the true ones found.
func TestEBHHoldsTheShareOfFalseClaims(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	falseClaims, trueClaims, histories := 0, 0, 40
	for range histories {
		e := make([]float64, 200)
		for h := range e {
			p, q := 0.6, 0.6
			if h < 10 {
				p = 0.8
			}
			var table stats.Table
			for range 500 {
				table.With++
				table.Without++
				if rng.Float64() < p {
					table.WithSucceeded++
				}
				if rng.Float64() < q {
					table.WithoutSucceeded++
				}
			}
			var s stats.Strata
			s.Add(table)
			e[h] = s.LogE()
		}
		claimed, _ := stats.EBH(e, 0.05)
		for _, h := range claimed {
			if h < 10 {
				trueClaims++
			} else {
				falseClaims++
			}
		}
	}
	if share := float64(falseClaims) / float64(falseClaims+trueClaims); share > 0.05 {
		t.Errorf("%.3f of the claims are false", share)
	}
	if power := float64(trueClaims) / float64(10*histories); power < 0.85 {
		t.Errorf("power %.3f", power)
	}
}
