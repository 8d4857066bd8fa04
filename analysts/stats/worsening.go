package stats

import "math"

// Worsening tells, after each run and for as long as one likes, when a candidate begins to do worse than what there is, however long it did well
// before. It is a Shiryaev-Roberts e-detector (Shin, Ramdas and Rinaldo, New England Journal of Statistics in Data Science 2024) over the
// bets of Bets that the candidate is worse: at each run a bet begins anew, and all go on. Where both arms do the same, whatever the tasks are like and
// however that changes, it comes to x after at least x runs on average. The zero value is before the first run.
type Worsening struct {
	Bets Bets `json:"bets"`
	// Levels are the logarithms of what all bets together have come to, one for each size of an effect.
	Levels [len(effects)]float64 `json:"levels"`
	Begun  bool                  `json:"begun,omitempty"`
	// Rising is how much speaks for a difference of a fifth since it last did not.
	Rising float64 `json:"rising,omitempty"`
}

// Take takes a run: whether it was drawn into the candidate's arm, the share that this had, and its value from 0 to 1.
func (w Worsening) Take(candidate bool, share, value float64) Worsening {
	next := w.Bets.Take(candidate, share, value)
	for i := range w.Levels {
		gain, before := next.Worse[i]-w.Bets.Worse[i], 0.
		if w.Begun {
			before = w.Levels[i]
		} else {
			before = math.Inf(-1)
		}
		// One more bet of 1 begins with each run: log(1 + exp(before)), as it does not overflow.
		w.Levels[i] = gain + max(before, 0) + math.Log1p(math.Exp(-math.Abs(before)))
	}
	w.Rising = max(0, w.Rising+next.Worse[3]-w.Bets.Worse[3])
	w.Bets, w.Begun = next, true
	return w
}

// Calm tells that nothing speaks for the candidate doing a fifth worse: what comes from here on is what may be worse.
func (w Worsening) Calm() bool { return w.Rising == 0 }

// LogLevel is the logarithm of how much speaks for the candidate doing worse by now.
func (w Worsening) LogLevel() float64 {
	if !w.Begun {
		return math.Inf(-1)
	}
	return LogMean(w.Levels[:])
}
