package stats

import "math"

// Prior is what a set of estimates says of how large the true effects behind them are: a mixture of normal distributions
// around nothing, the narrowest of which is nothing itself.
type Prior struct {
	scales, weights []float64
}

const (
	priorScales = 14
	priorRounds = 60
	// nullWeight is how many estimates of nothing are counted in before any: a few of them must not look like effects.
	nullWeight = 10
)

// LearnPrior fits the weights to estimates with their standard errors, by expectation and maximisation (Stephens,
// Biostatistics 2017, 18:275). The largest of many estimates is large by luck too: what Shrink says of it by this prior
// isn't, on average.
func LearnPrior(estimates, errs []float64) Prior {
	widest := 0.0
	for _, e := range estimates {
		widest = max(widest, math.Abs(e))
	}
	p := Prior{scales: []float64{0}, weights: []float64{1}}
	for k := range priorScales {
		if widest > 0 {
			p.scales = append(p.scales, float64(widest*math.Pow(2, -float64(k)/2)))
			p.weights = append(p.weights, 1)
		}
	}
	for k := range p.weights {
		p.weights[k] /= float64(len(p.weights))
	}
	for range priorRounds {
		counts := make([]float64, len(p.weights))
		counts[0] = nullWeight
		total := float64(nullWeight)
		for i, e := range estimates {
			if !(errs[i] > 0) {
				continue
			}
			for k, share := range p.responsible(e, errs[i]) {
				counts[k] += share
			}
			total++
		}
		for k := range counts {
			p.weights[k] = counts[k] / total
		}
	}
	return p
}

// responsible are the parts of the mixture's components in an estimate.
func (p Prior) responsible(estimate, err float64) []float64 {
	logs, most := make([]float64, len(p.scales)), math.Inf(-1)
	for k, s := range p.scales {
		v := float64(s*s) + float64(err*err)
		logs[k] = math.Log(p.weights[k]) - math.Log(v)/2 - float64(estimate*estimate)/(2*v)
		most = max(most, logs[k])
	}
	sum := 0.0
	for k := range logs {
		logs[k] = math.Exp(logs[k] - most)
		sum += logs[k]
	}
	for k := range logs {
		logs[k] /= sum
	}
	return logs
}

// Shrink is what is expected of the effect behind an estimate, and the interval that holds it with a confidence.
func (p Prior) Shrink(estimate, err, confidence float64) (float64, Interval) {
	if !(err > 0) {
		return 0, Interval{}
	}
	parts := p.responsible(estimate, err)
	mean := 0.0
	means, deviations := make([]float64, len(parts)), make([]float64, len(parts))
	for k, s := range p.scales {
		keep := float64(s*s) / (float64(s*s) + float64(err*err))
		means[k], deviations[k] = float64(keep*estimate), float64(err*math.Sqrt(keep))
		mean += float64(parts[k] * means[k])
	}
	below := func(x float64) float64 {
		share := 0.0
		for k := range parts {
			switch {
			case deviations[k] > 0:
				share += float64(parts[k] * math.Erfc((means[k]-x)/(deviations[k]*math.Sqrt2)) / 2)
			case means[k] <= x:
				share += parts[k]
			}
		}
		return share
	}
	quantile := func(q float64) float64 {
		reach := math.Abs(estimate) + float64(8*err)
		low, high := -reach, reach
		for range 50 {
			if middle := (low + high) / 2; below(middle) < q {
				low = middle
			} else {
				high = middle
			}
		}
		if high < 1e-9 && low > -1e-9 {
			return 0
		}
		return (low + high) / 2
	}
	return mean, Interval{Low: quantile((1 - confidence) / 2), High: quantile((1 + confidence) / 2)}
}
