// Package cost looks at what runs cost: which cheaper model would do, and how long budgets last.
package cost

import (
	"fmt"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

const (
	name       = "cost"
	version    = 2
	alpha      = 0.05
	confidence = 0.95
	// horizon is how many days ahead a forecast looks at most.
	horizon = 60
)

// The kinds of findings.
const (
	CheaperModel = "cheaper_model"
	BudgetEnds   = "budget_ends"
)

// New is the analyst of costs. A cheaper model is proposed only where its success is shown to be not 5 points below.
func New() evidence.Analyst[View] {
	return evidence.Analyst[View]{Name: name, Version: version, Load: load, Propose: propose}
}

func propose(v View) evidence.Result {
	res := evidence.Result{Proposals: []evidence.Proposal{}, Findings: slices.Concat(v.budgets(), v.ends(), v.lostCaches())}
	all := v.routes()
	holds := v.settled(all)
	starts := make([]int64, len(v.Runs))
	for i := range v.Runs {
		starts[i] = v.Runs[i].Started
	}
	weights, spending := evidence.Monthly(starts), 0.0
	for i := range v.Runs {
		spending += float64(weights[i] * v.Runs[i].Nanos)
	}
	best := map[[2]string]*route{}
	for _, r := range all {
		if !holds[r] {
			if n := r.needs(); n > 0 && n <= 4*int64(len(r.rows)) {
				res.Findings = append(res.Findings, evidence.Finding{
					Kind: CheaperModel, Workflow: r.workflow, Subject: r.claim().Subject, Evidence: r.evidence(len(all)),
					Text: fmt.Sprintf("%s Too few to tell whether that is less than %.0f points below: about %d more runs with each would.", r.reason(), 100*margin, n),
				})
			}
			continue
		}
		key := [2]string{r.workflow, r.agent}
		if known := best[key]; known == nil || r.saving > known.saving {
			best[key] = r
		}
	}
	for _, r := range all {
		if best[[2]string{r.workflow, r.agent}] != r {
			continue
		}
		runs := 0.0
		for i := range v.Runs {
			if run := &v.Runs[i]; run.Workflow == r.workflow && run.Agent == r.agent && run.Model == r.now {
				runs += weights[i]
			}
		}
		month := func(nanos float64) float64 { return float64(runs*nanos) / 1e9 }
		half := z * r.savingErr
		w := evidence.NewWorth(events.LessDollars, month(r.saving), month(r.saving-half), month(r.saving+half), spending/1e9)
		res.Proposals = append(res.Proposals, r.proposal(&v, len(all), w))
	}
	for i := range res.Findings {
		res.Findings[i].Analyst = name
	}
	res.Weigh = func(c events.Claim, after uint64) (evidence.Standing, bool) { return weigh(&v, all, holds, c, after) }
	return res
}

// weigh answers for a claim: how it stands by all runs, or by those that began behind a position.
func weigh(v *View, all []*route, holds map[*route]bool, c events.Claim, after uint64) (evidence.Standing, bool) {
	for _, known := range all {
		if known.workflow != c.Workflow || !slices.Equal(known.claim().Subject, c.Subject) {
			continue
		}
		r := *known
		carried := holds[known]
		if after > 0 {
			r.rows = slices.DeleteFunc(slices.Clone(r.rows), func(run *Run) bool { return run.First <= after })
			r.compared = known.compare(after, math.MaxUint64)
			carried = len(r.rows) > 0 && r.holds(alpha/float64(10*len(all)))
		}
		s := events.Weak
		switch {
		case len(r.rows) == 0:
			s = events.Gone
		case r.interval.High < -margin || r.saving+z*r.savingErr < 0:
			s = events.Reversed
		case r.difference < -margin:
			s = events.Gone
		case carried:
			s = r.strength()
		}
		return evidence.Standing{Strength: s, Reason: r.reason(), Evidence: r.evidence(len(all)), Expected: r.expected()}, true
	}
	return evidence.Standing{}, false
}

// budgets tell how long each budget of all runs lasts.
func (v *View) budgets() []evidence.Finding {
	if len(v.Spent) == 0 {
		return nil
	}
	last := dayOf(v.Spent[len(v.Spent)-1].Day)
	spent := make([]float64, len(v.Spent))
	for i, d := range v.Spent {
		spent[i] = d.Nanos
	}
	var findings []evidence.Finding
	for _, b := range v.Budgets {
		if b.Budget != allRuns || b.LimitNanos <= 0 {
			continue // what other budgets cover is not in the ledger of days
		}
		gone, days := period(last, b.Period)
		left := float64(b.LimitNanos)
		for _, x := range spent[max(0, len(spent)-gone):] {
			left -= x
		}
		f, ok := forecast(spent, left, days, horizon, b.Budget+" "+v.Spent[len(v.Spent)-1].Day)
		if !ok || f.Chance < 0.05 {
			continue
		}
		word, severity := "may be", events.SeverityLow
		switch {
		case f.Chance > 0.9:
			word, severity = "is all but certain to be", events.SeverityCritical
		case f.Chance > 0.5:
			word, severity = "is likely to be", events.SeverityHigh
		}
		findings = append(findings, evidence.Finding{
			Kind: BudgetEnds, Subject: []string{b.Budget}, Severity: severity,
			Text: fmt.Sprintf("The budget %s of $%s a %s %s used up before the period ends (chance %.0f%%): in about %.0f days (80%% interval %.0f to %.0f), by the last %d days.",
				b.Budget, b.LimitNanos, b.Period, word, 100*f.Chance, f.Middle, f.Low, f.High, min(len(spent), forecastDays)),
			Evidence: events.Evidence{
				From: 1, To: max(v.Position, 1), Statistic: "days until it is used up, block bootstrap of the daily costs", Value: stats.Round(f.Middle),
				Low: stats.Round(f.Low), High: stats.Round(f.High), Confidence: 0.8, N: int64(min(len(spent), forecastDays)),
			},
		})
	}
	return findings
}

// allRuns is the budget of all runs together.
const allRuns = "all"
