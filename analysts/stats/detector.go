package stats

import "math"

// Detector tells when successes begin to come less often than they did, on like tasks. It is a Shiryaev-Roberts e-detector (Shin,
// Ramdas and Rinaldo, New England Journal of Statistics in Data Science 2024) of Bernoulli trials: a mixture over four odds ratios
// below 1, against what the same stratum's trials before were worth. Tasks that come in another mix are no change.
//
// Measured (TestDetectorARL, TestDetectorDelay): more than 10,000 trials between two false alarms; after 300 trials a drop by 15 points
// is told within a median of about 60 trials where .9 succeeded, 80 at .8 and 110 at .6.
type Detector struct {
	strata  []int32
	good    []bool
	learned int // how many trials the strata's rates are of
	count   map[int32][2]float64
	sums    [len(oddsRatios)]float64
	cusums  [len(oddsRatios)]float64
	since   [len(oddsRatios)]int
	// at and level are what Add told last.
	at    int
	level float64
}

// oddsRatios are those of a drop.
var oddsRatios = [...]float64{1 / 1.5, 1 / 2.0, 1 / 3.0, 1 / 5.0}

// DetectorAlarm is the level from which a Detector tells a change.
const DetectorAlarm = 10_000

const (
	// detectorLag is how many of the latest trials say nothing of what was before: they may be behind the change.
	detectorLag = 50
	// detectorLeast is how many trials of a stratum tell its rate. What few of them say is taken to be less, by two
	// standard errors at most: a quarter of one, and detectorCaution over their number.
	detectorLeast   = 10
	detectorCaution = 60
)

// Add counts a trial. The level is how much speaks for successes coming less often, since the trial of that number, from 0: by
// the n-th trial it has come to x in at most n/x of histories without a change. It falls again once they come as before.
func (d *Detector) Add(stratum int32, good bool) (since int, level float64) {
	if d.count == nil {
		d.count = map[int32][2]float64{}
	}
	n := len(d.good)
	for d.learned < n && (d.learned < n-detectorLag || d.learned < 2*detectorLag) {
		c := d.count[d.strata[d.learned]]
		c[0]++
		if d.good[d.learned] {
			c[1]++
		}
		d.count[d.strata[d.learned]] = c
		d.learned++
	}
	d.strata, d.good = append(d.strata, stratum), append(d.good, good)
	c := d.count[stratum]
	if c[0] < detectorLeast {
		return d.at, d.level
	}
	p := (c[1] + .5) / (c[0] + 1)
	p -= min(2, .25+detectorCaution/c[0]) * math.Sqrt(float64(p*(1-p))/c[0])
	if p < .02 {
		return d.at, d.level // what hardly ever succeeds can't drop
	}
	sum, best := 0.0, 0
	for k, ratio := range oddsRatios {
		odds := p / (1 - p) * ratio
		q := odds / (1 + odds)
		e := (1 - q) / (1 - p)
		if good {
			e = q / p
		}
		d.sums[k] = (d.sums[k] + 1) * e
		sum += d.sums[k]
		if d.cusums[k] <= 0 {
			d.cusums[k], d.since[k] = 0, n
		}
		d.cusums[k] += math.Log(e)
		if d.cusums[k] > d.cusums[best] {
			best = k
		}
	}
	d.at, d.level = d.since[best], sum/float64(len(oddsRatios))
	return d.at, d.level
}
