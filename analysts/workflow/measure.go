package workflow

import (
	"math"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// measured is what a comparison says.
type measured struct {
	strata     stats.Strata
	difference float64
	interval   stats.Interval
	// score and variance are what p-values and e-values are made of.
	score, variance float64
}

// measure compares the sides within strata and, where the hypothesis stands beside others, on equal terms as to those.
func (h *hypothesis) measure(sides []int8) measured {
	m := measured{strata: h.cohort.tabulate(sides)}
	m.difference, m.interval = m.strata.Difference(confidence)
	m.score, m.variance = m.strata.Score()
	if len(h.beside) == 0 {
		return m
	}
	var x, y []float64
	classes := make([][]int32, 1+len(h.beside))
	for place, side := range sides {
		if side == out {
			continue
		}
		x, y = append(x, float64(side)), append(y, float64(h.cohort.succeeded[place]))
		classes[0] = append(classes[0], h.cohort.stratum[place])
		for i, other := range h.beside {
			classes[i+1] = append(classes[i+1], other[h.cohort.traceOf[h.cohort.rated[place]]])
		}
	}
	parameters := stats.Absorb(classes, x, y)
	slope, err, ok := stats.Slope(x, y, float64(len(x)), parameters)
	if !ok || err == 0 {
		m.score, m.variance, m.difference, m.interval = 0, 0, 0, stats.Interval{Low: -1, High: 1}
		return m
	}
	half := 1.96 * err
	m.difference, m.interval = slope, stats.Interval{Low: max(-1, slope-half), High: min(1, slope+half)}
	left := 0.0
	for _, v := range x {
		left += float64(v * v)
	}
	// In units of a success's greatest variance, as the score of tables has it.
	m.variance = left / 4
	m.score = slope / err * math.Sqrt(m.variance)
	return m
}
