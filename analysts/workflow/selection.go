package workflow

import (
	"cmp"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/stats"
)

// selection is the factors of a workflow that are worth telling together: what falls away is no false claim, only no
// other one. Half of a sequence is not news beside the whole.
type selection struct {
	*cohort
	all   claims
	kept  []factor
	marks [][]int8 // of each kept factor, its sides
}

// maxLonger is how many longer sequences, those with the strongest evidence, may take the place of a shorter one.
const maxLonger = 20

// independent selects from the workflow's claims those that stand beside one another.
func (c *cohort) independent(all claims) []factor {
	s := selection{cohort: c, all: all}
	candidates := c.claimed(all, func(h *hypothesis) bool { return h.feature != switches && h.feature != fails })
	s.add(candidates)
	for i := 0; i < len(s.kept); {
		if !s.lengthen(i, candidates) {
			i++
		}
	}
	// What was kept early may say nothing beside what came later.
	for i := 0; i < len(s.kept) && len(s.kept) > 1; {
		if s.without(i).stands(s.kept[i], s.marks[i]) {
			i++
			continue
		}
		s.kept, s.marks = slices.Delete(s.kept, i, i+1), slices.Delete(s.marks, i, i+1)
	}
	slices.SortStableFunc(s.kept, func(a, b factor) int { return cmp.Compare(b.logE, a.logE) })
	return s.kept
}

// add keeps each candidate that stands beside those kept before.
func (s *selection) add(candidates []factor) {
	for _, f := range candidates {
		sides := f.sides()
		if s.stands(f, sides) {
			s.kept, s.marks = append(s.kept, f), append(s.marks, sides)
		}
	}
}

// lengthen puts longer sequences in the place of the i-th factor where they explain success better: two sequences that
// share a pair of steps look like the pair until both are there. Every further factor must explain as much more as a
// claim needs. It tells whether it did.
func (s *selection) lengthen(i int, candidates []factor) bool {
	short := s.kept[i]
	if short.feature != contains && short.feature != precedes && short.feature != sequence {
		return false
	}
	var longer []factor
	for _, f := range candidates {
		if f.feature == sequence && len(f.subject) > len(short.subject) && endOf(f.subject, short.subject) >= 0 && len(longer) < maxLonger {
			longer = append(longer, f)
		}
	}
	if len(longer) == 0 {
		return false
	}
	other := s.without(i)
	other.add(longer)
	price := s.all.threshold * float64(len(other.kept)-len(s.kept))
	if other.explained()-price <= s.explained() {
		return false
	}
	*s = *other
	return true
}

func (s *selection) without(i int) *selection {
	return &selection{
		cohort: s.cohort, all: s.all,
		kept: slices.Concat(s.kept[:i], s.kept[i+1:]), marks: slices.Concat(s.marks[:i], s.marks[i+1:]),
	}
}

// stands tells whether the evidence for a factor beside those kept is of the same sign and still carries it, were it the only one
// that is tested: that it is none of many was settled before.
func (s *selection) stands(f factor, sides []int8) bool {
	beside := s.marks
	if f.feature == sequence { // it is measured beside the other sequences already
		beside = nil
		for i, k := range s.kept {
			if k.feature != sequence || endOf(k.subject, f.subject) >= 0 || endOf(f.subject, k.subject) >= 0 {
				beside = append(beside, s.marks[i])
			}
		}
	}
	if len(beside) == 0 {
		return true
	}
	m := f.measure(sides, beside...)
	if m.difference > 0 != (f.difference > 0) {
		return false
	}
	if f.feature == sequence {
		return m.p <= s.all.alpha
	}
	return stats.LogE(m.score, m.variance) >= math.Log(1/s.all.alpha)
}

// explained is the gain in log-likelihood of all kept factors together.
func (s *selection) explained() float64 {
	strata, y, xs := s.columns(s.marks)
	return stats.Explained(strata, y, xs)
}

// columns lays the rated runs out for least squares. In a column, 1 is a run with the feature.
func (c *cohort) columns(marks [][]int8) (strata []int32, y []float64, xs [][]float64) {
	xs = make([][]float64, len(marks))
	n := len(c.rated)
	strata, y = make([]int32, 0, n), make([]float64, 0, n)
	for i := range xs {
		xs[i] = make([]float64, 0, n)
	}
	for place := range n {
		strata = append(strata, c.stratum[place])
		y = append(y, float64(c.succeeded[place]))
		for i, m := range marks {
			xs[i] = append(xs[i], float64(max(m[place], without)))
		}
	}
	return strata, y, xs
}
