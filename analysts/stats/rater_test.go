package stats_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

func TestKappa(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		a     stats.Agreement
		kappa float64
	}{
		// The example of Cohen's kappa in most textbooks: 35 of 50 agreed, 25 of them by chance.
		"some":        {stats.Agreement{Both: 20, OnlyFirst: 5, OnlySecond: 10, Neither: 15}, .4},
		"all":         {stats.Agreement{Both: 20, Neither: 30}, 1},
		"none":        {stats.Agreement{OnlyFirst: 25, OnlySecond: 25}, -1},
		"chance":      {stats.Agreement{Both: 36, OnlyFirst: 24, OnlySecond: 24, Neither: 16}, 0},
		"always good": {stats.Agreement{Both: 90, OnlyFirst: 10}, 0},
		"nothing":     {stats.Agreement{}, 0},
	} {
		kappa, i := tt.a.Kappa(.95)
		if math.Abs(kappa-tt.kappa) > 1e-9 || i.Low > kappa || i.High < kappa {
			t.Errorf("%s: %v, %+v", name, kappa, i)
		}
	}
	if _, i := (stats.Agreement{Both: 90, OnlyFirst: 10}).Kappa(.95); i.Low > -1 || i.High < 1 {
		t.Errorf("nothing is known of one that says the same of all, and it is %+v", i)
	}
}

// The intervals hold the truth as often as they say, where the rater is measured on some and asked of others.
func TestRatersIntervalsCover(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(23, 1))
	const worlds = 1000
	for _, tt := range []struct{ rate, measured, hit, pass float64 }{{.8, .6, .9, .8}, {.5, .5, .75, .7}, {.3, .7, .95, .6}, {.95, .8, .9, .9}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			rated := func(rate float64, n int) (a stats.Agreement) {
				for range n {
					good := r.Float64() < rate
					switch says := r.Float64() < map[bool]float64{true: tt.hit, false: 1 - tt.pass}[good]; {
					case good && says:
						a.Both++
					case says:
						a.OnlyFirst++
					case good:
						a.OnlySecond++
					default:
						a.Neither++
					}
				}
				return a
			}
			agree := float64(tt.measured*tt.hit) + float64((1-tt.measured)*tt.pass)
			says := float64(tt.measured*tt.hit) + float64((1-tt.measured)*(1-tt.pass))
			chance := float64(tt.measured*says) + float64((1-tt.measured)*(1-says))
			truth := (agree - chance) / (1 - chance)
			kappas, rates, raw := 0, 0, 0
			for range worlds {
				a, b := rated(tt.measured, 150), rated(tt.rate, 200)
				if _, i := a.Kappa(.95); i.Low <= truth && truth <= i.High {
					kappas++
				}
				said := b.Both + b.OnlyFirst
				if _, i := a.Corrected(said, b.N(), .95); i.Low <= tt.rate && tt.rate <= i.High {
					rates++
				}
				if i := stats.Wilson(said, b.N(), .95); i.Low <= tt.rate && tt.rate <= i.High {
					raw++
				}
			}
			if kappas < worlds*92/100 || rates < worlds*93/100 {
				t.Errorf("kappa is covered in %d of %d worlds, the rate in %d", kappas, worlds, rates)
			}
			t.Logf("kappa %d, rate %d, as the rater says %d of %d", kappas, rates, raw, worlds)
		})
	}
	if _, i := (stats.Agreement{Both: 5, OnlyFirst: 5, OnlySecond: 5, Neither: 5}).Corrected(5, 10, .95); i.Low > 0 || i.High < 1 {
		t.Errorf("one who can't tell good from bad tells nothing, and it is %+v", i)
	}
}
