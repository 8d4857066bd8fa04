package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// draw draws an arm by the chances of all.
func drawArm(r *rand.Rand, chances []float64) (arm int) {
	for u := r.Float64(); arm < len(chances)-1 && u >= chances[arm]; arm++ {
		u -= chances[arm]
	}
	return arm
}

// Arms that do the same are seldom told apart, though the chances follow what was seen, work gets easier and harder, and there is a look after
// each run.
func TestAdaptiveDrawsTellNoEqualArmsApart(t *testing.T) {
	t.Parallel()
	wrong, races := 0, 60
	for seed := range uint64(races) {
		r := rand.New(rand.NewPCG(seed, 37))
		x, out, chances := stats.NewRace(3), make([]bool, 3), []float64{.4, .3, .3}
		for n := range 1500 {
			value := 0.
			if r.Float64() < .5+.3*math.Sin(float64(n)/100) {
				value = 1
			}
			x.Take(drawArm(r, chances), chances, value)
			if n%50 == 0 {
				chances = x.TopTwo(out, .05)
			}
			if max(x.LogBeats(1, 0), x.LogBeats(2, 0)) > math.Log(2/.1) { // two tests, at 10% together
				wrong++
				break
			}
		}
	}
	if wrong > 9 { // 6 are expected at most, 10 or more of 60 have a chance of 8%
		t.Errorf("%d of %d races without a difference showed one", wrong, races)
	}
}

func TestTopTwoGivesRunsToWhatMayBeTheBest(t *testing.T) {
	t.Parallel()
	x, r, equal := stats.NewRace(4), rand.New(rand.NewPCG(3, 43)), []float64{.25, .25, .25, .25}
	for range 600 {
		arm, value := r.IntN(4), 0.
		if r.Float64() < []float64{.3, .78, .82, .1}[arm] {
			value = 1
		}
		x.Take(arm, equal, value)
	}
	chances := x.TopTwo([]bool{false, false, false, false}, .05)
	sum := 0.0
	for arm, chance := range chances {
		if sum += chance; chance < .05 {
			t.Errorf("arm %d gets %v", arm, chance)
		}
	}
	if math.Abs(sum-1) > 1e-9 || chances[1] < .3 || chances[2] < .3 || chances[0] > .08 || chances[3] > .08 {
		t.Errorf("got %v", chances)
	}
	chances = x.TopTwo([]bool{false, false, true, false}, .05)
	if chances[2] != 0 || chances[1] < .4 {
		t.Errorf("without the best one: %v", chances)
	}
	// Nothing is known: all the same.
	fresh := stats.NewRace(3)
	for _, chance := range fresh.TopTwo(make([]bool, 3), .05) {
		if math.Abs(chance-1./3) > 1e-6 {
			t.Errorf("at the start: %v", fresh.TopTwo(make([]bool, 3), .05))
		}
	}
}

// Whichever of two arms comes first, they are compared alike.
func TestTheOrderOfArmsDoesNotMatter(t *testing.T) {
	t.Parallel()
	a, b := stats.NewRace(2), stats.NewRace(2)
	r := rand.New(rand.NewPCG(5, 41))
	for range 2000 {
		arm, value := r.IntN(2), 0.
		if r.Float64() < .5+.1*float64(arm) {
			value = 1
		}
		a.Take(arm, []float64{.5, .5}, value)
		b.Take(1-arm, []float64{.5, .5}, value)
	}
	if x, y := a.LogBeats(1, 0), b.LogBeats(0, 1); math.Abs(x-y) > 1e-6 || x < 2 {
		t.Errorf("log e-values %v and %v", x, y)
	}
	d, i := a.Difference(1, 0, .95)
	e, j := b.Difference(0, 1, .95)
	if math.Abs(d-e) > 1e-9 || math.Abs(i.Low-j.Low) > 1e-9 || d < .05 {
		t.Errorf("differences %v %v, and %v %v", d, i, e, j)
	}
	if a.Leader([]bool{false, false}) != 1 || a.Leader([]bool{false, true}) != 0 {
		t.Error("the leader is not the one that does best of those that are in")
	}
}
