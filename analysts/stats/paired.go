package stats

import "math"

// PairedDifference is the difference of two proportions on the same n trials, of which gained succeed only with the one and lost
// only with the other, with the interval of Wald after half a trial is put into each of the four cells (Bonett and Price,
// Adjusted Wald confidence interval for a difference of binomial proportions based on paired data, Journal of Educational
// and Behavioral Statistics 2012, 37:479). It is [-1, 1] where n is 0.
func PairedDifference(gained, lost, n int64, confidence float64) (float64, Interval) {
	if n <= 0 {
		return 0, Interval{Low: -1, High: 1}
	}
	d := float64(gained-lost) / float64(n)
	p, q := float64(gained+1)/float64(n+2), float64(lost+1)/float64(n+2)
	centre := p - q
	half := z(confidence) * math.Sqrt((p+q-float64(centre*centre))/float64(n+2))
	return d, Interval{Low: max(-1, centre-half), High: min(1, centre+half)}
}
