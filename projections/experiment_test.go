package projections_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
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
