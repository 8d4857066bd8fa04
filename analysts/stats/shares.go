package stats

import "math"

// Shares tests, after each run, whether the arms got the shares that they were drawn with: where they did not, runs of one
// of them are lost on the way, and no comparison can be trusted (Lindon and Malek, Anytime-valid inference for
// multinomial count data, NeurIPS 2022, with bets on a few other shares). The zero value is a test before its first run.
type Shares struct {
	Bets [len(tilts)]float64 `json:"bets"`
}

// tilts are other shares, as differences of log-odds.
var tilts = [...]float64{-.7, -.2, .2, .7}

// Take takes a run: whether it was the candidate's, and the share that the candidate had when it was drawn.
func (s Shares) Take(candidate bool, share float64) Shares {
	for i, tilt := range tilts {
		odds := math.Exp(tilt)
		total := float64(share*odds) + 1 - share
		if candidate {
			s.Bets[i] += tilt - math.Log(total)
		} else {
			s.Bets[i] -= math.Log(total)
		}
	}
	return s
}

// LogOther is the logarithm of the e-value against "the shares are those that were drawn with".
func (s Shares) LogOther() float64 { return LogMean(s.Bets[:]) }
