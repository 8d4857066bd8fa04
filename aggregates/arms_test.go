package aggregates_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestSharesOfSeveralCandidates(t *testing.T) {
	t.Parallel()
	kind, strict := events.AgentConfig{Prompt: "Be kind."}, events.AgentConfig{Prompt: "Be strict."}
	plan := commands.PlanExperiment{
		Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, Config: config, Others: []events.AgentConfig{kind, strict}, By: "user:anna",
	}
	planned := events.ExperimentPlanned{
		Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, Config: config, Others: plan.Others, By: "user:anna", MaxShare: 1000, Plan: aggregates.DefaultPlan(),
	}
	proof := func(logE float64) events.Proof {
		return events.Proof{From: 3, To: 99, LogE: logE, Arms: []events.ArmCount{{Arm: events.ControlArm, Runs: 60, Succeeded: 30}, {Arm: events.CandidateArm, Runs: 20, Succeeded: 20}}}
	}
	allocate := func(dropped string, logE float64, shares ...int) commands.AllocateExperiment {
		return commands.AllocateExperiment{Experiment: "x", Shares: shares, Dropped: dropped, Guardrail: "cost", Reason: "dear", Proof: proof(logE)}
	}
	allocated := func(dropped string, logE float64, shares ...int) events.ExperimentAllocated {
		return events.ExperimentAllocated{Shares: shares, Dropped: dropped, Guardrail: "cost", Reason: "dear", Proof: proof(logE)}
	}
	running := []events.Event{planned, events.ExperimentStarted{Share: 50, Level: .01}}
	byPolicy := planned
	byPolicy.By, byPolicy.MaxShare = "policy", 250
	gone := append(running[:2:2], allocated("candidate-2", 9, 200, 400, 0, 400))
	many := plan
	many.Others = make([]events.AgentConfig, 8)
	little := aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 100}
	self := plan
	self.By = "policy"
	level := -math.Log(.01 / 3)
	scenarios{
		"they are planned":                  {when: plan, then: []events.Event{planned}},
		"too many":                          {when: many, err: aggregates.ErrInvalid},
		"more than the policy lets begin":   {policy: little, when: self, err: aggregates.ErrPolicy},
		"one that the policy does not let":  {policy: aggregates.Policy{MaxTokens: 5}, when: commands.PlanExperiment{Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, Others: []events.AgentConfig{{MaxTokens: 9}}, By: "user:anna"}, err: aggregates.ErrPolicy},
		"they get shares":                   {given: running, when: allocate("", 0, 100, 450, 50, 400), then: []events.Event{allocated("", 0, 100, 450, 50, 400)}},
		"less than the least":               {given: running, when: allocate("", 0, 100, 460, 40, 400), err: aggregates.ErrInvalid},
		"not all runs":                      {given: running, when: allocate("", 0, 100, 400, 50, 400), err: aggregates.ErrInvalid},
		"other arms":                        {given: running, when: allocate("", 0, 100, 500, 400), err: aggregates.ErrInvalid},
		"none goes out without being told":  {given: running, when: allocate("", 9, 100, 500, 0, 400), err: aggregates.ErrInvalid},
		"one goes out":                      {given: running, when: allocate("candidate-2", 9, 200, 400, 0, 400), then: []events.Event{allocated("candidate-2", 9, 200, 400, 0, 400)}},
		"one goes out without a proof":      {given: running, when: allocate("candidate-2", 3, 200, 400, 0, 400), err: aggregates.ErrEvidence},
		"what is out stays out":             {given: gone, when: allocate("", 0, 200, 400, 100, 300), err: aggregates.ErrInvalid},
		"without a person not so much":      {given: []events.Event{byPolicy, running[1]}, when: allocate("", 0, 700, 100, 100, 100), err: aggregates.ErrPolicy},
		"the level is shared by them":       {given: running, when: commands.PromoteExperiment{Experiment: "x", Arm: "candidate-3", Proof: proof(level - .01)}, err: aggregates.ErrEvidence},
		"one is promoted":                   {given: running, when: commands.PromoteExperiment{Experiment: "x", Arm: "candidate-3", Proof: proof(level)}, then: []events.Event{events.ExperimentPromoted{By: "user:anna", Arm: "candidate-3", Proof: proof(level)}}},
		"what is out is not promoted":       {given: gone, when: commands.PromoteExperiment{Experiment: "x", Arm: "candidate-2", Proof: proof(9)}, err: aggregates.ErrInvalid},
		"what is none is not":               {given: running, when: commands.PromoteExperiment{Experiment: "x", Arm: "candidate-4", Proof: proof(9)}, err: aggregates.ErrInvalid},
		"shares of one candidate only move": {given: []events.Event{planned, running[1]}, when: commands.MoveExperiment{Experiment: "x", Share: 250, Proof: proof(0)}, err: aggregates.ErrState},
	}.run(t)
}

// Units get arms by their shares, and leave theirs only where that loses or another one wins.
func TestUnitsStayWhereSharesLetThem(t *testing.T) {
	t.Parallel()
	before := aggregates.Experiment{Shares: []int{500, 200, 300}}
	before.Experiment, before.Others = "x", []events.AgentConfig{{Prompt: "Be kind."}}
	after := before
	after.Shares = []int{500, 100, 400}
	counts, moved := map[string]int{}, map[string]int{}
	const units = 20_000
	for n := range units {
		a, b := before.Draw(fmt.Sprint("u", n)), after.Draw(fmt.Sprint("u", n))
		counts[b.Arm]++
		if a.Arm != b.Arm {
			moved[a.Arm+" to "+b.Arm]++
		}
		if share := map[string]int{"control": 500, "candidate": 100, "candidate-2": 400}[b.Arm]; b.Permille != share || len(b.Shares) != 3 {
			t.Fatalf("%+v", b)
		}
	}
	for arm, share := range map[string]float64{"control": .5, "candidate": .1, "candidate-2": .4} {
		if got := float64(counts[arm]) / units; math.Abs(got-share) > .012 {
			t.Errorf("%s got %.3f of the units, want %.3f", arm, got, share)
		}
	}
	for way, n := range moved {
		if way == "control to candidate" || way == "candidate-2 to candidate" || way == "candidate-2 to control" {
			t.Errorf("%d units went from %s", n, way)
		}
	}
	if n := moved["candidate to candidate-2"] + moved["candidate to control"] + moved["control to candidate-2"]; n > units/5 {
		t.Errorf("%d of %d units were moved: %v", n, units, moved)
	}
}
