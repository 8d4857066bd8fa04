package stats

import (
	"math"
	"slices"
)

// EBH is the e-Benjamini-Hochberg procedure: it claims the k hypotheses of the largest e-values for the largest k with
// e(k) >= m / (alpha k). The expected share of false claims is at most alpha under any dependence between the
// hypotheses (Wang and Ramdas, JRSS B 2022, 84:822). It takes logarithms, and returns the indexes of what it claims,
// ascending, with the logarithm of the smallest e-value that it would still claim.
//
// Where there is no true effect at all, a single claim is a false one: that happens in at most alpha of histories.
func EBH(logE []float64, alpha float64) (claimed []int, threshold float64) {
	order := make([]int, len(logE))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case logE[a] > logE[b]:
			return -1
		case logE[a] < logE[b]:
			return 1
		}
		return 0
	})
	m := float64(len(logE))
	k := 0
	for i := range order {
		if logE[order[i]] >= math.Log(m/(alpha*float64(i+1))) {
			k = i + 1
		}
	}
	threshold = math.Log(m / (alpha * float64(max(k, 1))))
	claimed = slices.Clone(order[:k])
	slices.Sort(claimed)
	return claimed, threshold
}

// ShareWeights are the logarithms of weights that give every group of hypotheses the same part of alpha, however many
// each has. groups holds each hypothesis's group. Added to the logarithms of e-values they keep EBH's promise, since
// their mean is 1 and they look at no outcome (weighted e-BH, same paper, section 5.4): a group of ten thousand
// sequences then can't drown a handful of models.
func ShareWeights(groups []int) []float64 {
	sizes := map[int]int{}
	for _, g := range groups {
		sizes[g]++
	}
	weights := make([]float64, len(groups))
	for i, g := range groups {
		weights[i] = math.Log(float64(len(groups)) / float64(len(sizes)*sizes[g]))
	}
	return weights
}
