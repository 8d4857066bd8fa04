package projections

import (
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
	return Quantiles{P50: &p50, P95: &p95}
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }
