package candidate

import (
	"fmt"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
)

const (
	// modelSides is how many runs each of two agents has to have at the tasks that both have for their models to be held beside one another.
	modelSides = 30
	// cheaper is how much of its cost a model has to save where it seems to do as well, up to slack below; better is by how much it has to seem to do better where it does not.
	cheaper, slack, better = .2, .05, .1
)

// models are those of other agents that do the same tasks for less, or seem to do them better. The agents differ in more than that: whether the model is why, a trial tells.
func (v *View) models(a *Agent) []candidate {
	var all []candidate
	mine := a.model()
	for i := range v.Agents {
		b := &v.Agents[i]
		other := b.model()
		if b.Name == a.Name || mine == "" || other == "" || other == mine ||
			a.triedValue(events.ChangeModel, func(c events.AgentConfig) bool { return c.Model == other }) {
			continue
		}
		ours, theirs := shared(a, b)
		if min(len(ours), len(theirs)) < modelSides || float64(len(ours)) < alike*float64(len(a.Runs)) {
			continue
		}
		costs, costsThere, known := mean(ours), mean(theirs), priced(ours) && priced(theirs)
		d, interval := compare(theirs, ours)
		saves := known && costsThere <= (1-cheaper)*costs
		if !(saves && d >= -slack) && d < better {
			continue
		}
		c := candidate{
			change: events.Change{
				Kind: events.ChangeModel, Agent: a.Name, Config: &events.AgentConfig{Model: other, API: b.now().Config.API}, Instruction: fmt.Sprintf("Try %s with %s, which %s uses.", a.Name, other, b.Name),
			},
			claim:    events.Claim{Subject: []string{"other_model", a.Name, other, mine}},
			evidence: a.share("runs that are of tasks which "+b.Name+" has too", int64(len(ours)), int64(len(a.Runs))),
			most:     1,
			value:    interval.Low,
			reason: fmt.Sprintf("%s does tasks that %s has too with %s: %d of %d runs succeed, and %d of %d of %s's with %s. The two differ in more than that.",
				b.Name, a.Name, other, succeeded(theirs), len(theirs), succeeded(ours), len(ours), a.Name, mine),
		}
		if known {
			c.reason += fmt.Sprintf(" A run costs $%.4f there, and $%.4f here.", costsThere/1e9, costs/1e9)
		}
		if saves {
			month := (costs - costsThere) / 1e9 * a.Monthly * float64(len(ours)) / float64(len(a.Runs))
			w := evidence.NewWorth(events.LessDollars, month, 0, month, v.spending())
			c.worth, c.value = &w, c.value+(costs-costsThere)/costs
		}
		all = append(all, c)
	}
	return ranked(all)
}

// model is the one that an agent is asked with, empty where that is not known.
func (a *Agent) model() string {
	if m := a.now().Config.Model; m != "" || len(a.Runs) == 0 {
		return m
	}
	return a.Runs[len(a.Runs)-1].Model
}

// shared are the runs of two agents at the tasks that both have, where these are named.
func shared(a, b *Agent) (ours, theirs []*Run) {
	does := func(a *Agent) map[task]bool {
		of := map[task]bool{}
		for i := range a.Runs {
			of[a.Runs[i].task()] = a.Runs[i].Task != "" // what is not named may be anything
		}
		return of
	}
	at := func(a *Agent, too map[task]bool) (runs []*Run) {
		for i := range a.Runs {
			if too[a.Runs[i].task()] {
				runs = append(runs, &a.Runs[i])
			}
		}
		return runs
	}
	return at(a, does(b)), at(b, does(a))
}

// mean is what a run costs, in nano-dollars.
func mean(runs []*Run) (nanos float64) {
	for _, r := range runs {
		nanos += r.Nanos
	}
	return nanos / float64(max(len(runs), 1))
}

// priced tells that the cost of all runs is known, and is not nothing.
func priced(runs []*Run) bool {
	for _, r := range runs {
		if !r.Priced || r.Nanos <= 0 {
			return false
		}
	}
	return true
}
