package projections

import (
	"math"
	"math/big"
	"slices"
)

// quantile is the p-quantile, p in percent, of sorted values by linear interpolation between the two nearest order
// statistics (Hyndman and Fan 1996, type 7), rounded half up. There must be at least one value.
func quantile(sorted []int64, percent int64) int64 {
	at := int64(len(sorted)-1) * percent
	i, rest := at/100, at%100
	if rest == 0 {
		return sorted[i]
	}
	gap := sorted[i+1] - sorted[i]
	if gap < 1<<56 {
		return sorted[i] + (gap*rest+50)/100
	}
	// A gap of more than two years in nanoseconds times a hundred does not fit.
	wide := new(big.Int).Mul(big.NewInt(gap), big.NewInt(rest))
	return sorted[i] + wide.Add(wide, big.NewInt(50)).Quo(wide, big.NewInt(100)).Int64()
}

// quantiles are the median and the 95% quantile of durations in nanoseconds, in seconds. It sorts them.
func quantiles(durations []int64) Quantiles {
	if len(durations) == 0 {
		return Quantiles{}
	}
	slices.Sort(durations)
	p50, p95 := seconds(quantile(durations, 50)), seconds(quantile(durations, 95))
	return Quantiles{P50: &p50, P95: &p95}.between(int64(len(durations)), func(i int64) int64 { return durations[i] })
}

// fewestBounded is how many values there must be so that the greatest of them is above the 95% quantile with a chance of 97.5%.
const fewestBounded = 73

// between puts the 95% quantile of n values between two of them, of which at tells the ith smallest: how many lie below it is binomial.
func (q Quantiles) between(n int64, at func(i int64) int64) Quantiles {
	if n < fewestBounded {
		return q
	}
	below, off := .95*float64(n), 1.96*math.Sqrt(.0475*float64(n))
	low, high := seconds(at(int64(below-off)-1)), seconds(at(min(n, int64(math.Ceil(below+off)))-1))
	q.P95Low, q.P95High = &low, &high
	return q
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }
