package answers

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Targets are what is wanted. A zero value is its default.
type Targets struct {
	// Runs, Patterns, Specialists and Feedback are counts, 100, 10, 5 and 20.
	Runs, Patterns, Specialists, Feedback int64
	// Automated counts patterns whose runbook has run, 50; ActiveSpecialists agents, 25.
	Automated, ActiveSpecialists int64
	// ImprovementsADay is over the last 30 days, 1.
	ImprovementsADay int64
	// SuccessPermille is of rated runs, 900, and ErrorsPermille of a day's, at most 100.
	SuccessPermille, ErrorsPermille int64
	// Median is of a run's time, 2 s, and Response of a day's, 3 s.
	Median, Response time.Duration
	// Cost is of a run, $.015.
	Cost events.Nanos
}

func (t Targets) filled() Targets {
	return Targets{
		Runs: cmp.Or(t.Runs, 100), Patterns: cmp.Or(t.Patterns, 10), Specialists: cmp.Or(t.Specialists, 5), Feedback: cmp.Or(t.Feedback, 20),
		Automated: cmp.Or(t.Automated, 50), ActiveSpecialists: cmp.Or(t.ActiveSpecialists, 25), ImprovementsADay: cmp.Or(t.ImprovementsADay, 1),
		SuccessPermille: cmp.Or(t.SuccessPermille, 900), ErrorsPermille: cmp.Or(t.ErrorsPermille, 100),
		Median: cmp.Or(t.Median, 2*time.Second), Response: cmp.Or(t.Response, 3*time.Second), Cost: cmp.Or(t.Cost, 15_000_000),
	}
}

// actuals are the targets. The second ones of a kind count once the first are met.
func (w *record) actuals() []Check {
	t := w.targets
	m := w.report.Metrics
	atLeast := func(name string, actual, target int64) Check {
		return check(name, fmt.Sprint(actual), fmt.Sprintf("at least %d", target), actual >= target)
	}
	var specialists, active int64
	for _, a := range w.agents {
		if a.Imported || a.Agent == events.Assistant || a.SpawnedAt.IsZero() {
			continue
		}
		specialists++
		if a.Status == "active" {
			active++
		}
	}
	list := []Check{
		atLeast("workflow runs tracked", w.runs, t.Runs),
		check("patterns found", fmt.Sprintf("%d (ways that more than one run took)", len(w.patterns)), fmt.Sprintf("at least %d", t.Patterns), int64(len(w.patterns)) >= t.Patterns),
		atLeast("specialists", specialists, t.Specialists),
		atLeast("feedback", int64(len(w.feedback)), t.Feedback),
	}
	monthly := w.improved(w.until.AddDate(0, 0, -30), w.until)
	second := []Check{
		check("patterns automated", fmt.Sprintf("%d (their runbook has run)", w.automated()), fmt.Sprintf("at least %d", t.Automated), w.automated() >= t.Automated),
		atLeast("active specialists", active, t.ActiveSpecialists),
		check("improvements a day", fmt.Sprintf("%.2f over 30 days", float64(monthly)/30), fmt.Sprintf("at least %d", t.ImprovementsADay), monthly >= 30*t.ImprovementsADay),
	}
	if slices.ContainsFunc(list, func(c Check) bool { return !*c.Met }) {
		for i := range second {
			second[i].Target, second[i].Met = second[i].Target+", once the first four are met", nil
		}
	}
	list = append(list, second...)
	if rated := m.Succeeded + m.Failed; rated > 0 {
		list = append(list, check("success", shareOf(m.Succeeded, rated), "at least "+permille(t.SuccessPermille), 1000*m.Succeeded >= t.SuccessPermille*rated))
	}
	if p50, p95 := m.Duration.P50, m.Duration.P95; p50 != nil && p95 != nil {
		list = append(list, check("median response", fmt.Sprintf("%s (p95 %s)", lasting(*p50), lasting(*p95)), "under "+t.Median.String(), *p50 < t.Median.Seconds()))
	}
	if m.Runs > 0 && !w.unspent() {
		each := m.CostNanos / events.Nanos(m.Runs)
		of := check("cost of a run", m.Say(usd(each)), "under "+usd(t.Cost), each < t.Cost)
		if *of.Met && !m.Whole() {
			of.Met = nil // it may have been more
		}
		list = append(list, of)
	}
	if liked, judged := satisfaction(w.feedback, w.in); judged > 0 {
		i := stats.Wilson(liked, judged, confidence)
		list = append(list, Check{Name: "satisfaction", Actual: fmt.Sprintf("%.1f of 10 (%d of %s liked, interval %.1f to %.1f; at most %d of a person)",
			10*float64(liked)/float64(judged), liked, english.Plural(int(judged), "judged answer", "judged answers"), 10*i.Low, 10*i.High, stats.PerPerson)})
	}
	if saved, ok := w.saving(); ok {
		list = append(list, saved)
	}
	return list
}

// automated counts the patterns whose runbook has run to its end, once each.
func (w *record) automated() int64 {
	saved, ran := map[string]bool{}, map[string]bool{}
	for _, b := range w.runbooks {
		saved[b.Runbook] = true
	}
	for _, g := range w.goals {
		ended := g.Status == projections.GoalSucceeded || g.Status == projections.GoalFailed
		if ended && g.PlanSource == events.PlannedByRunbook && saved[g.PlanOf] {
			ran[g.PlanOf] = true
		}
	}
	return int64(len(ran))
}
