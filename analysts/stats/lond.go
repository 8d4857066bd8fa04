package stats

import "math"

// Lond is the level of the next of many tests that come one after another: the test finds something at an e-value of its
// inverse. begun counts the tests that began before it, found those of them that have found something by now. The
// expected share of false finds among all is then at most alpha, whatever the tests have to do with one another (e-LOND:
// Xu and Ramdas, Online multiple testing with e-values, AISTATS 2024). The parts of alpha fall slowly, as a power that
// serves hundreds of tests.
func Lond(alpha float64, begun, found int64) float64 {
	return float64(alpha*math.Pow(float64(begun+1), -power)) / powerSum * float64(found+1)
}

// power is that of the parts of alpha, and powerSum the sum over all of them: Riemann's zeta at 1.1, rounded up.
const (
	power    = 1.1
	powerSum = 10.585
)
