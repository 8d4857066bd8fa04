package answers

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// Only runs of the agent that came behind the change saved what its trial showed.
func TestWhatATrialShowedIsSavedSince(t *testing.T) {
	t.Parallel()
	ended := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	arm := func(name string, cost events.Nanos) events.ArmCount {
		a := events.ArmCount{Arm: name, Runs: 100}
		a.CostNanos = 100 * cost
		return a
	}
	w := record{
		experiments: []projections.ExperimentRow{{
			Agent: "clerk", Status: projections.ExperimentPromoted, EndedAt: ended,
			Arms: []events.ArmCount{arm(events.CandidateArm, 1e9), arm(events.ControlArm, 3e9)},
		}},
		asked: []asked{{"clerk", ended.Add(-time.Hour)}, {"clerk", ended.Add(time.Hour)}, {"clerk", ended.Add(2 * time.Hour)}, {"desk", ended.Add(time.Hour)}},
	}
	if got, _ := w.saving(); got.Actual != "$4.00 because of 1 change, by what a run cost with it and without in its trial" {
		t.Errorf("got %q", got.Actual)
	}
}
