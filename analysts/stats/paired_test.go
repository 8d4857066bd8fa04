package stats_test

import (
	"math"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// The interval holds the truth about as often as it says, also where few runs differ.
func TestPairedDifference(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		gained, lost, n int64
		d, low, high    float64
	}{
		{0, 0, 0, 0, -1, 1}, {0, 0, 1, 0, -.924, .924}, {5, 5, 20, 0, -.300, .300}, {10, 0, 20, .5, .218, .691}, {0, 10, 20, -.5, -.691, -.218},
	} {
		d, i := stats.PairedDifference(tt.gained, tt.lost, tt.n, .95)
		if math.Abs(d-tt.d) > 1e-9 || math.Abs(i.Low-tt.low) > .02 || math.Abs(i.High-tt.high) > .02 {
			t.Errorf("%d gained and %d lost of %d: %v %v", tt.gained, tt.lost, tt.n, d, i)
		}
	}
	// Exactly: over all that n runs can come to, by the multinomial of how many are gained and lost.
	for _, p := range []struct{ gain, lose float64 }{{.05, .05}, {.2, .1}, {.02, 0.01}, {.4, .1}} {
		const n = 40
		covered := 0.
		for g := 0; g <= n; g++ {
			for l := 0; g+l <= n; l++ {
				chance := math.Exp(lgamma(n+1) - lgamma(g+1) - lgamma(l+1) - lgamma(n-g-l+1) + float64(g)*math.Log(p.gain) + float64(l)*math.Log(p.lose) + float64(n-g-l)*math.Log(1-p.gain-p.lose))
				if _, i := stats.PairedDifference(int64(g), int64(l), n, .95); i.Low <= p.gain-p.lose && p.gain-p.lose <= i.High {
					covered += chance
				}
			}
		}
		if covered < .935 {
			t.Errorf("gained %v, lost %v: the interval of 95%% holds the truth in %.1f%%", p.gain, p.lose, 100*covered)
		}
	}
}

func lgamma(n int) float64 {
	v, _ := math.Lgamma(float64(n))
	return v
}
