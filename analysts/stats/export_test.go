package stats

// LogE is the e-value of a comparison within strata.
func (s *Strata) LogE() float64 { return LogE(s.score, s.information) }
