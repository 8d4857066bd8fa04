package projections_test

import (
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// An arm's runs count by their verdicts, whenever these come, as they do everywhere.
func TestRunsOfAnExperimentCountByTheirVerdicts(t *testing.T) {
	t.Parallel()
	drawn := func(end events.Event) []any {
		return []any{
			"experiment-x", events.ExperimentPlanned{Experiment: "x", Agent: "clerk"},
			"run-r", events.RunStarted{Run: "r", Workflow: "w"},
			"run-r", events.RunAssigned{Agent: "clerk", Arms: []events.Arm{{Experiment: "x", Arm: events.CandidateArm}}},
			"run-r", end,
		}
	}
	good := events.RunFinished{Outcome: events.Succeeded}
	for name, c := range map[string]struct {
		facts []any
		want  events.ArmCount
	}{
		"none":            {drawn(good), events.ArmCount{Runs: 1, Succeeded: 1}},
		"bad after all":   {facts(drawn(good), says("r", events.Failed, events.ByPerson, "anna")), events.ArmCount{Runs: 1, Judged: 1}},
		"before the end":  {facts(says("r", events.Failed, events.ByPerson, "anna"), drawn(good)), events.ArmCount{Runs: 1, Judged: 1}},
		"good after all":  {facts(drawn(events.RunFailed{}), says("r", events.Succeeded, events.ByRule, "a>1")), events.ArmCount{Runs: 1, Succeeded: 1, Judged: 1}},
		"a cancelled one": {facts(drawn(events.RunCancelled{}), says("r", events.Succeeded, events.ByPerson, "anna")), events.ArmCount{Runs: 1, Succeeded: 1, Judged: 1}},
		"another one":     {facts(drawn(good), says("r", events.Failed, events.ByRule, "a>1"), says("r", events.Succeeded, events.ByPerson, "anna")), events.ArmCount{Runs: 1, Succeeded: 1, Judged: 1}},
		"taken back":      {facts(drawn(good), says("r", events.Failed, events.ByPerson, "anna"), says("r", events.Unrated, events.ByPerson, "anna")), events.ArmCount{Runs: 1, Succeeded: 1}},
		"of another run":  {facts(drawn(good), finished("s", ""), says("s", events.Failed, events.ByPerson, "anna")), events.ArmCount{Runs: 1, Succeeded: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, err := folded(t, c.facts...).In("").Experiments(t.Context(), "")
			c.want.Arm = events.CandidateArm
			if err != nil || len(x) != 1 || x[0].Arms[0] != (events.ArmCount{Arm: events.ControlArm}) {
				t.Fatalf("%+v, %v", x, err)
			}
			got := x[0].Arms[1]
			if got.Milliseconds = 0; got != c.want {
				t.Errorf("counted %+v, want %+v", got, c.want)
			}
		})
	}
}

// A goal counts in the arm that it was drawn into, once, with what it was told to have cost and how long it took; those that stay on a runbook as a person
// saved it stand in an experiment that never ends.
func TestGoalsOfAnExperimentCountAsTheyEnd(t *testing.T) {
	t.Parallel()
	held := events.RunbookHoldback("refund")
	planned := func(arm events.Arm) []any {
		return []any{
			"experiment-x", events.ExperimentPlanned{Experiment: "x", Change: events.ChangeRunbook, Book: &events.RunbookSaved{Runbook: "refund", From: 1}},
			"goal-g", events.GoalCreated{Goal: "g"},
			"goal-g", events.GoalPlanned{Runbook: "refund", CostNanos: 1, Arms: []events.Arm{arm}, Tasks: []events.GoalTask{{Task: "a"}}},
			"goal-g", events.GoalTasksAssigned{CostNanos: 10},
			"goal-g", events.GoalTaskFailed{Task: "a", Next: events.TaskRetried, CostNanos: 100, UnpricedCalls: 1},
			"goal-g", events.GoalAgentAnswered{CostNanos: 1000},
			"goal-g", events.GoalTaskHandedOver{Task: "a", CostNanos: 10_000},
			"goal-g", events.GoalTaskFinished{Task: "a", CostNanos: 100_000},
		}
	}
	tried := events.Arm{Experiment: "x", Arm: events.CandidateArm, Permille: 50}
	for name, c := range map[string]struct {
		facts []any
		of    string
		want  events.ArmCount
	}{
		"reached":     {facts(planned(tried), []any{"goal-g", events.GoalFinished{Outcome: events.Succeeded}}), "x", events.ArmCount{Arm: events.CandidateArm, Runs: 1, Succeeded: 1, CostNanos: 111_111, UnpricedCalls: 1}},
		"not reached": {facts(planned(tried), []any{"goal-g", events.GoalFinished{Outcome: events.Failed}}), "x", events.ArmCount{Arm: events.CandidateArm, Runs: 1, CostNanos: 111_111, UnpricedCalls: 1}},
		"given up":    {facts(planned(tried), []any{"goal-g", events.GoalCancelled{By: "anna"}}), "x", events.ArmCount{Arm: events.CandidateArm, Runs: 1, Unrated: 1, CostNanos: 111_111, UnpricedCalls: 1}},
		"under way":   {planned(tried), "x", events.ArmCount{Arm: events.CandidateArm}},
		"held back": {
			facts(planned(events.Arm{Experiment: held, Arm: events.FrozenArm, Permille: 50}), []any{"goal-g", events.GoalFinished{Outcome: events.Succeeded}}), held,
			events.ArmCount{Arm: events.FrozenArm, Runs: 1, Succeeded: 1, CostNanos: 111_111, UnpricedCalls: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reader := folded(t, c.facts...).In("")
			all, err := reader.Experiments(t.Context(), "")
			i := slices.IndexFunc(all, func(x projections.ExperimentRow) bool { return x.Experiment == c.of })
			if err != nil || i < 0 {
				t.Fatalf("%+v, %v", all, err)
			}
			got := all[i].Arms[1]
			if got.Milliseconds = 0; got != c.want || all[i].Subject() != "refund" || all[i].Runbook != "refund" {
				t.Errorf("%s counted %+v, want %+v", all[i].Subject(), got, c.want)
			}
			if goals, err := reader.Goals(t.Context()); err != nil || len(goals) != 1 || len(goals[0].Arms) != 1 {
				t.Errorf("the goals are %+v, %v", goals, err)
			}
		})
	}
}
