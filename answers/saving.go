package answers

import (
	"fmt"
	"math"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// asked is a run of a live agent.
type asked struct {
	agent string
	at    time.Time
}

// saving tells the money that changes have saved: because of them where a trial told runs with and without a change apart, else
// what a run costs since, beside what it cost before where that is more than chance.
func (w *record) saving() (Check, bool) {
	var saved float64
	changes := 0
	for _, e := range w.experiments {
		_, with, without := events.Saved(e.Arms, e.Promoted)
		if e.Status != projections.ExperimentPromoted || with >= without {
			continue
		}
		runs := 0
		for _, a := range w.asked {
			if a.agent == e.Agent && a.at.After(e.EndedAt) {
				runs++
			}
		}
		if runs > 0 {
			changes++
			saved += float64(runs) * (without - with)
		}
	}
	if changes > 0 {
		return Check{Name: "dollars saved", Actual: fmt.Sprintf("$%.2f because of %s, by what a run cost with it and without in its trial", saved, english.Plural(changes, "change", "changes"))}, true
	}
	d, se := w.spends.mean()-w.spent.mean(), math.Hypot(w.spends.error(), w.spent.error())
	if w.spends.n < fewestSpent || w.spent.n < fewestSpent || !w.report.Whole() || !w.before.Whole() || math.Abs(d) <= 1.96*se {
		return Check{}, false
	}
	return Check{Name: "dollars saved", Actual: fmt.Sprintf("none that a trial showed; a run costs %s since %s, before that %s (%+.3g%%, interval %+.3g%% to %+.3g%%)",
		usd(events.Nanos(w.spends.mean())), w.since.Format("2 January"), usd(events.Nanos(w.spent.mean())),
		100*d/w.spent.mean(), 100*(d-1.96*se)/w.spent.mean(), 100*(d+1.96*se)/w.spent.mean())}, true
}

// fewestSpent is how many runs there must be so that what one costs on the average can be compared.
const fewestSpent = 30

// spend adds up what runs cost.
type spend struct{ n, sum, squares float64 }

func (s *spend) add(cost events.Nanos) {
	x := float64(cost)
	s.n, s.sum, s.squares = s.n+1, s.sum+x, s.squares+float64(x*x)
}

func (s *spend) mean() float64 { return s.sum / s.n }

// error is the standard error of the mean.
func (s *spend) error() float64 {
	return math.Sqrt(max(0, s.squares/s.n-float64(s.mean()*s.mean())) / (s.n - 1))
}
