// Package failure looks at what goes wrong: which errors there are, what they cost, who came to them first, and what the
// runs did that recovered.
package failure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

const (
	name    = "errors"
	version = 3
	alpha   = 0.05
	// top is how many errors are told of a workflow.
	top = 10
)

// The kinds of findings.
const (
	ErrorFinding = "error"
	FirstFailure = "first_failure"
	Aftermath    = "aftermath"
)

// New is the analyst of errors. What goes with failure and success after an error is claimed only where e-BH over all
// comparisons holds the share of false claims at .05, and what to do after one is proposed only within named tasks.
func New() evidence.Analyst[View] {
	return evidence.Analyst[View]{
		Name: name, Version: version, Propose: propose,
		Load: Load,
	}
}

// analysis is what one look comes to.
type analysis struct {
	*history
	questions []*question
	advised   []*advised
	prior     stats.Prior
	// monthly is how many rated runs a workflow has in 30 days, rated how many it has; all is that of all workflows.
	monthly map[string]float64
	rated   map[string]int64
	all     float64
}

func propose(v View) evidence.Result {
	h := newHistory(v)
	a := analysis{history: h, questions: h.questions(), advised: h.advice(0), monthly: map[string]float64{}, rated: map[string]int64{}}
	claim(a.questions, alpha)
	estimates, errs := make([]float64, len(a.questions)), make([]float64, len(a.questions))
	for i, q := range a.questions {
		estimates[i], errs[i] = q.difference, q.err()
	}
	a.prior = stats.LearnPrior(estimates, errs)
	starts := make([]int64, 0, len(v.Runs))
	var counted []*Run
	for i := range v.Runs {
		if r := &v.Runs[i]; rated(r) {
			starts, counted = append(starts, r.Started), append(counted, r)
		}
	}
	for i, weight := range evidence.Monthly(starts) {
		a.monthly[counted[i].Workflow] += weight
		a.rated[counted[i].Workflow]++
		a.all += weight
	}

	res := evidence.Result{Proposals: []evidence.Proposal{}, Findings: a.errors()}
	res.Findings = append(res.Findings, a.firstFailures()...)
	for _, q := range a.questions {
		switch {
		case q.next == "" || !q.claimed:
		case q.difference < 0:
			res.Findings = append(res.Findings, evidence.Finding{
				Kind: Aftermath, Workflow: q.workflow, Subject: q.subject()[:4], Text: q.reason(a.fingerprints.Text(q.id)), People: a.wordsOf(q.id),
				Evidence: q.evidence(len(a.questions), alpha), Strength: q.strength(), Worth: a.worth(q),
			})
		case q.strata.Informative > 1:
			res.Proposals = append(res.Proposals, a.proposal(q))
		}
	}
	res.Proposals = append(res.Proposals, a.advises(res.Proposals)...)
	slices.SortStableFunc(res.Findings, func(x, y evidence.Finding) int { return strings.Compare(x.Workflow, y.Workflow) })
	for i := range res.Findings {
		res.Findings[i].Analyst = name
	}
	res.Weigh = a.weigh
	return res
}

func (q *question) err() float64 { return (q.interval.High - q.interval.Low) / (2 * 1.96) }

// gain is how much of the workflow's success rate is at stake, shrunk for having been chosen among many.
func (a *analysis) gain(q *question) (change, low, high float64) {
	d, i := a.prior.Shrink(q.difference, q.err(), confidence)
	if q.difference < 0 {
		d, i = -d, i.Negated()
	}
	share := float64(q.worse()) / float64(max(a.rated[q.workflow], 1))
	return float64(share * d), float64(share * i.Low), float64(share * i.High)
}

func (a *analysis) worth(q *question) *events.Worth {
	change, low, high := a.gain(q)
	w := evidence.Successes(change, low, high, a.monthly[q.workflow], a.all)
	return &w
}

func (a *analysis) proposal(q *question) evidence.Proposal {
	text := a.fingerprints.Text(q.id)
	do := fmt.Sprintf("After %q in %s go on with %s.", text, q.step, q.next)
	if q.next == q.step {
		do = fmt.Sprintf("After %q do %s again.", text, q.step)
	}
	change, low, high := a.gain(q)
	return evidence.Proposal{
		Analyst: name, AnalystVersion: version,
		Change: a.change(q, text, do),
		Claim:  events.Claim{Workflow: q.workflow, Subject: q.subject()[:4]}, Strength: q.strength(), Reason: q.reason(text), Of: a.wordsOf(q.id),
		Evidence: q.evidence(len(a.questions), alpha), Worth: a.worth(q),
		Expected: events.Expected{Metric: "success_rate", Change: stats.Round(change), Low: stats.Round(low), High: stats.Round(high)},
	}
}

// weigh answers for a claim: how it stands by all runs, or by those that began behind a position.
func (a *analysis) weigh(c events.Claim, after uint64) (evidence.Standing, bool) {
	if len(c.Subject) > 4 && c.Subject[0] == Advised {
		return a.weighAdvice(c, after)
	}
	for _, known := range a.questions {
		if known.next == "" || known.workflow != c.Workflow || !slices.Equal(known.subject()[:4], c.Subject) {
			continue
		}
		q := *known
		if after > 0 {
			q.measured = measure(q.rows, after, math.MaxUint64)
			q.rows = slices.DeleteFunc(slices.Clone(q.rows), func(r trial) bool { return r.First <= after })
			// Alone it would be the only claim of all that were tested.
			q.claimed = q.logE+q.weight >= math.Log(float64(len(a.questions))/alpha)
		}
		s := events.Gone
		switch {
		case len(q.rows) == 0 || q.interval.Low <= 0 && q.interval.High >= 0:
		case q.difference < 0 != c.Harms:
			s = events.Reversed
		default:
			s = q.strength()
		}
		change, low, high := a.gain(&q)
		return evidence.Standing{
			Strength: s, Reason: q.reason(a.fingerprints.Text(q.id)), Of: a.wordsOf(q.id), Evidence: q.evidence(len(a.questions), alpha),
			Expected: events.Expected{Metric: "success_rate", Change: stats.Round(change), Low: stats.Round(low), High: stats.Round(high)},
		}, true
	}
	return evidence.Standing{}, false
}

// errors are the findings on each workflow's errors, those in the most runs first, with what is claimed of them.
func (a *analysis) errors() []evidence.Finding {
	harms := map[[2]string]*question{}
	for _, q := range a.questions {
		key := [2]string{q.workflow, q.id}
		if known := harms[key]; q.next == "" && q.claimed && q.difference < 0 && (known == nil || q.logE > known.logE) {
			harms[key] = q
		}
	}
	var findings []evidence.Finding
	list, of := a.list(func(workflow string) string { return workflow }), map[string]int{}
	for _, e := range list {
		of[e.Workflows[0].Name]++
	}
	runs := map[string]int64{}
	for i := range a.Runs {
		runs[a.Runs[i].Workflow]++
	}
	told := map[string]int{}
	for _, e := range list {
		w := e.Workflows[0].Name
		if told[w]++; told[w] > top {
			continue
		}
		f := evidence.Finding{
			Kind: ErrorFinding, Workflow: w, Subject: []string{"error", e.ID}, Text: e.words(w, runs[w]), People: a.wordsOf(e.ID), Of: of[w],
			Evidence: e.evidence(), Example: e.Example,
		}
		if q := harms[[2]string{w, e.ID}]; q != nil {
			f.Text += " " + q.reason(e.Text)
			f.Strength, f.Worth, f.Evidence = q.strength(), a.worth(q), q.evidence(len(a.questions), alpha)
		}
		findings = append(findings, f)
	}
	return findings
}

func (e *Error) words(workflow string, runs int64) string {
	where := ""
	if len(e.Steps) > 0 {
		where = fmt.Sprintf(", most in %s (%d)", e.Steps[0].Name, e.Steps[0].Times)
		if len(e.Agents) > 0 {
			where += fmt.Sprintf(" and by %s (%d)", e.Agents[0].Name, e.Agents[0].Times)
		}
	}
	return fmt.Sprintf("%q is in %d of %d runs of %s, %d times%s; %d of %d rated ones failed; the latest is %s.",
		e.Text, e.Runs, runs, workflow, e.Times, where, e.Failed, e.Failed+e.Succeeded, e.Example)
}

// evidence is the success rate of the runs with an error, which says what goes with it and not what it costs.
func (e *Error) evidence() events.Evidence {
	rated := e.Succeeded + e.Failed
	i := stats.Wilson(e.Succeeded, rated, confidence)
	return events.Evidence{
		From: e.FirstPosition, To: e.LastPosition, Positions: []uint64{e.FirstPosition}, Confidence: confidence, N: rated,
		Statistic: "success rate of the runs with it, Wilson's interval", Value: stats.Round(float64(e.Succeeded) / float64(max(rated, 1))),
		Low: stats.Round(i.Low), High: stats.Round(i.High),
		Counts: map[string]int64{"times": e.Times, "runs": e.Runs, "failed": e.Failed, "succeeded": e.Succeeded},
	}
}

// firstFailures tell who came to a failure first in the failed runs, and where: the first step that failed and was not done
// again with success.
func (a *analysis) firstFailures() []evidence.Finding {
	type where struct{ agent, step string }
	type tally struct {
		failed, found int64
		at            map[where]int64
		first, last   uint64
	}
	all := map[string]*tally{}
	var names []string
	for i := range a.Runs {
		r := &a.Runs[i]
		if r.Outcome != events.Failed {
			continue
		}
		t := all[r.Workflow]
		if t == nil {
			t = &tally{at: map[where]int64{}, first: r.First}
			all[r.Workflow] = t
			names = append(names, r.Workflow)
		}
		t.failed++
		t.last = max(t.last, r.Last)
		if k := firstFailure(r); k >= 0 {
			t.found++
			t.at[where{r.Steps[k].Agent, r.Steps[k].Name}]++
		}
	}
	var findings []evidence.Finding
	for _, w := range names {
		t := all[w]
		if t.found == 0 {
			continue
		}
		list := map[string]int64{}
		for at, n := range t.at {
			words := at.step
			if at.agent != "" {
				words += " by " + at.agent
			}
			list[words] += n
		}
		var places []string
		sorted := counts(list)
		for _, c := range sorted[:min(len(sorted), 5)] {
			places = append(places, fmt.Sprintf("%s (%d)", c.Name, c.Times))
		}
		i := stats.Wilson(t.found, t.failed, confidence)
		findings = append(findings, evidence.Finding{
			Kind: FirstFailure, Workflow: w, Subject: []string{w},
			Text: fmt.Sprintf("%d of %d failed runs of %s have a failed step that was not made good; the first is %s.", t.found, t.failed, w, strings.Join(places, ", ")),
			Evidence: events.Evidence{
				From: t.first, To: t.last, Statistic: "share of failed runs, Wilson's interval", Confidence: confidence, N: t.failed,
				Value: stats.Round(float64(t.found) / float64(t.failed)), Low: stats.Round(i.Low), High: stats.Round(i.High),
				Counts: sortedCounts(sorted),
			},
		})
	}
	return findings
}

func sortedCounts(list []Count) map[string]int64 {
	m := map[string]int64{}
	for _, c := range list[:min(len(list), top)] {
		m[c.Name] = c.Times
	}
	return m
}

// firstFailure is the place of the first step of a run that failed and was not done again with success, -1 where there is
// none.
func firstFailure(r *Run) int {
	for k := range r.Steps {
		if r.Steps[k].Failed && !slices.ContainsFunc(r.Steps[k+1:], func(s Step) bool { return s.Name == r.Steps[k].Name && !s.Failed }) {
			return k
		}
	}
	return -1
}
