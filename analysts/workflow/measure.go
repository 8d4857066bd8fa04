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
	// score and variance are what e-values are made of, p is the p-value.
	score, variance, p float64
}

// measure compares the sides within strata. A hypothesis that stands beside others, or marks of others, are compared on equal terms
// as to those and to what no step can change: what else moves success blurs the comparison.
func (h *hypothesis) measure(sides []int8, marks ...[]int8) measured {
	m := measured{strata: h.cohort.tabulate(sides)}
	m.difference, m.interval = m.strata.Difference(confidence)
	m.score, m.variance = m.strata.Score()
	m.p = stats.PValue(m.score, m.variance)
	if len(h.beside)+len(marks) == 0 {
		return m
	}
	c := h.cohort
	x, y, compared := c.room.x[:0], c.room.y[:0], c.room.compared[:0]
	for place, side := range sides {
		if side != out {
			compared = append(compared, int32(place)) //nolint:gosec // a run's number
			x, y = append(x, float64(side)), append(y, float64(c.succeeded[place]))
		}
	}
	c.room.x, c.room.y, c.room.compared, c.room.taken = x, y, compared, 0
	classes := c.room.lists[:0]
	class := func(of []int32) {
		if len(compared) < len(sides) {
			all := of
			of = c.room.class(len(compared))
			for i, place := range compared {
				of[i] = all[place]
			}
		}
		classes = append(classes, of)
	}
	class(c.stratum)
	for _, other := range h.beside {
		of := c.room.class(len(compared))
		for i, place := range compared {
			of[i] = int32(other[c.way[place]])
		}
		classes = append(classes, of)
	}
	for _, mark := range marks {
		of := c.room.class(len(compared))
		for i, place := range compared {
			of[i] = int32(max(mark[place], without))
		}
		classes = append(classes, of)
	}
	if len(h.beside) > 0 {
		for _, of := range c.unchangeable(h) {
			class(of)
		}
	}
	c.room.lists = classes
	parameters := stats.Absorb(classes, x, y)
	slope, err, ok := stats.Slope(x, y, float64(len(x)), parameters)
	if !ok || err == 0 {
		m.score, m.variance, m.p, m.difference, m.interval = 0, 0, 1, 0, stats.Interval{Low: -1, High: 1}
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
	m.p = stats.StudentP(slope/err, len(x)-parameters-1)
	return m
}

// room is what one comparison after another is laid out in.
type room struct {
	x, y     []float64
	compared []int32
	lists    [][]int32
	classes  [][]int32
	taken    int
	rows     []row
	// sides are by place, of by variant.
	sides, of []int8
}

// cleared is room for n sides, all of them without.
func cleared(room []int8, n int) []int8 {
	if cap(room) < n {
		return make([]int8, n)
	}
	clear(room[:n])
	return room[:n]
}

// class is a list of n classes that nobody uses any more.
func (r *room) class(n int) []int32 {
	if r.taken == len(r.classes) {
		r.classes = append(r.classes, nil)
	}
	if cap(r.classes[r.taken]) < n {
		r.classes[r.taken] = make([]int32, n)
	}
	r.taken++
	return r.classes[r.taken-1][:n]
}
