// Package stats holds the statistics that analysts share. All of it is pure. Products that are added to something are
// rounded first (an explicit float64 conversion), so that no processor fuses the two and answers another last digit.
package stats

import (
	"encoding/json"
	"math"
)

// Interval bounds an estimate from both sides. Its JSON is [low, high].
type Interval struct {
	Low, High float64
}

// MarshalJSON writes [low, high].
func (i Interval) MarshalJSON() ([]byte, error) { return json.Marshal([2]float64{i.Low, i.High}) }

// UnmarshalJSON reads [low, high].
func (i *Interval) UnmarshalJSON(data []byte) error {
	var pair [2]float64
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	i.Low, i.High = pair[0], pair[1]
	return nil
}

// Negated is the interval of the negated estimate.
func (i Interval) Negated() Interval { return Interval{Low: -i.High, High: -i.Low} }

// Round keeps six decimals: far finer than any interval here, and coarse enough that machines whose last bits differ
// print the same.
func Round(x float64) float64 {
	r := math.Round(float64(x*1e6)) / 1e6
	if r == 0 {
		return 0 // never -0
	}
	return r
}

// z is the two-sided standard normal quantile: 1.96 for a confidence of 0.95.
func z(confidence float64) float64 { return math.Sqrt2 * math.Erfinv(confidence) }

// Wilson is the score interval of a proportion, of successes out of n, without continuity correction (Wilson, JASA
// 1927; recommended by Brown, Cai and DasGupta, Statistical Science 2001). It is [0, 1] where n is 0.
func Wilson(successes, n int64, confidence float64) Interval {
	if n <= 0 {
		return Interval{Low: 0, High: 1}
	}
	q := z(confidence)
	count, p := float64(n), float64(successes)/float64(n)
	scale := 1 + float64(q*q)/count
	centre := p + float64(q*q)/(2*count)
	half := q * math.Sqrt(float64(p*(1-p))/count+float64(q*q)/float64(4*count*count))
	i := Interval{Low: max(0, (centre-half)/scale), High: min(1, (centre+half)/scale)}
	// At the ends the bound is the estimate itself; rounding must not put it a hair away.
	if successes == 0 {
		i.Low = 0
	}
	if successes == n {
		i.High = 1
	}
	return i
}

// Newcombe is the difference of two independent proportions, successes of n against others of m, with the hybrid
// score interval made of two Wilson intervals (Newcombe, Statistics in Medicine 1998, 17:873, method 10). A side
// without trials has the proportion 0.5 and the interval [0, 1]: nothing is known of it.
func Newcombe(successes, n, others, m int64, confidence float64) (float64, Interval) {
	p, i := proportion(successes, n), Wilson(successes, n, confidence)
	q, j := proportion(others, m), Wilson(others, m, confidence)
	d := p - q
	return d, Interval{
		Low:  max(-1, d-math.Hypot(p-i.Low, j.High-q)),
		High: min(1, d+math.Hypot(i.High-p, q-j.Low)),
	}
}

func proportion(successes, n int64) float64 {
	if n <= 0 {
		return 0.5
	}
	return float64(successes) / float64(n)
}
