package evidence

import (
	"math"
	"time"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// Successes is the worth of a change of a workflow's success rate. monthly is how many rated runs the workflow has in 30
// days, all how many there are.
func Successes(change, low, high, monthly, all float64) events.Worth {
	w := NewWorth(events.MoreSuccesses, change*monthly, low*monthly, high*monthly, all)
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

// NewWorth is the worth of a change by month, of which the whole system has all. Its severity goes by the lower bound.
func NewWorth(unit events.WorthUnit, month, low, high, all float64) events.Worth {
	w := events.Worth{Unit: unit, Month: stats.Round(month), Low: stats.Round(low), High: stats.Round(high), Severity: events.SeverityLow}
	if all > 0 {
		w.Share = stats.Round(month / all)
		switch sure := low / all; {
		case sure >= 0.05:
			w.Severity = events.SeverityCritical
		case sure >= 0.02:
			w.Severity = events.SeverityHigh
		case sure >= 0.005:
			w.Severity = events.SeverityMedium
		}
	}
	return w
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
