package stats

import "math"

// absorbRounds and absorbEnough bound how long Absorb goes on.
const (
	absorbRounds = 60
	absorbEnough = 1e-6
)

// Absorb takes out of x and of y, in place, what the classifications explain together: each classification
// gives every observation its class, from 0. It centres by one classification after the other until nothing moves, which
// comes to the least-squares residual on all of their indicators at once (the method of alternating projections; Guimarães
// and Portugal, Stata Journal 2010, 10:628). It returns how many parameters that took, at most.
//
// Each observation is met once a classification: what one takes off x and y is taken off while the next one's sums are made. Each sum
// is made in the order of the observations.
func Absorb(classes [][]int32, x, y []float64) (parameters int) {
	sizes := make([][]float64, len(classes))
	most := 0
	for c, of := range classes {
		sizes[c] = sizesOf(of)
		most = max(most, len(sizes[c]))
		for _, n := range sizes[c] {
			if n > 0 {
				parameters++
			}
		}
	}
	if len(classes) == 0 {
		return 0
	}
	parameters -= len(classes) - 1 // each holds the mean
	sums, means := make([]both, most), make([]both, most)
	for i, k := range classes[0] {
		sums[k].x += x[i]
		sums[k].y += y[i]
	}
	var done struct{ x, y bool }
	for range absorbRounds {
		var moved both
		for c, of := range classes {
			for k, n := range sizes[c] {
				means[k] = both{sums[k].x / max(n, 1), sums[k].y / max(n, 1)}
				moved.x, moved.y = max(moved.x, math.Abs(means[k].x)), max(moved.y, math.Abs(means[k].y))
				if done.x {
					means[k].x = 0
				}
				if done.y {
					means[k].y = 0
				}
			}
			next, x, y := classes[(c+1)%len(classes)][:len(of)], x[:len(of)], y[:len(of)]
			clear(sums)
			for i, k := range of {
				mean := means[k]
				vx, vy := x[i]-mean.x, y[i]-mean.y
				x[i], y[i] = vx, vy
				sum := &sums[next[i]]
				sum.x += vx
				sum.y += vy
			}
		}
		done.x, done.y = done.x || moved.x < absorbEnough, done.y || moved.y < absorbEnough
		if done.x && done.y || len(classes) == 1 {
			break
		}
	}
	return parameters
}

// both is a value of x and one of y.
type both struct{ x, y float64 }

// sizesOf is how many observations each class has.
func sizesOf(classes []int32) []float64 {
	last := int32(-1)
	for _, k := range classes {
		last = max(last, k)
	}
	sizes := make([]float64, last+1)
	for _, k := range classes {
		sizes[k]++
	}
	return sizes
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
