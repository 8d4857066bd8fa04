package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// Bickel, Hammel and O'Connell, Science 1975: admissions to Berkeley by department, men and women (admitted, refused).
// R's mantelhaen.test(UCBAdmissions, correct = FALSE) gives 1.5246.
var berkeley = [][4]int64{
	{512, 313, 89, 19}, {353, 207, 17, 8}, {120, 205, 202, 391}, {138, 279, 131, 244}, {53, 138, 94, 299}, {22, 351, 24, 317},
}

func TestStrataEqualPublishedFigures(t *testing.T) {
	t.Parallel()
	var s stats.Strata
	var crude stats.Table
	for _, d := range berkeley {
		table := stats.Table{With: d[0] + d[1], WithSucceeded: d[0], Without: d[2] + d[3], WithoutSucceeded: d[2]}
		s.Add(table)
		crude.With += table.With
		crude.WithSucceeded += table.WithSucceeded
		crude.Without += table.Without
		crude.WithoutSucceeded += table.WithoutSucceeded
	}
	u, v := s.Score()
	near(t, "Cochran-Mantel-Haenszel", u*u/v, 1.5246, 0.0001)
	if s.Total != crude || s.Informative != 6 {
		t.Errorf("total %+v of %d strata", s.Total, s.Informative)
	}
	// Men are admitted 14 points more often over all, and slightly less often within departments.
	if d, _ := stats.Newcombe(crude.WithSucceeded, crude.With, crude.WithoutSucceeded, crude.Without, 0.95); d < 0.14 {
		t.Errorf("crude difference %v", d)
	}
	d, i := s.Difference(0.95)
	if d > 0 || d < -0.03 || i.Low > d || i.High < d || i.High < 0 {
		t.Errorf("stratified difference %v in %v", d, i)
	}
	if s.LogE() > 0 {
		t.Errorf("evidence %v for what is not there", s.LogE())
	}
}

// By hand, over 2 strata: (3 of 4 against 1 of 4) and (1 of 2 against 1 of 3). Weights 4*4/8 = 2 and 2*3/5 = 1.2;
// weighted differences (3*4-1*4)/8 = 1 and (1*3-1*2)/5 = 0.2; difference 1.2/3.2 = 0.375.
// P = (16*1-16*3+0)/64 + (4*1-9*1+6*1/2)/25 = -0.5-0.08; Q = (3*3/8+1*1/8)/2 + (1*2/5+1*1/5)/2 = 0.625+0.3.
// Variance (0.375*-0.58+0.925)/3.2^2 = 0.0690918; half-width 1.959964*0.2628532 = 0.5151829.
func TestStrataEqualHandComputedFigures(t *testing.T) {
	t.Parallel()
	var s stats.Strata
	s.Add(stats.Table{With: 4, WithSucceeded: 3, Without: 4, WithoutSucceeded: 1})
	s.Add(stats.Table{With: 2, WithSucceeded: 1, Without: 3, WithoutSucceeded: 1})
	s.Add(stats.Table{}) // nothing
	s.Add(stats.Table{With: 7, WithSucceeded: 7})
	d, i := s.Difference(0.95)
	near(t, "difference", d, 0.375, 1e-12)
	near(t, "low", i.Low, 0.375-0.5151829, 1e-6)
	near(t, "high", i.High, 0.375+0.5151829, 1e-6)
	// Score (3-2)+(1-0.8) = 1.2; variance 4*4*4*4/(64*7) + 2*3*2*3/(25*4) = 0.571429+0.36.
	u, v := s.Score()
	near(t, "score", u, 1.2, 1e-12)
	near(t, "variance", v, 0.9314286, 1e-6)
	near(t, "log e", s.LogE(), 1.44/(2*1.9314286)-math.Log(1.9314286)/2, 1e-6)
}

func TestOneStratumIsNewcombes(t *testing.T) {
	t.Parallel()
	var s stats.Strata
	s.Add(stats.Table{With: 70, WithSucceeded: 56, Without: 80, WithoutSucceeded: 48})
	d, i := s.Difference(0.95)
	wantD, want := stats.Newcombe(56, 70, 48, 80, 0.95)
	if d != wantD || i != want {
		t.Errorf("%v %v, want %v %v", d, i, wantD, want)
	}
}

// Looking at the evidence after every ten runs, for as long as 600 runs, must cross 1/alpha in at most a share alpha of
// histories without an effect: with few large strata and with many tiny ones of very different difficulty. The
// same looks at a p-value below .05 cross in far more: that is why it is not used.
func TestEvidenceMayBeLookedAtAtAnyTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		tasks, runs int
		share       float64
	}{{"one stratum", 1, 600, 0.5}, {"rare feature", 1, 600, 0.06}, {"tiny strata", 100, 400, 0.3}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, uint64(c.tasks)))
			const histories = 500
			crossed, naive := 0, 0
			for range histories {
				hardness := make([]float64, c.tasks)
				for i := range hardness {
					hardness[i] = rng.Float64()
				}
				tables := make([]stats.Table, c.tasks)
				everE, everP := false, false
				for run := range c.runs {
					task := rng.IntN(c.tasks)
					good := int64(0)
					if rng.Float64() < 0.1+0.8*hardness[task] {
						good = 1
					}
					if rng.Float64() < c.share {
						tables[task].With++
						tables[task].WithSucceeded += good
					} else {
						tables[task].Without++
						tables[task].WithoutSucceeded += good
					}
					if run%10 != 9 || run < 40 {
						continue
					}
					var s stats.Strata
					for _, table := range tables {
						s.Add(table)
					}
					u, v := s.Score()
					everE = everE || s.LogE() >= math.Log(1/0.05)
					everP = everP || u*u/v > 3.841
				}
				if everE {
					crossed++
				}
				if everP {
					naive++
				}
			}
			if share := float64(crossed) / histories; share > 0.05 {
				t.Errorf("the evidence crossed in %.3f of histories without an effect", share)
			}
			if share := float64(naive) / histories; share < 0.1 {
				t.Errorf("p-values crossed in only %.3f: the test has lost its contrast", share)
			}
			t.Logf("evidence %d, p-value %d of %d", crossed, naive, histories)
		})
	}
}

func TestExplained(t *testing.T) {
	t.Parallel()
	strata := make([]int32, 8)
	y := func() []float64 { return []float64{1, 1, 1, 0, 0, 0, 0, 1} }
	x := func() []float64 { return []float64{1, 1, 1, 1, 0, 0, 0, 0} }
	// Centred y has the square 2; x explains 1^2/2 = .5 of it; 1.5 is left with 8-1-1 degrees of freedom: .5*6/(2*1.5).
	near(t, "explained", stats.Explained(strata, y(), [][]float64{x()}), 1, 1e-12)
	// The same column again explains nothing more.
	if more := stats.Explained(strata, y(), [][]float64{x(), x()}); more > 1 {
		t.Errorf("%v", more)
	}
	if none := stats.Explained(strata, y(), nil); none != 0 {
		t.Errorf("%v", none)
	}
}

// The interval of what was drawn holds at every look, though nine of ten runs are on one side.
func TestTheDifferenceHoldsAtEveryLook(t *testing.T) {
	t.Parallel()
	const worlds, runs = 400, 1500
	left := 0
	for seed := range uint64(worlds) {
		r := rand.New(rand.NewPCG(seed, 71))
		effect := .3 * r.Float64()
		var fixes [2]stats.Table
		for n := range runs {
			k := r.IntN(2)
			x, p := &fixes[k], .2+.4*float64(k)
			value := func(p float64) int64 {
				if r.Float64() < p {
					return 1
				}
				return 0
			}
			if r.Float64() < .9 {
				x.With, x.WithSucceeded = x.With+1, x.WithSucceeded+value(p+effect)
			} else {
				x.Without, x.WithoutSucceeded = x.Without+1, x.WithoutSucceeded+value(p)
			}
			if n%5 > 0 {
				continue
			}
			var s stats.Strata
			s.Add(fixes[0])
			s.Add(fixes[1])
			if _, i := s.DifferenceAlways(.95); effect < i.Low || effect > i.High {
				left++
				break
			}
		}
	}
	t.Logf("left by %d of %d", left, worlds)
	if left > worlds/20+9 { // two standard errors above 5%
		t.Errorf("the truth lies outside at some look in %d of %d worlds", left, worlds)
	}
	var none stats.Strata
	none.Add(stats.Table{With: 5, WithSucceeded: 5})
	if d, i := none.DifferenceAlways(.95); d != 0 || i.Low != -1 || i.High != 1 {
		t.Errorf("without another side: %v %v", d, i)
	}
}
