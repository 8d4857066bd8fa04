package stats

import "math"

// Bets is a test, after each run and for as long as one likes, of whether a candidate does better or worse than what
// there is. It bets on the arm that a run was drawn into: where the arms do the same, a run that went well was drawn into
// the candidate's with just the chance that the draw had, so that the wealth of the bets is a martingale, whatever the
// tasks are like and however they change. Where the candidate is no better the bets that it is can only lose (Turner, Ly
// and Grünwald, Generic E-variables for exact sequential k-sample tests, JSPI 2024, 230:106116, with a block of one drawn
// arm; Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 2024, 86:1). A wealth of
// 1/a or more is therefore seen with a chance of at most a, at however many looks (Ville).
//
// Runs are taken in the order in which they were drawn, never in the order in which they end: how long a run takes may
// depend on its arm. The zero value is a test before its first run.
type Bets struct {
	// N counts the runs, Sum and Squares add up their values.
	N       int64   `json:"n,omitempty"`
	Sum     float64 `json:"sum,omitempty"`
	Squares float64 `json:"squares,omitempty"`
	// Gain adds up (arm - share) (value - expected), Room what that is made of under a difference of 1, and Spread its squares.
	Gain   float64 `json:"gain,omitempty"`
	Room   float64 `json:"room,omitempty"`
	Spread float64 `json:"spread,omitempty"`
	// Better and Worse are the logarithms of the wealth of bets that the candidate is, one for each size of an effect.
	Better [len(effects)]float64 `json:"better"`
	Worse  [len(effects)]float64 `json:"worse"`
}

// effects are the sizes of differences that are bet on, each with the same stake.
var effects = [...]float64{.02, .05, .1, .2, .4}

// mostLost is how much of its stake a bet can lose on one run.
const mostLost = .9

// Take takes a run: whether it was drawn into the candidate's arm, the share that this had, and its value from 0 to 1.
func (b Bets) Take(candidate bool, share, value float64) Bets {
	n := float64(b.N)
	mean := (b.Sum + .5) / (n + 1)
	// Values vary as much as those so far, beginning with as much as they can.
	vary := max((b.Squares-float64(b.Sum*b.Sum)/max(n, 1)+.25)/(n+1), 1e-4)
	side := -share
	if candidate {
		side = 1 - share
	}
	x := float64(side * (value - mean))
	// What the worst run would cost: one of the candidate's without value, or one of the others of full value.
	worst := max(float64((1-share)*mean), float64(share*(1-mean)))
	best := max(float64((1-share)*(1-mean)), float64(share*mean))
	for i, effect := range effects {
		b.Better[i] += math.Log1p(float64(min(effect/vary, mostLost/worst) * x))
		b.Worse[i] += math.Log1p(float64(-min(effect/vary, mostLost/best) * x))
	}
	b.N, b.Sum, b.Squares = b.N+1, b.Sum+value, b.Squares+float64(value*value)
	b.Gain, b.Room, b.Spread = b.Gain+x, b.Room+float64(share*(1-share)), b.Spread+float64(x*x)
	return b
}

// LogBetter is the logarithm of the e-value against "the candidate is no better".
func (b Bets) LogBetter() float64 { return LogMean(b.Better[:]) }

// LogWorse is the logarithm of the e-value against "the candidate is no worse".
func (b Bets) LogWorse() float64 { return LogMean(b.Worse[:]) }

// Difference estimates how much more the candidate gives, with an interval that holds at however many looks, as runs
// become many (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory, Annals of Statistics
// 2024, 52:2613).
func (b Bets) Difference(confidence float64) (float64, Interval) {
	if b.Room == 0 {
		return 0, Interval{Low: -1, High: 1}
	}
	d := max(-1, min(1, b.Gain/b.Room))
	spread := max(b.Spread-float64(d*d)*float64(b.Room*b.Room)/float64(b.N), 1e-9) + .25
	// The interval is narrowest where the spread is about that of 500 runs of which a quarter try something.
	margin := boundary(spread, 20, 1-confidence) / b.Room
	return d, Interval{Low: max(-1, d-margin), High: min(1, d+margin)}
}

// boundary is what a sum of that variance, which should be none, stays within at however many looks but with a chance of alpha. It is
// narrowest where the variance is about typical.
func boundary(variance, typical, alpha float64) float64 {
	tune := (float64(-2*math.Log(alpha)) + math.Log(-2*math.Log(alpha)) + 1) / typical
	grown := float64(variance*tune) + 1
	return math.Sqrt(2 * grown / tune * math.Log(math.Sqrt(grown)/alpha))
}

// LogMean is the logarithm of the mean of what the logarithms stand for.
func LogMean(logs []float64) float64 {
	most := math.Inf(-1)
	for _, l := range logs {
		most = max(most, l)
	}
	sum := 0.
	for _, l := range logs {
		sum += math.Exp(l - most)
	}
	return most + math.Log(sum/float64(len(logs)))
}
