package stats

// Score is the sum over the strata of the successes with the feature less those expected if it made no difference, and
// its variance given the margins. Score squared over variance is the Cochran-Mantel-Haenszel statistic (Mantel and
// Haenszel, JNCI 1959).
func (s *Strata) Score() (score, variance float64) { return s.score, s.information }
