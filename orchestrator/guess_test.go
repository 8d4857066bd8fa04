package orchestrator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// What nobody foretells a gain of is tried for fewer runs and days than what somebody does: other changes of the agent wait behind it.
func TestWhatForetellsNothingIsTriedForAShorterTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.policy.SelfApproved, h.policy.MaxShare = []events.ChangeKind{events.ChangeModel}, 1000
		h.spawn(t, "clerk", before)
		stop := h.serve(t)
		for id, expected := range map[string]events.Expected{
			"guess": {Metric: "success_rate", Low: -1, High: 1}, "claim": {Metric: "success_rate", Change: .1, Low: .05, High: .2}, "saving": {Metric: "cost_usd_per_run", Change: -.1, Low: -.2, High: -.05},
		} {
			_, err := h.dispatch(t.Context(), commands.ProposeImprovement{
				Meta:        commands.Meta{ID: events.NameID(time.Now(), "propose "+id), At: time.Now(), Actor: "analyst:workflow"},
				Improvement: id, Analyst: "workflow", AnalystVersion: 1, Change: better, Reason: "it does better", Strength: events.Strong, Expected: expected,
				Evidence: events.Evidence{From: 1, To: 1, Statistic: "difference", Value: .2, Low: .1, High: .3, Confidence: .95, N: 40},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		stop()
		usual := aggregates.DefaultPlan()
		planned := factsOf[events.ExperimentPlanned](t, h)
		for _, x := range planned {
			runs, days := usual.MaxRuns, usual.MaxDays
			if x.Experiment == "guess" {
				runs, days = 2000, 7
			}
			if x.Plan.MaxRuns != runs || x.Plan.MaxDays != days || x.Plan.CanaryRuns != usual.CanaryRuns {
				t.Errorf("%s: %+v", x.Experiment, x.Plan)
			}
		}
		if len(planned) != 3 {
			t.Errorf("planned %+v", planned)
		}
	})
}
