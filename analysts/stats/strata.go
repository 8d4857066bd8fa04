package stats

import "math"

// Table is one stratum's 2x2 table: runs with a feature and runs without it, and how many of each succeeded.
type Table struct {
	With, WithSucceeded       int64
	Without, WithoutSucceeded int64
}

// Strata compares success with and without a feature inside strata, so that what differs between the strata (a hard
// task) is not blamed on the feature. The zero value is empty. Adding a table costs the same however many came before.
type Strata struct {
	// Total is the sum of all tables, with those that say nothing about the feature.
	Total Table
	// Informative counts the tables that have runs on both sides.
	Informative int

	tables             int     // that are not empty
	weight, weighted   float64 // sums of n1 n0 / n, and of (a n0 - b n1) / n
	satoP, satoQ       float64
	score, information float64
}

// Add counts one stratum.
func (s *Strata) Add(t Table) {
	if t.With == 0 && t.Without == 0 {
		return
	}
	s.tables++
	s.Total.With += t.With
	s.Total.WithSucceeded += t.WithSucceeded
	s.Total.Without += t.Without
	s.Total.WithoutSucceeded += t.WithoutSucceeded
	if t.With == 0 || t.Without == 0 {
		return
	}
	s.Informative++
	n1, n0 := float64(t.With), float64(t.Without)
	a, b := float64(t.WithSucceeded), float64(t.WithoutSucceeded)
	n := n1 + n0

	s.weight += float64(n1*n0) / n
	s.weighted += (float64(a*n0) - float64(b*n1)) / n
	s.satoP += (float64(n1*n1*b) - float64(n0*n0*a) + float64(n1*n0*(n0-n1))/2) / float64(n*n)
	s.satoQ += (float64(a*(n0-b)) + float64(b*(n1-a))) / (2 * n)

	successes := a + b
	s.score += a - float64(n1*successes)/n
	if n > 1 {
		s.information += float64(n1*n0*successes*(n-successes)) / float64(n*n*(n-1))
	}
}

// Difference is success with the feature minus success without it. One stratum gives Newcombe's interval. More give
// the Mantel-Haenszel risk difference with Sato's variance, which holds for few large strata and for many small ones
// (Greenland and Robins, Biometrics 1985, 41:55; Sato, Biometrics 1989, 45:1323). Without an informative stratum the
// answer is 0 in [-1, 1].
func (s *Strata) Difference(confidence float64) (float64, Interval) {
	switch {
	case s.Informative == 0:
		return 0, Interval{Low: -1, High: 1}
	case s.tables == 1:
		return Newcombe(s.Total.WithSucceeded, s.Total.With, s.Total.WithoutSucceeded, s.Total.Without, confidence)
	}
	d := s.weighted / s.weight
	variance := max(0, float64(d*s.satoP)+s.satoQ) / float64(s.weight*s.weight)
	half := z(confidence) * math.Sqrt(variance)
	return d, Interval{Low: max(-1, d-half), High: min(1, d+half)}
}

// DifferenceAlways is Difference for runs whose side was drawn, with an interval that holds at however many looks, as runs become many: see
// Bets.Difference.
func (s *Strata) DifferenceAlways(confidence float64) (float64, Interval) {
	if s.Informative == 0 {
		return 0, Interval{Low: -1, High: 1}
	}
	d := s.weighted / s.weight
	// The quarter keeps few runs that are all alike from looking sure.
	margin := boundary(max(0, float64(d*s.satoP)+s.satoQ)+.25, 20, 1-confidence) / s.weight
	return d, Interval{Low: max(-1, d-margin), High: min(1, d+margin)}
}

// Score is the sum over the strata of the successes with the feature less those expected if it made no difference, and
// its variance given the margins. Score squared over variance is the Cochran-Mantel-Haenszel statistic (Mantel and
// Haenszel, JNCI 1959).
func (s *Strata) Score() (score, variance float64) { return s.score, s.information }

// mixtureVariance is that of the normal prior on the log odds ratio in LogE: an odds ratio between 1/7 and 7 in 95 of
// 100 cases.
const mixtureVariance = 1.0
