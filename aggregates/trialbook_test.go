package aggregates_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// A version of a runbook is tried as a change of an agent is: who lets it, how far, and by which plan.
func TestVersionsOfRunbooksAreTried(t *testing.T) {
	t.Parallel()
	other := events.RunbookSaved{Runbook: "refund", From: 1, Steps: []events.RunbookStep{{Name: "pay"}, {Name: "look up", DependsOn: []int{0}}}}
	plan := func(by string, change ...func(*commands.PlanExperiment)) commands.PlanExperiment {
		book := other
		c := commands.PlanExperiment{Experiment: "x", Change: events.ChangeRunbook, Book: &book, By: by}
		for _, f := range change {
			f(&c)
		}
		return c
	}
	planned := func(by string, most int) events.ExperimentPlanned {
		book := other
		return events.ExperimentPlanned{Experiment: "x", Change: events.ChangeRunbook, Book: &book, By: by, MaxShare: most, Plan: aggregates.DefaultBookPlan()}
	}
	rules := func(may events.Autonomy) aggregates.Policy {
		return aggregates.Policy{Changes: []events.ChangeRule{{Kinds: []events.ChangeKind{events.ChangeRunbook}, May: may}}, JudgedWithin: 60, Approvers: []string{"user:anna"}}
	}
	proof := events.Proof{From: 3, To: 99, LogE: 9, Arms: []events.ArmCount{{Arm: events.ControlArm, Runs: 60, Succeeded: 30}, {Arm: events.CandidateArm, Runs: 20, Succeeded: 20}}}
	started := events.ExperimentStarted{Share: 50, Level: .01}
	machine := commands.Meta{Actor: "manager:experiment"}
	scenarios{
		"a person lets it go all the way": {when: plan("user:anna"), then: []events.Event{planned("user:anna", 1000)}},
		"the policy lets it promote":      {policy: rules(events.MayPromote), when: plan("policy"), then: []events.Event{planned("policy", 1000)}},
		"the policy lets it be tried":     {policy: rules(events.MayTry), when: plan("policy"), then: []events.Event{planned("policy", 250)}},
		"the policy lets it be proposed":  {policy: rules(events.MayPropose), when: plan("policy"), err: aggregates.ErrPolicy},
		"who may not approve":             {policy: rules(events.MayPropose), when: plan("user:bert"), err: aggregates.ErrPolicy},
		"an analyst lets itself":          {when: plan("analyst:workflow"), err: aggregates.ErrInvalid},
		"no version of it":                {when: plan("user:anna", func(c *commands.PlanExperiment) { c.Book = nil }), err: aggregates.ErrInvalid},
		"made from no version":            {when: plan("user:anna", func(c *commands.PlanExperiment) { c.Book.From = 0 }), err: aggregates.ErrInvalid},
		"steps that wait for later ones": {when: plan("user:anna", func(c *commands.PlanExperiment) {
			c.Book.Steps = []events.RunbookStep{{Name: "a", DependsOn: []int{1}}, {Name: "b"}}
		}), err: aggregates.ErrInvalid},
		"an agent besides":              {when: plan("user:anna", func(c *commands.PlanExperiment) { c.Agent = "clerk" }), err: aggregates.ErrInvalid},
		"a workflow is nobody's to try": {when: plan("user:anna", func(c *commands.PlanExperiment) { c.Change = events.ChangeWorkflow }), err: aggregates.ErrInvalid},
		"several at once":               {when: plan("user:anna", func(c *commands.PlanExperiment) { c.Others = []events.AgentConfig{{}} }), err: aggregates.ErrInvalid},
		"by conversation":               {when: plan("user:anna", func(c *commands.PlanExperiment) { c.Plan.Unit = events.ByConversation }), err: aggregates.ErrInvalid},
		"an agent by goal":              {when: commands.PlanExperiment{Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, By: "user:anna", Plan: events.ExperimentPlan{Unit: events.ByGoal}}, err: aggregates.ErrInvalid},
		"goals wait for no verdict":     {when: plan("user:anna", func(c *commands.PlanExperiment) { c.Plan.JudgedWithin = 60 }), err: aggregates.ErrInvalid},
		"history shows harm": {err: aggregates.ErrWorse, when: plan("user:anna", func(c *commands.PlanExperiment) {
			c.Screen = &events.Screen{Experiment: "w", Runs: 80, Difference: -.2, Low: -.3, High: -.1, Confidence: .95}
		})},
		"it starts": {given: []events.Event{planned("user:anna", 1000)}, when: commands.StartExperiment{Experiment: "x", Level: .01}, then: []events.Event{started}},
		"promoted by itself": {
			policy: rules(events.MayPromote), given: []events.Event{planned("policy", 1000), started}, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: proof},
			then: []events.Event{events.ExperimentPromoted{By: "policy", Proof: proof}},
		},
		"proved, and a person is to say": {
			policy: rules(events.MayTry), given: []events.Event{planned("policy", 250), started, events.ExperimentMoved{Share: 250}},
			when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: proof}, then: []events.Event{events.ExperimentProved{Proof: proof}},
		},
		"rolled back by its proof": {
			given: []events.Event{planned("user:anna", 1000), started}, when: commands.RollBackExperiment{Experiment: "x", Guardrail: "cost", Reason: "dear", Proof: proof},
			then: []events.Event{events.ExperimentRolledBack{Guardrail: "cost", Reason: "dear", Proof: proof}},
		},
	}.run(t)
	if level := -math.Log(.01); level > proof.LogE {
		t.Fatal("the proof proves nothing")
	}
}

// A proposal for a saved runbook is tried where the policy has it; one that only says what to save is a text for a person, whatever the policy has.
func TestProposalsForRunbooks(t *testing.T) {
	t.Parallel()
	change := events.Change{Kind: events.ChangeRunbook, Workflow: "desk", Book: &events.RunbookSaved{Runbook: "refund", From: 2, Steps: []events.RunbookStep{{Name: "a"}}}}
	text := events.Change{Kind: events.ChangeRunbook, Workflow: "desk", Steps: []string{"a", "b"}}
	propose := func(c events.Change) commands.ProposeImprovement {
		return commands.ProposeImprovement{
			Improvement: "i", Analyst: "workflow", AnalystVersion: 1, Change: c, Reason: "Better.",
			Evidence: events.Evidence{From: 1, To: 2, Statistic: "s", Value: .1, Low: .05, High: .2, Confidence: .95, N: 9},
		}
	}
	kinds := func(policy aggregates.Policy, c events.Change) (kinds []string, trial bool) {
		t.Helper()
		for _, a := range aggregates.All(aggregates.Everywhere(policy)) {
			if a.Category != "improvement" {
				continue
			}
			facts, err := a.New().Decide(propose(c))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range facts {
				kinds = append(kinds, f.Kind())
				if approved, is := f.(events.ImprovementApproved); is {
					trial = approved.Trial
				}
			}
		}
		return kinds, trial
	}
	canary := aggregates.Policy{Changes: []events.ChangeRule{{Kinds: []events.ChangeKind{events.ChangeRunbook}, May: events.MayTry}}}
	if got, trial := kinds(canary, change); !reflect.DeepEqual(got, []string{"improvement.proposed", "improvement.approved"}) || !trial {
		t.Errorf("a change of a saved runbook: %q, tried %v", got, trial)
	}
	if got, _ := kinds(canary, text); !reflect.DeepEqual(got, []string{"improvement.proposed"}) {
		t.Errorf("what only a person can save: %q", got)
	}
	if got, _ := kinds(aggregates.Policy{}, change); !reflect.DeepEqual(got, []string{"improvement.proposed"}) {
		t.Errorf("no policy lets it pass: %q", got)
	}
	wrong := change
	wrong.Kind = events.ChangeWorkflow
	scenarios{
		"a workflow has no version": {when: propose(wrong), err: aggregates.ErrInvalid},
		"a chance that nobody can have drawn": {
			given: []events.Event{events.GoalCreated{Goal: "g"}, events.GoalPlanAsked{}},
			when:  commands.PlanGoal{Goal: "g", Source: events.PlannedByRunbook, Tasks: goalTasks, Agents: goalAgents, Arms: []events.Arm{{Experiment: "x", Arm: events.ControlArm, Permille: 1001}}}, err: aggregates.ErrInvalid,
		},
	}.run(t)
}
