package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// What a change may do without a person is settled for its kind and its agent: the first rule that fits holds, and where none does
// what is said of all agents.
func TestHowFarAChangeGoesIsSettledForItsKindAndAgent(t *testing.T) {
	t.Parallel()
	policy := aggregates.Policy{
		SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 100,
		Changes: []events.ChangeRule{
			{Agents: []string{"vault"}, May: events.MayPropose},
			{Agents: []string{"shop-*"}, Kinds: []events.ChangeKind{events.ChangePrompt}, May: events.MayPromote},
			{Agents: []string{"shop-*"}, May: events.MayTry},
		},
	}
	for name, tt := range map[string]struct {
		agent string
		kind  events.ChangeKind
		most  int // 0: it waits for a person
	}{
		"only proposed":             {"vault", events.ChangePrompt, 0},
		"promoted by itself":        {"shop-1", events.ChangePrompt, 1000},
		"tried by itself":           {"shop-1", events.ChangeModel, 250},
		"as all agents":             {"clerk", events.ChangePrompt, 100},
		"as all agents, not passed": {"clerk", events.ChangeModel, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := events.Change{Kind: tt.kind, Agent: tt.agent, Config: &config}
			proposed := events.Event(proposal(func(e *events.ImprovementProposed) { e.Change = change }))
			plan := commands.PlanExperiment{Experiment: "x", Agent: tt.agent, Change: tt.kind, Config: config, By: "policy"}
			apply := func(share int) commands.Command {
				return commands.ApplyImprovement{Improvement: "i", SharePermille: share}
			}
			when := propose(func(c *commands.ProposeImprovement) { c.Change = change })
			if tt.most == 0 {
				scenarios{
					"it is proposed": {policy: policy, when: when, then: []events.Event{proposed}},
					"it is tried":    {policy: policy, when: plan, err: aggregates.ErrPolicy},
				}.run(t)
				return
			}
			passed := events.ImprovementApproved{By: "policy", Trial: true}
			scenarios{
				"it is proposed": {policy: policy, when: when, then: []events.Event{proposed, passed}},
				"it is tried": {policy: policy, when: plan, then: []events.Event{events.ExperimentPlanned{
					Experiment: "x", Agent: tt.agent, Change: tt.kind, Config: config, By: "policy", MaxShare: tt.most, Plan: aggregates.DefaultPlan(),
				}}},
				"it goes so far":     {policy: policy, given: []events.Event{proposed, passed}, when: apply(tt.most), then: []events.Event{events.ImprovementApplied{Share: tt.most}}},
				"it goes no further": {policy: policy, given: []events.Event{proposed, passed}, when: apply(tt.most + 1), err: map[bool]error{true: aggregates.ErrInvalid, false: aggregates.ErrPolicy}[tt.most == 1000]},
			}.run(t)
		})
	}
}

// Who may approve is settled too: of all changes, and otherwise for some.
func TestOnlyApproversApprove(t *testing.T) {
	t.Parallel()
	policy := aggregates.Policy{
		Approvers: []string{"user:anna", "slack:T1:*"},
		Changes:   []events.ChangeRule{{Agents: []string{"vault"}, May: events.MayPropose, Approvers: []string{"user:ben"}}},
	}
	for _, tt := range []struct {
		agent, by string
		may       bool
	}{
		{"clerk", "user:anna", true},
		{"clerk", "slack:T1:U7", true},
		{"clerk", "user:ben", false},
		{"vault", "user:ben", true},
		{"vault", "user:anna", false},
	} {
		change := events.Change{Kind: events.ChangePrompt, Agent: tt.agent, Config: &config}
		given := []events.Event{proposal(func(e *events.ImprovementProposed) { e.Change = change })}
		planned := events.ExperimentPlanned{
			Experiment: "x", Agent: tt.agent, Change: events.ChangePrompt, Config: config, By: "user:carl", MaxShare: 1000, Plan: aggregates.DefaultPlan(),
		}
		proof := events.Proof{From: 3, To: 99, LogE: 9, Arms: []events.ArmCount{{Arm: events.ControlArm, Runs: 60, Succeeded: 30}, {Arm: events.CandidateArm, Runs: 20, Succeeded: 20}}}
		ready := []events.Event{planned, events.ExperimentStarted{Share: 50, Level: .01}, events.ExperimentProved{Proof: proof}}
		approve := scenario{policy: policy, given: given, when: commands.ApproveImprovement{Improvement: "i", By: tt.by}, err: aggregates.ErrPolicy}
		try := scenario{policy: policy, when: commands.PlanExperiment{Experiment: "x", Agent: tt.agent, Change: events.ChangePrompt, Config: config, By: tt.by}, err: aggregates.ErrPolicy}
		promote := scenario{policy: policy, given: ready, when: commands.PromoteExperiment{Experiment: "x", By: tt.by}, err: aggregates.ErrPolicy}
		if tt.may {
			planned.By = tt.by
			approve.err, approve.then = nil, []events.Event{events.ImprovementApproved{By: tt.by}}
			try.err, try.then = nil, []events.Event{planned}
			promote.err, promote.then = nil, []events.Event{events.ExperimentPromoted{By: tt.by, Proof: proof}}
		}
		scenarios{tt.by + " approves of " + tt.agent: approve, tt.by + " tries on " + tt.agent: try, tt.by + " promotes of " + tt.agent: promote}.run(t)
	}
}
