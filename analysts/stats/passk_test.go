package stats_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

func TestPassK(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		succeeded, rated, k int64
		want                float64
		ok                  bool
	}{
		{3, 4, 1, 0.75, true},
		{3, 4, 2, 0.5, true}, // C(3,2) / C(4,2) = 3/6
		{3, 4, 3, 0.25, true},
		{3, 4, 4, 0, true},
		{4, 4, 4, 1, true},
		{0, 4, 1, 0, true},
		{4, 4, 5, 0, false},
		{4, 4, 0, 0, false},
		{0, 0, 1, 0, false},
		{50, 100, 3, 19600.0 / 161700.0, true}, // C(50,3) / C(100,3)
	} {
		p, ok := stats.PassK(stats.Trials{Succeeded: c.succeeded, Rated: c.rated}, c.k)
		if ok != c.ok || math.Abs(p-c.want) > 1e-12 {
			t.Errorf("pass^%d of %d in %d = %v %v, want %v %v", c.k, c.succeeded, c.rated, p, ok, c.want, c.ok)
		}
	}
}

func TestPassHatIsTheMeanOverTasksWithEnoughRuns(t *testing.T) {
	t.Parallel()
	got := stats.PassHat([]stats.Trials{{4, 4}, {2, 4}, {1, 2}, {0, 0}}, 10)
	// k=1: (1 + 1/2 + 1/2)/3; k=2: (1 + 1/6 + 0)/3; k=3, 4: (1 + 0)/2.
	want := []float64{2.0 / 3, 7.0 / 18, 0.5, 0.5}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for k := range want {
		near(t, "pass^k", got[k], want[k], 1e-12)
	}
	if got := stats.PassHat([]stats.Trials{{9, 9}}, 3); len(got) != 3 {
		t.Errorf("%d figures, want no more than 3", len(got))
	}
}

// The estimator is unbiased: its mean over all ways to draw n runs is the k-th power of the true chance.
func TestPassKIsUnbiased(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 12).Draw(t, "n")
		k := rapid.Int64Range(1, n).Draw(t, "k")
		p := rapid.Float64Range(0.01, 0.99).Draw(t, "p")
		mean, ways := 0.0, 1.0
		for c := int64(0); c <= n; c++ {
			estimate, _ := stats.PassK(stats.Trials{Succeeded: c, Rated: n}, k)
			mean += estimate * ways * math.Pow(p, float64(c)) * math.Pow(1-p, float64(n-c))
			ways = ways * float64(n-c) / float64(c+1)
		}
		if math.Abs(mean-math.Pow(p, float64(k))) > 1e-9 {
			t.Fatalf("mean %v, want %v", mean, math.Pow(p, float64(k)))
		}
	})
}
