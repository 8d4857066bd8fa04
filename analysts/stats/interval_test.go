package stats_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s = %.6f, want %.6f within %g", what, got, want, within)
	}
}

// The figures are those of Newcombe, Statistics in Medicine 1998, 17:857, table I, method 3.
func TestWilsonEqualsNewcombesTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		successes, n int64
		low, high    float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0.0000, 0.1611},
		{1, 29, 0.0061, 0.1718},
	} {
		i := stats.Wilson(c.successes, c.n, 0.95)
		near(t, "low", i.Low, c.low, 0.00005)
		near(t, "high", i.High, c.high, 0.00005)
	}
}

// The figures are those of Newcombe, Statistics in Medicine 1998, 17:873, table II, method 10.
func TestNewcombeEqualsItsTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, n, b, m   int64
		d, low, high float64
	}{
		{56, 70, 48, 80, 0.2000, 0.0524, 0.3339},
		{9, 10, 3, 10, 0.6000, 0.1705, 0.8090},
		{6, 7, 2, 7, 0.5714, 0.0582, 0.8062},
		{5, 56, 0, 29, 0.0893, -0.0381, 0.1926},
		{0, 10, 0, 20, 0.0000, -0.1611, 0.2775},
		{10, 10, 0, 20, 1.0000, 0.6791, 1.0000},
	} {
		d, i := stats.Newcombe(c.a, c.n, c.b, c.m, 0.95)
		near(t, "difference", d, c.d, 0.00005)
		near(t, "low", i.Low, c.low, 0.00005)
		near(t, "high", i.High, c.high, 0.00005)
	}
}

func TestIntervalsOfNothingSayNothing(t *testing.T) {
	t.Parallel()
	if i := stats.Wilson(0, 0, 0.95); i != (stats.Interval{Low: 0, High: 1}) {
		t.Errorf("Wilson of nothing = %v", i)
	}
	if _, i := stats.Newcombe(0, 0, 0, 0, 0.95); i.Low > -0.7 || i.High < 0.7 {
		t.Errorf("Newcombe of nothing = %v", i)
	}
	var none stats.Strata
	if d, i := none.Difference(0.95); d != 0 || i != (stats.Interval{Low: -1, High: 1}) {
		t.Errorf("strata of nothing = %v %v", d, i)
	}
	if e := none.LogE(); e != 0 {
		t.Errorf("evidence of nothing = %v", e)
	}
}

func TestIntervalsHoldTheirEstimate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.Int64Range(1, 5000).Draw(t, "n"), rapid.Int64Range(1, 5000).Draw(t, "m")
		a, b := rapid.Int64Range(0, n).Draw(t, "a"), rapid.Int64Range(0, m).Draw(t, "b")
		p := float64(a) / float64(n)
		if i := stats.Wilson(a, n, 0.95); i.Low > p || i.High < p || i.Low < 0 || i.High > 1 {
			t.Fatalf("Wilson(%d, %d) = %v does not hold %v", a, n, i, p)
		}
		d, i := stats.Newcombe(a, n, b, m, 0.95)
		if i.Low > d || i.High < d || i.Low < -1 || i.High > 1 {
			t.Fatalf("Newcombe = %v does not hold %v", i, d)
		}
		e, j := stats.Newcombe(b, m, a, n, 0.95)
		if math.Abs(d+e) > 1e-12 || math.Abs(i.Low+j.High) > 1e-12 {
			t.Fatalf("the sides changed: %v %v, want the mirror of %v %v", e, j, d, i)
		}
	})
}

// Coverage of nominal 95% intervals over seeded draws, averaged over proportions and sizes.
func TestIntervalsCover(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	binomial := func(n int64, p float64) (k int64) {
		for range n {
			if rng.Float64() < p {
				k++
			}
		}
		return k
	}
	wilson, newcombe, sato, draws := 0, 0, 0, 0
	for range 4000 {
		n, m := 20+rng.Int64N(80), 20+rng.Int64N(80)
		p, q := 0.05+0.9*rng.Float64(), 0.05+0.9*rng.Float64()
		a, b := binomial(n, p), binomial(m, q)
		draws++
		if i := stats.Wilson(a, n, 0.95); i.Low <= p && p <= i.High {
			wilson++
		}
		if _, i := stats.Newcombe(a, n, b, m, 0.95); i.Low <= p-q && p-q <= i.High {
			newcombe++
		}
		// Forty tasks of four runs, each as hard as chance makes it, and a feature that costs 15 points in all of them.
		var s stats.Strata
		for range 40 {
			base := 0.15 + 0.85*rng.Float64()
			with := 1 + rng.Int64N(3)
			s.Add(stats.Table{With: with, WithSucceeded: binomial(with, base-0.15), Without: 4 - with, WithoutSucceeded: binomial(4-with, base)})
		}
		if _, i := s.Difference(0.95); i.Low <= -0.15 && -0.15 <= i.High {
			sato++
		}
	}
	near(t, "Wilson's coverage", float64(wilson)/float64(draws), 0.95, 0.01)
	near(t, "Newcombe's coverage", float64(newcombe)/float64(draws), 0.95, 0.01)
	near(t, "Sato's coverage", float64(sato)/float64(draws), 0.95, 0.015)
}

func TestIntervalJSONIsAPair(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(stats.Interval{Low: 0.25, High: 0.5})
	if err != nil || string(data) != "[0.25,0.5]" {
		t.Fatalf("%s %v", data, err)
	}
	var i stats.Interval
	if err := json.Unmarshal(data, &i); err != nil || i != (stats.Interval{Low: 0.25, High: 0.5}) {
		t.Fatalf("%v %v", i, err)
	}
	if err := json.Unmarshal([]byte(`"x"`), &i); err == nil {
		t.Fatal("a text was taken for an interval")
	}
}
