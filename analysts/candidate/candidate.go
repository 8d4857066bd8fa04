// Package candidate looks for what is worth being tried though nothing proves that it is better: a skill less or more, another model, a lower temperature,
// another limit of tokens. It claims nothing of what would come of it: that the trial tells.
package candidate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

const (
	name       = "candidates"
	version    = 1
	confidence = .95
	// fewest is how many rated runs of its latest version an agent has before anything is tried with it.
	fewest = 100
)

// The kinds of findings.
const (
	// Kept is a skill that a trial without it, or on top of it, decided in favour of; Taken is one that an agent is without since.
	Kept  = "skill_kept"
	Taken = "skill_taken"
)

// New is the analyst of what is worth a trial. Of each kind of change one is proposed of an agent at a time, and none while anything is tried with it. What a
// trial has decided is not asked again, unless the text or the model is another one by then.
func New() evidence.Analyst[View] {
	return evidence.Analyst[View]{Name: name, Version: version, Load: load, Propose: propose}
}

// candidate is a change that can be tried.
type candidate struct {
	change   events.Change
	claim    events.Claim
	reason   string
	evidence events.Evidence
	// most is how much of all success may hang on it.
	most  float64
	worth *events.Worth
	// value is what it is ranked by among those of its kind and agent.
	value float64
}

func (c candidate) proposal() evidence.Proposal {
	return evidence.Proposal{
		Analyst: name, AnalystVersion: version, Change: c.change, Claim: c.claim, Strength: events.Moderate, Reason: c.reason + " Nothing proves what comes of it: it is to be tried.",
		Evidence: c.evidence, Worth: c.worth, Expected: c.expected(),
	}
}

// expected foretells nothing: nobody has tried it.
func (c candidate) expected() events.Expected {
	return events.Expected{Metric: "success_rate", Low: -stats.Round(c.most), High: stats.Round(c.most)}
}

func propose(v View) evidence.Result {
	res := evidence.Result{Proposals: []evidence.Proposal{}, Findings: v.decided(), OneEach: true}
	all := map[string][]candidate{}
	for i := range v.Agents {
		a := &v.Agents[i]
		if len(a.Runs) < fewest {
			continue
		}
		all[a.Name] = slices.Concat(v.skills(a), v.models(a), v.temperatures(a), v.limits(a))
		if a.busy() {
			continue
		}
		var kinds []events.ChangeKind
		for _, c := range all[a.Name] {
			if !slices.Contains(kinds, c.change.Kind) { // the first of a kind is worth most
				kinds = append(kinds, c.change.Kind)
				res.Proposals = append(res.Proposals, c.proposal())
			}
		}
	}
	for i := range res.Findings {
		res.Findings[i].Analyst = name
	}
	res.Weigh = func(c events.Claim, after uint64) (evidence.Standing, bool) { return v.weigh(all, c, after) }
	return res
}

// weigh tells how a candidate stands. Gone is what can't be tried any more. One that was given up is asked again where its trial was broken off by
// something else, and told nothing.
func (v *View) weigh(all map[string][]candidate, c events.Claim, after uint64) (evidence.Standing, bool) {
	if len(c.Subject) < 3 {
		return evidence.Standing{}, false
	}
	i := slices.IndexFunc(v.Agents, func(a Agent) bool { return a.Name == c.Subject[1] })
	if i < 0 || len(v.Agents[i].Runs) < fewest {
		return evidence.Standing{}, false
	}
	a := &v.Agents[i]
	k := slices.IndexFunc(all[a.Name], func(o candidate) bool { return slices.Equal(o.claim.Subject, c.Subject) })
	if k >= 0 {
		o := all[a.Name][k]
		standing := evidence.Standing{Strength: events.Moderate, Reason: o.proposal().Reason, Evidence: o.evidence, Expected: o.expected()}
		return standing, after == 0 || a.brokenOff(o.change.Kind, after)
	}
	if after > 0 || a.busy() {
		return evidence.Standing{}, false
	}
	good := int64(0)
	for _, r := range a.Runs {
		if r.Good {
			good++
		}
	}
	return evidence.Standing{
		Strength: events.Gone, Reason: fmt.Sprintf("There is nothing to be tried of that with %s any more.", a.Name), Evidence: a.share("runs that succeed", good, int64(len(a.Runs))),
	}, true
}

// brokenOff tells that the latest trial of a kind before a position was ended by what happened beside it.
func (a *Agent) brokenOff(kind events.ChangeKind, before uint64) bool {
	for _, x := range a.Experiments {
		if x.Kind == string(kind) && x.Position <= before {
			return x.Status == projections.ExperimentStopped && !strings.HasPrefix(x.DecidedBy, "user:")
		}
	}
	return false
}

// tried are the trials of a kind that told something of an agent with the model that it has, each with what it was made of then.
func (a *Agent) tried(kind events.ChangeKind) (trials []trial) {
	for _, x := range a.Experiments {
		if x.Kind != string(kind) || !slices.Contains([]string{projections.ExperimentPromoted, projections.ExperimentRolledBack, projections.ExperimentExpired}, x.Status) {
			continue
		}
		var was *events.AgentConfig
		for i := range a.Versions {
			if v := &a.Versions[i]; i == 0 || !v.MadeAt.After(x.StartedAt) {
				was = &v.Config
			}
		}
		if was.Model == a.now().Config.Model {
			trials = append(trials, trial{x, *was})
		}
	}
	return trials
}

// trial is an experiment that has ended with a verdict, and what the agent was made of when it began.
type trial struct {
	projections.ExperimentRow
	was events.AgentConfig
}

// month counts the runs of a month.
func (v *View) month() {
	var starts []int64
	for _, a := range v.Agents {
		for _, r := range a.Runs {
			starts = append(starts, r.Started)
		}
	}
	weights := evidence.Monthly(starts)
	v.Total = 0
	for i := range v.Agents {
		a := &v.Agents[i]
		a.Monthly = 0
		for range a.Runs {
			a.Monthly, weights = a.Monthly+weights[0], weights[1:]
		}
		v.Total += a.Monthly
	}
}

// share is the evidence of how many of an agent's runs, or of what is counted in them, are something.
func (a *Agent) share(of string, some, all int64) events.Evidence {
	i := stats.Wilson(some, all, confidence)
	return events.Evidence{
		From: a.Runs[0].First, To: a.lastPosition(), Positions: []uint64{a.now().Position}, Statistic: "share of the " + of + ", Wilson's interval", Confidence: confidence, N: int64(len(a.Runs)),
		Value: stats.Round(float64(some) / float64(max(all, 1))), Low: stats.Round(i.Low), High: stats.Round(i.High), Counts: map[string]int64{"some": some, "all": all},
	}
}

func (a *Agent) lastPosition() (last uint64) {
	for _, r := range a.Runs {
		last = max(last, r.Last)
	}
	return last
}

// dollars is what tokens of a month would save, where the prices of an agent's runs are known: at most what so many of all its tokens cost.
func (v *View) dollars(a *Agent, tokens float64) *events.Worth {
	all, nanos := 0.0, 0.0
	for _, r := range a.Runs {
		if !r.Priced {
			return nil
		}
		all, nanos = all+float64(r.Input+r.Output), nanos+r.Nanos
	}
	if all == 0 || nanos == 0 {
		return nil
	}
	month := float64(tokens*nanos/all) / 1e9 * a.Monthly / float64(len(a.Runs))
	w := evidence.NewWorth(events.LessDollars, month, 0, month, v.spending())
	return &w
}

// spending is what all agents cost in 30 days, in dollars.
func (v *View) spending() (dollars float64) {
	for _, a := range v.Agents {
		nanos := 0.0
		for _, r := range a.Runs {
			nanos += r.Nanos
		}
		dollars += float64(nanos/1e9) * a.Monthly / float64(max(len(a.Runs), 1))
	}
	return dollars
}

// ranked are candidates, what is worth most first.
func ranked(all []candidate) []candidate {
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.value, a.value) })
	return all
}
