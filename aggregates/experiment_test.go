package aggregates_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestExperiments(t *testing.T) {
	t.Parallel()
	brief := events.AgentConfig{Prompt: "Be brief."}
	canary := aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 250}
	all := aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 1000}
	plan := func(by string, change ...func(*commands.PlanExperiment)) commands.PlanExperiment {
		c := commands.PlanExperiment{Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, Config: brief, By: by}
		for _, f := range change {
			f(&c)
		}
		return c
	}
	planned := func(by string, most int) events.ExperimentPlanned {
		return events.ExperimentPlanned{
			Experiment: "x", Agent: "clerk", Change: events.ChangePrompt, Config: brief, By: by, MaxShare: most, Plan: aggregates.DefaultPlan(),
		}
	}
	screened := func(low, high float64) func(*commands.PlanExperiment) {
		return func(c *commands.PlanExperiment) {
			c.Screen = &events.Screen{Experiment: "w", Runs: 800, Difference: (low + high) / 2, Low: low, High: high, Confidence: .95}
		}
	}
	screenedPlan := func(low, high float64) events.ExperimentPlanned {
		e, c := planned("user:anna", 1000), commands.PlanExperiment{}
		screened(low, high)(&c)
		e.Screen = c.Screen
		return e
	}
	proof := func(logE float64) events.Proof {
		return events.Proof{From: 3, To: 99, LogE: logE, Arms: []events.ArmCount{{Arm: events.ControlArm, Runs: 60, Succeeded: 30}, {Arm: events.CandidateArm, Runs: 20, Succeeded: 20}}}
	}
	unpriced := func(control, candidate int64) events.Proof {
		p := proof(9)
		p.Arms[0].UnpricedCalls, p.Arms[1].UnpricedCalls = control, candidate
		return p
	}
	started, level := events.ExperimentStarted{Share: 50, Level: .01}, -math.Log(.01)
	running := []events.Event{planned("user:anna", 1000), started}
	byPolicy := []events.Event{planned("policy", 250), started, events.ExperimentMoved{Share: 250}}
	person := commands.Meta{Actor: "user:anna"}
	machine := commands.Meta{Actor: "manager:experiment"}
	scenarios{
		"a person lets it go all the way":   {when: plan("user:anna"), then: []events.Event{planned("user:anna", 1000)}},
		"the policy lets it go so far":      {policy: canary, when: plan("policy"), then: []events.Event{planned("policy", 250)}},
		"the policy names another kind":     {policy: canary, when: plan("policy", func(c *commands.PlanExperiment) { c.Change = events.ChangeModel }), err: aggregates.ErrPolicy},
		"the policy lets nothing pass":      {when: plan("policy"), err: aggregates.ErrPolicy},
		"an analyst lets itself":            {when: plan("analyst:workflow"), err: aggregates.ErrInvalid},
		"nobody lets it":                    {when: plan(""), err: aggregates.ErrInvalid},
		"nothing that runs can be drawn to": {when: plan("user:anna", func(c *commands.PlanExperiment) { c.Change = events.ChangeSplit }), err: aggregates.ErrInvalid},
		"beyond the policy's bounds":        {policy: aggregates.Policy{MaxTokens: 10}, err: aggregates.ErrPolicy, when: plan("user:anna", func(c *commands.PlanExperiment) { c.Config.MaxTokens = 11 })},
		"too small a share to learn from":   {err: aggregates.ErrInvalid, when: plan("user:anna", func(c *commands.PlanExperiment) { c.Plan.Steps = []int{10} })},
		"history shows harm":                {err: aggregates.ErrWorse, when: plan("user:anna", screened(-.2, -.01))},
		"an eval shows harm": {err: aggregates.ErrWorse, when: plan("user:anna", func(c *commands.PlanExperiment) {
			c.Screen = &events.Screen{Reason: "it was never tried", Eval: &events.EvalScreen{Eval: "e", Runs: 40, Difference: -.2, Low: -.3, High: -.1, Confidence: .95}}
		})},
		"history shows nothing for sure":  {when: plan("user:anna", screened(-.2, .01)), then: []events.Event{screenedPlan(-.2, .01)}},
		"planned before":                  {given: running, when: plan("user:anna"), err: aggregates.ErrExists},
		"it starts":                       {given: running[:1], when: commands.StartExperiment{Experiment: "x", Level: .01}, then: []events.Event{started}},
		"it starts twice":                 {given: running, when: commands.StartExperiment{Experiment: "x", Level: .01}, err: aggregates.ErrState},
		"not planned":                     {when: commands.StartExperiment{Experiment: "x", Level: .01}, err: aggregates.ErrMissing},
		"a greater share":                 {given: running, when: commands.MoveExperiment{Experiment: "x", Share: 250, Proof: proof(0)}, then: []events.Event{events.ExperimentMoved{Share: 250, Proof: proof(0)}}},
		"further than the policy lets it": {policy: canary, given: []events.Event{planned("policy", 100), started}, when: commands.MoveExperiment{Experiment: "x", Share: 250, Proof: proof(0)}, err: aggregates.ErrPolicy},
		"a share that is not planned":     {given: running, when: commands.MoveExperiment{Experiment: "x", Share: 900, Proof: proof(0)}, err: aggregates.ErrInvalid},
		"promoted by its proof":           {given: running, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: proof(level)}, then: []events.Event{events.ExperimentPromoted{By: "user:anna", Proof: proof(level)}}},
		"promoted by less than a proof":   {given: running, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: proof(level - .001)}, err: aggregates.ErrEvidence},
		"proved, and a person is to say":  {policy: canary, given: byPolicy, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: proof(9)}, then: []events.Event{events.ExperimentProved{Proof: proof(9)}}},
		"promoted by itself": {
			policy: all, given: []events.Event{planned("policy", 1000), started}, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: proof(9)},
			then: []events.Event{events.ExperimentPromoted{By: "policy", Proof: proof(9)}},
		},
		"its cost is not known, a person is to say": {
			policy: all, given: []events.Event{planned("policy", 1000), started}, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: unpriced(0, 3)},
			then: []events.Event{events.ExperimentProved{Proof: unpriced(0, 3)}},
		},
		"no cost of both arms is known": {
			policy: all, given: []events.Event{planned("policy", 1000), started}, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: unpriced(2, 3)},
			then: []events.Event{events.ExperimentPromoted{By: "policy", Proof: unpriced(2, 3)}},
		},
		"less than no calls without a price": {given: running, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: unpriced(0, -1)}, err: aggregates.ErrEvidence},
		"the person says so": {
			policy: canary, given: append(byPolicy[:3:3], events.ExperimentProved{Proof: proof(9)}),
			when: commands.PromoteExperiment{Meta: person, Experiment: "x", By: "user:anna"},
			then: []events.Event{events.ExperimentPromoted{By: "user:anna", Proof: proof(9)}},
		},
		"a machine says it is a person": {
			policy: canary, given: append(byPolicy[:3:3], events.ExperimentProved{Proof: proof(9)}),
			when: commands.PromoteExperiment{Meta: machine, Experiment: "x", By: "user:anna"}, err: aggregates.ErrInvalid,
		},
		"the person can't wait":        {policy: canary, given: byPolicy, when: commands.PromoteExperiment{Meta: person, Experiment: "x", By: "user:anna"}, err: aggregates.ErrState},
		"rolled back by its proof":     {given: running, when: commands.RollBackExperiment{Experiment: "x", Guardrail: "cost", Reason: "dear", Proof: proof(4)}, then: []events.Event{events.ExperimentRolledBack{Guardrail: "cost", Reason: "dear", Proof: proof(4)}}},
		"rolled back by a suspicion":   {given: running, when: commands.RollBackExperiment{Experiment: "x", Guardrail: "cost", Proof: proof(3.6)}, err: aggregates.ErrEvidence},
		"stopped before its start":     {given: running[:1], when: commands.StopExperiment{Experiment: "x", By: "user:anna", Reason: "no"}, then: []events.Event{events.ExperimentStopped{By: "user:anna", Reason: "no"}}},
		"expired":                      {given: running, when: commands.ExpireExperiment{Experiment: "x", Reason: "old", Proof: proof(1)}, then: []events.Event{events.ExperimentExpired{Reason: "old", Proof: proof(1)}}},
		"what is over stays so":        {given: append(running[:2:2], events.ExperimentStopped{By: "user:anna"}), when: commands.MoveExperiment{Experiment: "x", Share: 250, Proof: proof(0)}, err: aggregates.ErrEnded},
		"counts that make no sense":    {given: running, when: commands.ExpireExperiment{Experiment: "x", Proof: events.Proof{To: 3, Arms: []events.ArmCount{{Runs: 1, Succeeded: 2}, {}}}}, err: aggregates.ErrEvidence},
		"the policy is another by now": {policy: aggregates.Policy{Models: []string{"small"}}, err: aggregates.ErrPolicy, given: []events.Event{func() events.Event { p := planned("user:anna", 1000); p.Config.Model = "huge"; return p }(), started}, when: commands.PromoteExperiment{Meta: machine, Experiment: "x", Proof: proof(9)}},
	}.run(t)
}

// A unit that the change has keeps it while the share grows, and the shares are those that were asked for.
func TestUnitsKeepTheirArm(t *testing.T) {
	t.Parallel()
	const units = 20_000
	had := map[int]bool{}
	for _, share := range []int{50, 250, 500} {
		n := 0
		for i := range units {
			candidate, permille := aggregates.Draw("x", fmt.Sprint("conversation ", i), share)
			switch {
			case candidate && permille != share, !candidate && permille != 1000-share:
				t.Fatalf("a share of %d was drawn with a chance of %d", share, permille)
			case had[i] && !candidate:
				t.Fatalf("unit %d lost the change as the share grew to %d", i, share)
			}
			if had[i] = candidate; candidate {
				n++
			}
		}
		if off := math.Abs(float64(n)-units*float64(share)/1000) / math.Sqrt(units*float64(share*(1000-share))/1e6); off > 4 {
			t.Errorf("a share of %d permille: %d of %d", share, n, units)
		}
	}
	if a, _ := aggregates.Draw("x", "u", 1000); !a {
		t.Error("all is not all")
	}
	if a, _ := aggregates.Draw("x", "u", 0); a {
		t.Error("nothing is something")
	}
}

// A proposer approves nothing of its own, whatever it calls itself.
func TestAProposerApprovesNothingOfItsOwn(t *testing.T) {
	t.Parallel()
	own := []events.Event{proposal(func(e *events.ImprovementProposed) { e.Analyst = "user:anna" })}
	scenarios{
		"its own":       {given: own, when: commands.ApproveImprovement{Meta: commands.Meta{Actor: "user:anna"}, Improvement: "i", By: "user:anna"}, err: aggregates.ErrPolicy},
		"another one's": {given: own, when: commands.ApproveImprovement{Meta: commands.Meta{Actor: "user:bert"}, Improvement: "i", By: "user:bert"}, then: []events.Event{events.ImprovementApproved{By: "user:bert"}}},
	}.run(t)
}

// What the policy lists as canary is tried on a part of the runs first, also where a person approves it.
func TestCanaryKindsAreTriedFirst(t *testing.T) {
	t.Parallel()
	config := events.AgentConfig{Prompt: "Be brief."}
	given := []events.Event{proposal(func(e *events.ImprovementProposed) {
		e.Change = events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &config}
	})}
	approve := commands.ApproveImprovement{Meta: commands.Meta{Actor: "user:anna"}, Improvement: "i", By: "user:anna"}
	scenarios{
		"listed":     {policy: aggregates.Policy{Canary: []events.ChangeKind{events.ChangePrompt}}, given: given, when: approve, then: []events.Event{events.ImprovementApproved{By: "user:anna", Trial: true}}},
		"not listed": {policy: aggregates.Policy{Canary: []events.ChangeKind{events.ChangeModel}}, given: given, when: approve, then: []events.Event{events.ImprovementApproved{By: "user:anna"}}},
	}.run(t)
}
