package evidence

import (
	"cmp"
	"math"
	"time"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// Unit is what a worth is counted in.
type Unit string

// The units, each in 30 days.
const (
	MoreSuccesses Unit = "runs"
	LessDollars   Unit = "dollars"
	LessMinutes   Unit = "minutes"
)

// Worth is what acting on something may bring in 30 days at the present rate of runs, shrunk towards nothing for having
// been chosen among many, with its interval.
type Worth struct {
	Unit  Unit    `json:"unit"`
	Month float64 `json:"month"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Points are percentage points of the workflow's success rate, for runs that succeed.
	Points     float64 `json:"points,omitempty"`
	PointsLow  float64 `json:"points_low,omitempty"`
	PointsHigh float64 `json:"points_high,omitempty"`
	// Share is Month as a share of all there is of the unit in 30 days: of all runs, all spending, all working time. It is
	// what things of different units are ranked by.
	Share    float64  `json:"share"`
	Severity Severity `json:"severity"`
}

// Successes is the worth of a change of a workflow's success rate. monthly is how many rated runs the workflow has in 30
// days, all how many there are.
func Successes(change, low, high, monthly, all float64) Worth {
	w := NewWorth(MoreSuccesses, change*monthly, low*monthly, high*monthly, all)
	w.Points, w.PointsLow, w.PointsHigh = stats.Round(100*change), stats.Round(100*low), stats.Round(100*high)
	return w
}

// month is the time that worth is counted by.
const month = 30 * 24 * time.Hour

// Monthly is how many runs in 30 days each of those that began at these times (in Unix nanoseconds, 0 where that is not
// known) stands for: one where it is of the 30 days before the latest, none where it is older. A younger history is taken to
// go on as it did, for a day at least; one without times counts as 30 days.
func Monthly(starts []int64) []float64 {
	var first, last int64
	for _, at := range starts {
		if at != 0 {
			if first == 0 || at < first {
				first = at
			}
			last = max(last, at)
		}
	}
	from, scale := last-int64(month), 1.0
	if last > 0 && first > from {
		scale = float64(month) / float64(max(last-first, int64(24*time.Hour)))
	}
	weights := make([]float64, len(starts))
	for i, at := range starts {
		if at >= from && at != 0 || last == 0 {
			weights[i] = scale
		}
	}
	return weights
}

// Severity is how much something matters, by its worth and by how sure that is.
type Severity string

// From the greatest to the least.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// NewWorth is the worth of a change by month, of which the whole system has all. Its severity goes by the lower bound.
func NewWorth(unit Unit, month, low, high, all float64) Worth {
	w := Worth{Unit: unit, Month: stats.Round(month), Low: stats.Round(low), High: stats.Round(high), Severity: Low}
	if all > 0 {
		w.Share = stats.Round(month / all)
		switch sure := low / all; {
		case sure >= 0.05:
			w.Severity = Critical
		case sure >= 0.02:
			w.Severity = High
		case sure >= 0.005:
			w.Severity = Medium
		}
	}
	return w
}

// ByWorth orders what is worth more before what is worth less, and that before what has no worth.
func ByWorth(a, b *Worth) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Month, a.Month))
}

// Says tells whether a proposal says what a finding says: all that the finding names is in the proposal's claim.
func (p Proposal) Says(f Finding) bool {
	if p.Claim.Workflow != f.Workflow || len(f.Subject) < 2 || len(p.Claim.Subject) < 2 || harmsOf(f) != p.Claim.Harms && p.Change.Kind != events.ChangeModel {
		return false
	}
	named := map[string]bool{}
	for _, s := range p.Claim.Subject[1:] {
		named[s] = true
	}
	for _, s := range f.Subject[1:] {
		if !named[s] {
			return false
		}
	}
	return true
}

func harmsOf(f Finding) bool { return f.Evidence.Value < 0 }

// Grade is how well evidence carries a claim, by the lower bound of how many times as often the better side succeeds, the runs
// on the smaller side, the logarithm of the e-value, whether it is claimed at all and whether both halves of the time show
// it. Frequency alone never raises it.
func Grade(lower float64, n int64, logE float64, claimed, halves bool) events.Strength {
	switch {
	case lower <= 1 || !claimed:
		return events.Weak
	case lower > 1.25 && n >= 100 && logE >= math.Log(1000) && halves:
		return events.VeryStrong
	case lower > 1.1 && n >= 30 && halves:
		return events.Strong
	}
	return events.Moderate
}
