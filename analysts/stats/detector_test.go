package stats_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// At least 10,000 trials lie between two false alarms, whatever the rate, also where the mix of tasks shifts all the time.
func TestDetectorARL(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, world := range [][]float64{{.6}, {.8}, {.9}, {.95, .6, .3, .8}} {
		trials, alarms := 0, 0
		for range 30 {
			var d stats.Detector
			high := false
			for i := range 5000 {
				// At first the easy ones come most, at last the hard ones.
				k := rng.IntN(len(world))
				if len(world) > 1 && rng.IntN(5000) > i {
					k = 0
				}
				_, level := d.Add(int32(k), rng.Float64() < world[k])
				if level >= stats.DetectorAlarm && !high {
					alarms++
				}
				high = level >= stats.DetectorAlarm || high && level >= 1
				trials++
			}
		}
		if arl := trials / max(alarms, 1); arl < 10_000 {
			t.Errorf("%v: %d trials between two false alarms", world, arl)
		}
	}
}

// A drop by 15 points is told soon, and when it began.
func TestDetectorDelay(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		rate  float64
		delay int // demanded
	}{{.9, 80}, {.8, 108}, {.6, 135}} {
		var delays, begun []int
		for range 200 {
			var d stats.Detector
			for range 300 {
				d.Add(0, rng.Float64() < c.rate)
			}
			for i := 1; i <= 3000; i++ {
				if since, level := d.Add(0, rng.Float64() < c.rate-.15); level >= stats.DetectorAlarm {
					delays, begun = append(delays, i), append(begun, since)
					break
				}
			}
		}
		slices.Sort(delays)
		slices.Sort(begun)
		if len(delays) < 195 || delays[len(delays)/2] > c.delay {
			t.Errorf("at %v: %d of 200 were told, the median after %d trials", c.rate, len(delays), delays[len(delays)/2])
		}
		if b := begun[100]; b < 270 || b > 330 {
			t.Errorf("at %v: it is said to have begun at trial %d, it did at 300", c.rate, b)
		}
		t.Logf("at %v: after %d trials, begun at %d", c.rate, delays[100], begun[100])
	}
}
