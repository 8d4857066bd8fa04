package workflow

import (
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
)

// changes are what the factors of a workflow ask for. Where a saved runbook of the workflow can be changed so, that is its next version, which can be tried. Who and what it is done with is for people to choose; where it goes better or
// worse (a label) they are to look. A tool that goes with success stays a finding.
func (c *cohort) changes(factors []factor, o Options) []evidence.Proposal {
	var proposals []evidence.Proposal
	var runbooks [][]string
	for _, f := range factors {
		change := events.Change{Kind: events.ChangeWorkflow, Workflow: c.Name, Steps: f.subject}
		s := f.subject
		switch {
		case !f.gated.passed:
			continue
		case f.feature == sequence && !f.harms():
			if len(runbooks) == o.TopProposals || slices.ContainsFunc(runbooks, func(r []string) bool {
				return endOf(r, s) >= 0 || endOf(s, r) >= 0
			}) {
				continue // a part of a runbook is not another runbook
			}
			runbooks = append(runbooks, s)
			change.Kind = events.ChangeRunbook
			change.Instruction = "Save " + arrows(s) + " as a runbook of " + c.Name + ", and follow it where the task allows."
		case f.feature == sequence:
			change.Instruction = "Look for another way than " + arrows(s) + "."
		case f.feature == contains && f.harms():
			change.Instruction = fmt.Sprintf("Do without %s where the task allows it.", s[0])
		case f.feature == contains:
			change.Instruction = fmt.Sprintf("Include %s in every run.", s[0])
		case f.feature == repeats && f.harms():
			change.Steps = []string{s[0], s[0]}
			change.Instruction = fmt.Sprintf("Do %s once a run: check what came of it before doing it again.", s[0])
		case f.feature == repeats:
			change.Steps = []string{s[0], s[0]}
			change.Instruction = fmt.Sprintf("Do %s a second time before the run ends.", s[0])
		case f.feature == precedes && f.harms():
			change.Instruction = fmt.Sprintf("Don't go directly from %s to %s.", s[0], s[1])
		case f.feature == precedes:
			change.Instruction = fmt.Sprintf("Go directly from %s to %s.", s[0], s[1])
		case f.feature == usesAgent || f.feature == usesModel || f.feature == hasLabel:
			change.Steps, change.Instruction = nil, f.choice()
		default:
			continue
		}
		switch book, does := c.bookOf(f); {
		case book != nil && slices.ContainsFunc(proposals, func(p evidence.Proposal) bool {
			return p.Change.Book != nil && p.Change.Book.Runbook == book.Runbook && slices.EqualFunc(p.Change.Book.Steps, book.Steps, sameStep)
		}):
			continue // another claim asks for the same
		case book != nil:
			change.Kind, change.Book = events.ChangeRunbook, book
			change.Instruction += " In the runbook " + book.Runbook + " that is " + arrows(namesOf(book.Steps)) + "."
		case does:
			continue // whoever plans by it does so
		}
		proposals = append(proposals, evidence.Proposal{Change: change, Claim: f.claim(), Strength: f.strength(), Reason: f.reason(), Of: f.people(), Evidence: f.evidence(), Expected: f.expected(), Worth: f.worth()})
	}
	return proposals
}

func sameStep(a, b events.RunbookStep) bool {
	return a.Name == b.Name && slices.Equal(a.DependsOn, b.DependsOn)
}

// choice is what people are to do about who or what runs are done with, or where.
func (f factor) choice() string {
	w, s := f.cohort.Name, f.subject
	switch {
	case f.feature == usesAgent && f.harms():
		return fmt.Sprintf("Give less of %s to %s, or let it do as others do.", w, s[0])
	case f.feature == usesAgent:
		return fmt.Sprintf("Give more of %s to %s, or let others do as it does.", w, s[0])
	case f.feature == usesModel && f.harms():
		return fmt.Sprintf("Use another model than %s in %s.", s[0], w)
	case f.feature == usesModel:
		return fmt.Sprintf("Use %s in %s where another model is used.", s[0], w)
	case f.harms():
		return fmt.Sprintf("Find out what is different in %s where %s is %s, and mend it there.", w, s[0], s[1])
	}
	return fmt.Sprintf("Find out what is different in %s where %s is %s, and do so elsewhere.", w, s[0], s[1])
}

// expected is what the whole workflow's success rate would gain if the runs on the worse side of the comparison did as
// those on the better side. The difference is shrunk: it was chosen among many.
func (f factor) expected() events.Expected {
	change, low, high := f.gain()
	return events.Expected{Metric: "success_rate", Change: stats.Round(change), Low: stats.Round(low), High: stats.Round(high)}
}

func (f factor) gain() (change, low, high float64) {
	err := (f.interval.High - f.interval.Low) / (2 * 1.96)
	d, i := f.claims.prior.Shrink(f.difference, err, confidence)
	worse := f.strata.Total.Without
	if f.harms() {
		worse, d, i = f.strata.Total.With, -d, i.Negated()
	}
	share := float64(worse) / float64(len(f.cohort.rated))
	return float64(share * d), float64(share * i.Low), float64(share * i.High)
}

// worth is expected at the present rate of runs. A step that tells how a run ended has none: nobody gains by leaving it out.
func (f factor) worth() *events.Worth {
	if f.feature == fails {
		return nil
	}
	for _, s := range f.subject {
		if f.feature.ofSteps() && f.cohort.ends()[s] {
			return nil
		}
	}
	change, low, high := f.gain()
	w := evidence.Successes(change, low, high, f.cohort.monthly, f.claims.monthly)
	return &w
}

// ofSteps tells the features that are about steps from those about who and what.
func (f feature) ofSteps() bool {
	switch f {
	case contains, repeats, precedes, sequence:
		return true
	}
	return false
}

// modelChanges asks for another model for an agent that uses one which does worse than another did, in the same
// workflow and tasks: the one with the best lower bound.
func (c *cohort) modelChanges(all claims, registry map[string]events.AgentConfig, asked int) []evidence.Proposal {
	best := map[string]factor{}
	var agents []string
	for _, f := range c.claimed(all, func(h *hypothesis) bool { return h.feature == switches }) {
		agent := f.subject[0]
		if f.harms() {
			f = f.mirrored()
		}
		current := registry[agent].Model
		if current == "" {
			current = c.latestModel(agent)
		}
		if f.subject[2] != current || !f.gate(asked).passed {
			continue
		}
		known, ok := best[agent]
		if !ok {
			agents = append(agents, agent)
		}
		if !ok || f.interval.Low > known.interval.Low {
			best[agent] = f
		}
	}
	slices.Sort(agents)
	var proposals []evidence.Proposal
	for _, agent := range agents {
		f := best[agent]
		config := registry[agent]
		config.Model = f.subject[1]
		proposals = append(proposals, evidence.Proposal{
			Change: events.Change{
				Kind: events.ChangeModel, Workflow: c.Name, Agent: agent, Config: &config,
				Instruction: fmt.Sprintf("Let %s use %s instead of %s.", agent, f.subject[1], f.subject[2]),
			},
			Claim: f.claim(), Strength: f.strength(), Reason: f.reason(), Of: f.people(), Evidence: f.evidence(), Expected: f.expected(), Worth: f.worth(),
		})
	}
	return proposals
}

// mirrored is the same comparison with its sides changed.
func (f factor) mirrored() factor {
	h := *f.hypothesis
	h.subject = []string{h.subject[0], h.subject[2], h.subject[1]}
	mark := h.mark
	h.mark = func(sides []int8) {
		mark(sides)
		for place, side := range sides {
			if side != out {
				sides[place] = 1 - side
			}
		}
	}
	h.measured, h.halves = h.measure(h.sides()), nil
	f.hypothesis = &h
	return f
}

// latestModel is what the agent used in its last run of the workflow, "" where that was none or several.
func (c *cohort) latestModel(agent string) string {
	for _, r := range slices.Backward(c.Runs) {
		var models []string
		for _, call := range r.Calls {
			if call[0] == agent {
				models = append(models, call[1])
			}
		}
		if len(models) == 1 {
			return models[0]
		}
		if len(models) > 1 {
			return ""
		}
	}
	return ""
}
