package answers

import (
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// asked is a run of a live agent.
type asked struct {
	agent string
	at    time.Time
}

// saving tells the money that changes have saved: because of them where a trial told runs with and without a change apart, else
// what a run costs since, beside what it cost before.
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
		return Check{Name: "dollars saved", Actual: fmt.Sprintf("$%.2f because of %s, by what a run cost with it and without in its trial", saved, count(changes, "change", "changes"))}, true
	}
	now, before := w.report.Metrics, w.before.Metrics
	if now.Runs == 0 || before.Runs == 0 || !now.Whole() || !before.Whole() || before.CostNanos == 0 {
		return Check{}, false
	}
	is, was := now.CostNanos/events.Nanos(now.Runs), before.CostNanos/events.Nanos(before.Runs)
	return Check{
		Name:   "dollars saved",
		Actual: fmt.Sprintf("none that a trial showed; a run costs %s since %s, before that %s", usd(is), w.since.Format("2 January"), usd(was)),
	}, true
}
