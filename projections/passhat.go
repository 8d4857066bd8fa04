package projections

import (
	"math/big"
	"math/bits"
)

// Trials are the rated runs of one task.
type Trials struct {
	Succeeded int64
	Rated     int64
}

// maxPassHat is the greatest k of pass^k.
const maxPassHat = 10

// part is a number in units of 2^-96.
type part struct{ hi, lo uint64 }

// partBits are those of the whole.
const partBits = 96

// times is p * a / b, rounded down, where it is no more than 2^32 and a less than 2^31.
func (p part) times(a, b uint64) part {
	over, lo := bits.Mul64(p.lo, a)
	hi, rest := bits.Div64(0, p.hi*a+over, b)
	lo, _ = bits.Div64(rest, lo, b)
	return part{hi, lo}
}

func (p part) plus(o part) part {
	lo, carry := bits.Add64(p.lo, o.lo, 0)
	return part{p.hi + o.hi + carry, lo}
}

// of is how many of n parts it is, as the nearest float64.
func (p part) of(n int64) float64 {
	units := new(big.Int).Lsh(new(big.Int).SetUint64(p.hi), 64)
	units.Or(units, new(big.Int).SetUint64(p.lo))
	f, _ := new(big.Rat).SetFrac(units, new(big.Int).Lsh(big.NewInt(n), partBits)).Float64()
	return f
}

// PassHat is pass^k for k = 1, 2, ... up to the greatest number of trials, and ten at most: the mean over the tasks
// with at least k trials of C(succeeded, k) / C(rated, k), the estimate without bias of the chance that k trials all
// succeed (Yao et al. 2024, tau-bench, section 4). counts tells how many tasks, of less than 2^31, have the same trials. The
// arithmetic is of whole numbers and off by less than 2^-92, so that what a float64 can hold exactly comes out so. over is over
// how many tasks each is: with unequal trials these are fewer and others with each k, so that it may rise.
func PassHat(counts map[Trials]int64) (hats []float64, over []int64) {
	type same struct {
		Trials
		n    int64
		part part
	}
	var most int64
	tasks := make([]same, 0, len(counts))
	for t, n := range counts {
		if n > 0 {
			most = max(most, t.Rated)
			tasks = append(tasks, same{t, n, part{hi: 1 << (partBits - 64)}})
		}
	}
	hats, over = make([]float64, 0, min(most, maxPassHat)), make([]int64, 0, min(most, maxPassHat))
	for k := int64(1); k <= min(most, maxPassHat); k++ {
		var n int64
		var sum part
		for i := range tasks {
			t := &tasks[i]
			if t.Rated < k {
				continue
			}
			t.part = t.part.times(uint64(max(t.Succeeded-k+1, 0)), uint64(t.Rated-k+1)) //nolint:gosec // neither is below 0
			sum = sum.plus(t.part.times(uint64(t.n), 1))                                //nolint:gosec // it is above 0
			n += t.n
		}
		hats, over = append(hats, sum.of(n)), append(over, n)
	}
	return hats, over
}
