package projections

import "math/big"

// Trials are the rated runs of one task.
type Trials struct {
	Succeeded int64
	Rated     int64
}

// maxPassHat is the greatest k of pass^k.
const maxPassHat = 10

// PassHat is pass^k for k = 1, 2, ... up to the greatest number of trials, and ten at most: the mean over the tasks
// with at least k trials of C(succeeded, k) / C(rated, k), the estimate without bias of the chance that k trials all
// succeed (Yao et al. 2024, tau-bench, section 4). counts tells how many tasks have the same trials. The arithmetic is
// exact up to the last division. over is over how many tasks each is: with unequal trials these are fewer and others with
// each k, so that it may rise.
func PassHat(counts map[Trials]int64) (hats []float64, over []int64) {
	var most int64
	for t, n := range counts {
		if n > 0 {
			most = max(most, t.Rated)
		}
	}
	hats, over = make([]float64, 0, min(most, maxPassHat)), make([]int64, 0, min(most, maxPassHat))
	for k := int64(1); k <= min(most, maxPassHat); k++ {
		// One fraction for all tasks of as many trials: adding fractions is dear.
		good, tasks := make(map[int64]*big.Int), new(big.Int)
		for t, n := range counts {
			if t.Rated < k || n <= 0 {
				continue
			}
			tasks.Add(tasks, big.NewInt(n))
			if good[t.Rated] == nil {
				good[t.Rated] = new(big.Int)
			}
			one := new(big.Int).Binomial(t.Succeeded, k)
			good[t.Rated].Add(good[t.Rated], one.Mul(one, big.NewInt(n)))
		}
		sum := new(big.Rat)
		for rated, n := range good {
			sum.Add(sum, new(big.Rat).SetFrac(n, new(big.Int).Binomial(rated, k)))
		}
		hat, _ := sum.Quo(sum, new(big.Rat).SetInt(tasks)).Float64()
		hats, over = append(hats, hat), append(over, tasks.Int64())
	}
	return hats, over
}
