package stats

import "math"

// absorbRounds and absorbEnough bound how long Absorb goes on.
const (
	absorbRounds = 60
	absorbEnough = 1e-6
)

// Absorb takes out of each of the values, in place, what the classifications explain together: each classification
// gives every observation its class, from 0. It centres by one classification after the other until nothing moves, which
// comes to the least-squares residual on all of their indicators at once (the method of alternating projections; Guimarães
// and Portugal, Stata Journal 2010, 10:628). It returns how many parameters that took, at most.
func Absorb(classes [][]int32, values ...[]float64) (parameters int) {
	sizes := make([][]float64, len(classes))
	for c, of := range classes {
		for _, k := range of {
			for int(k) >= len(sizes[c]) {
				sizes[c] = append(sizes[c], 0)
			}
			sizes[c][k]++
		}
		for _, n := range sizes[c] {
			if n > 0 {
				parameters++
			}
		}
	}
	parameters -= max(len(classes)-1, 0) // each holds the mean
	most := 0
	for _, of := range sizes {
		most = max(most, len(of))
	}
	room := make([]float64, most)
	for _, v := range values {
		for range absorbRounds {
			moved := 0.0
			for c, of := range classes {
				sums := room[:len(sizes[c])]
				clear(sums)
				for i, k := range of {
					sums[k] += v[i]
				}
				for k := range sums {
					sums[k] /= max(sizes[c][k], 1)
					moved = max(moved, math.Abs(sums[k]))
				}
				for i, k := range of {
					v[i] -= sums[k]
				}
			}
			if moved < absorbEnough || len(classes) == 1 {
				break
			}
		}
	}
	return parameters
}

// Slope is how y goes with x, what is left of both once Absorb has taken out what else explains them, with its standard
// error. ok is false where x has nothing of its own left.
func Slope(x, y []float64, spread float64, parameters int) (slope, err float64, ok bool) {
	left := dot(x, x)
	freedom := len(y) - parameters - 1
	if left < 1e-6*spread || left == 0 || freedom < 1 {
		return 0, 0, false
	}
	slope = dot(x, y) / left
	rest := 0.0
	for i := range y {
		r := y[i] - float64(slope*x[i])
		rest += float64(r * r)
	}
	return slope, math.Sqrt(rest / float64(freedom) / left), true
}
