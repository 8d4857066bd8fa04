package stats

import (
	"cmp"
	"math"
	"slices"
)

// looks are the first looks that Spending allows; from then on each is at twice the runs of the one before. spends are
// the parts of alpha for them; each later one gets half of what is left. Most goes to where teams are: 400 to 4,000 runs.
var (
	looks  = []int{100, 200, 400, 800, 2000, 4000, 8000}
	spends = []float64{0.01, 0.02, 0.19, 0.17, 0.21, 0.3, 0.05}
)

// Spending is the latest look at which a history of n runs may be tested: how many runs it looks at, and which part of alpha
// it may spend. All parts add up to 1, so that whoever tests at these looks only may go on for ever (alpha spending; Lan and
// DeMets, Biometrika 1983, 70:659). share is 0 where there are too few runs.
func Spending(n int) (runs int, share float64) {
	left, next := 1.0, looks[0]
	for i := 0; next <= n; i++ {
		runs, share = next, left/2
		if i < len(spends) {
			share = spends[i]
		}
		left -= share
		next *= 2
		if i+1 < len(looks) {
			next = looks[i+1]
		}
	}
	return runs, share
}

// PValue is the two-sided p-value of a score with a variance, with continuity correction; 1 where nothing is known.
func PValue(score, variance float64) float64 {
	if variance <= 0 {
		return 1
	}
	return math.Erfc(max(0, math.Abs(score)-0.5) / math.Sqrt(2*variance))
}

// StudentP is the two-sided p-value of a t statistic with degrees of freedom, by the normal distribution that comes near it
// (Wallace, Annals of Mathematical Statistics 1959, 30:1124); 1 where nothing is known.
func StudentP(t float64, freedom int) float64 {
	if freedom < 1 || math.IsNaN(t) {
		return 1
	}
	v := float64(freedom)
	z := (8*v + 1) / (8*v + 3) * math.Sqrt(float64(v*math.Log1p(t*t/v)))
	return math.Erfc(z / math.Sqrt2)
}

// BH is the Benjamini-Hochberg procedure (Journal of the Royal Statistical Society B 1995, 57:289): it returns the indexes
// of what it claims, ascending. The expected share of false claims is at most alpha where the p-values are independent or
// positively dependent.
func BH(p []float64, alpha float64) []int {
	order := make([]int, len(p))
	for i := range p {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	k := 0
	for i, n := range order {
		if p[n] <= alpha*float64(i+1)/float64(len(p)) {
			k = i + 1
		}
	}
	claimed := order[:k]
	slices.Sort(claimed)
	return claimed
}

// likelyNull is from which p-value on a hypothesis counts as one of those that nothing is behind.
const likelyNull = 0.05

// AdaptiveBH is BH with weights, whose mean is at most 1, and with the share of hypotheses that nothing is behind estimated from
// the p-values above likelyNull: where much is true, more of it is claimed at the same share of false claims (Ramdas, Barber,
// Wainwright and Jordan, Annals of Statistics 2019, 47:2790). That the bound is a small p-value keeps it true where p-values go
// together (Blanchard and Roquain, Journal of Machine Learning Research 2009, 10:2837); where nothing is true it is BH. The
// weights must not look at how runs ended.
func AdaptiveBH(p, weights []float64, alpha float64) []int {
	if len(p) == 0 {
		return nil
	}
	null, most := 0.0, 0.0
	weighted := make([]float64, len(p))
	for i, w := range weights {
		weighted[i] = 2 // is never claimed
		if w > 0 && p[i] <= likelyNull {
			weighted[i] = p[i] / w
		}
		if p[i] > likelyNull {
			null += w
		}
		most = max(most, w)
	}
	return BH(weighted, alpha*(1-likelyNull)*float64(len(p))/max(null+most, math.SmallestNonzeroFloat64))
}
