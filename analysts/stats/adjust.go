package stats

import "math"

// Explained is the gain in log-likelihood that the xs bring together, within strata: half of the sum of squares that
// they explain of y, over the variance that they leave. All but the strata are overwritten.
func Explained(strata []int32, y []float64, xs [][]float64) float64 {
	groups := centre(strata, y)
	before := dot(y, y)
	orthogonal(strata, xs)
	for _, x := range xs {
		project(y, x)
	}
	after := dot(y, y)
	freedom := len(y) - groups - len(xs)
	if after == 0 || freedom < 1 {
		return 0
	}
	return (before - after) * float64(freedom) / (2 * after)
}

// orthogonal makes each of the xs hold, in place, only what is not in the strata and in those before it. One that says
// nothing of its own becomes zero.
func orthogonal(strata []int32, xs [][]float64) {
	for i, x := range xs {
		centre(strata, x)
		own := dot(x, x)
		for _, basis := range xs[:i] {
			project(x, basis)
		}
		if left := dot(x, x); left < 1e-9*own || left == 0 {
			clear(x)
		}
	}
}

// centre takes from each value its stratum's mean, in place, and counts the strata.
func centre(strata []int32, v []float64) (groups int) {
	for from := 0; from < len(v); {
		to, sum := from, 0.0
		for ; to < len(v) && strata[to] == strata[from]; to++ {
			sum += v[to]
		}
		mean := sum / float64(to-from)
		for i := from; i < to; i++ {
			v[i] -= mean
		}
		from = to
		groups++
	}
	return groups
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += float64(a[i] * b[i])
	}
	return sum
}

// project takes from v, in place, its part along the basis.
func project(v, basis []float64) {
	size := dot(basis, basis)
	if size == 0 {
		return
	}
	along := dot(v, basis) / size
	for i := range v {
		v[i] -= float64(along * basis[i])
	}
}

// LogE is the logarithm of the e-value of a score with a variance: see Strata.LogE.
func LogE(score, variance float64) float64 {
	shrink := 1 + float64(mixtureVariance*variance)
	return float64(mixtureVariance*score*score)/(2*shrink) - math.Log(shrink)/2
}
