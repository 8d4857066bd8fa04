package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// world draws runs of two arms.
type world struct {
	share     float64
	old, next func(*rand.Rand) float64
}

func coin(p float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 {
		if r.Float64() < p {
			return 1
		}
		return 0
	}
}

// looks tests after each of so many runs, and tells when it found the candidate better and worse, 0 for never, and whether
// the interval held the truth at every look.
func (w world) looks(seed uint64, runs int, level, truth float64) (better, worse int, held bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	var b stats.Bets
	held = true
	for n := 1; n <= runs; n++ {
		candidate := r.Float64() < w.share
		draw := w.old
		if candidate {
			draw = w.next
		}
		b = b.Take(candidate, w.share, draw(r))
		if better == 0 && b.LogBetter() >= -math.Log(level) {
			better = n
		}
		if worse == 0 && b.LogWorse() >= -math.Log(level) {
			worse = n
		}
		if _, i := b.Difference(.95); truth < i.Low || truth > i.High {
			held = false
		}
	}
	return better, worse, held
}

// One never finds a difference that is not there more often than promised, however often one looks.
func TestArmsThatDoTheSameAreSeldomToldApart(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]world{
		"even":       {.5, coin(.7), coin(.7)},
		"canary":     {.05, coin(.9), coin(.9)},
		"quarter":    {.25, coin(.3), coin(.3)},
		"any figure": {.25, func(r *rand.Rand) float64 { return r.Float64() * r.Float64() }, func(r *rand.Rand) float64 { return r.Float64() * r.Float64() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const worlds, runs = 400, 1500
			verdicts, missed := 0, 0
			for seed := range uint64(worlds) {
				better, worse, held := w.looks(seed, runs, .025, 0)
				if better+worse > 0 {
					verdicts++
				}
				if !held {
					missed++
				}
			}
			t.Logf("%d of %d told apart, %d intervals missed", verdicts, worlds, missed)
			if verdicts > worlds*5/100 || missed > worlds*5/100 {
				t.Errorf("%d of %d told apart and %d intervals missed, looked at after each run: at most %d should", verdicts, worlds, missed, worlds*5/100)
			}
		})
	}
}

func TestABetterArmIsFoundAndAWorseOneToo(t *testing.T) {
	t.Parallel()
	const worlds, runs = 100, 6000
	w := world{.25, coin(.6), coin(.7)}
	found, wrong, missed := 0, 0, 0
	for seed := range uint64(worlds) {
		better, worse, held := w.looks(seed, runs, .001, .1)
		if better > 0 {
			found++
		}
		if worse > 0 {
			wrong++
		}
		if !held {
			missed++
		}
	}
	if found < 90 || wrong > 0 || missed > 5 {
		t.Errorf("10 points better: found %d of %d, called worse %d, intervals missed %d", found, worlds, wrong, missed)
	}
	w.next = coin(.45)
	found = 0
	for seed := range uint64(worlds) {
		if _, worse, _ := w.looks(seed, 2000, .0125, -.15); worse > 0 {
			found++
		}
	}
	if found < 95 {
		t.Errorf("15 points worse: found %d of %d", found, worlds)
	}
}

// Whatever the runs are worth and however they are drawn, a bet loses no more than its stake, and the two directions stay
// apart: what speaks for one speaks against the other.
func TestBetsStayFinite(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b, mirrored stats.Bets
		for range rapid.IntRange(1, 60).Draw(t, "runs") {
			candidate := rapid.Bool().Draw(t, "candidate")
			share := rapid.Float64Range(.05, .95).Draw(t, "share")
			value := rapid.Float64Range(0, 1).Draw(t, "value")
			b = b.Take(candidate, share, value)
			mirrored = mirrored.Take(!candidate, 1-share, value)
		}
		for _, f := range []float64{b.LogBetter(), b.LogWorse()} {
			if math.IsNaN(f) || math.IsInf(f, 0) {
				t.Fatalf("e-value %v of %+v", f, b)
			}
		}
		if math.Abs(b.LogBetter()-mirrored.LogWorse()) > 1e-6 {
			t.Fatalf("seen from the other arm: %v, %v", b.LogBetter(), mirrored.LogWorse())
		}
		d, i := b.Difference(.95)
		if math.IsNaN(d) || i.Low > d || d > i.High || i.Low < -1 || i.High > 1 {
			t.Fatalf("difference %v in %v", d, i)
		}
	})
}

func TestSharesThatAreNotThoseDrawnShow(t *testing.T) {
	t.Parallel()
	alarms := func(real float64) (n int) {
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 2))
			var s stats.Shares
			for range 3000 {
				if s = s.Take(r.Float64() < real, .25); s.LogOther() > math.Log(1000) {
					n++
					break
				}
			}
		}
		return n
	}
	if n := alarms(.25); n > 1 {
		t.Errorf("%d of 200 alarms where the shares are right", n)
	}
	if n := alarms(.2); n < 190 {
		t.Errorf("%d of 200 alarms where a fifth of the candidate's runs are lost", n)
	}
}

// The parts of alpha of tests that find nothing never come to more than alpha.
func TestLondSharesAlphaOut(t *testing.T) {
	t.Parallel()
	sum := 0.
	for begun := range int64(1_000_000) {
		sum += stats.Lond(.05, begun, 0)
	}
	if sum > .05 || sum < .03 {
		t.Errorf("a million tests share %v of .05", sum)
	}
	if got, want := stats.Lond(.05, 3, 1), 2*stats.Lond(.05, 3, 0); math.Abs(got-want) > 1e-15 {
		t.Errorf("a find gives the next one %v, want %v", got, want)
	}
}
