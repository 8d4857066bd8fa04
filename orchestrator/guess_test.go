package orchestrator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// foretell proposes another model for the clerk, of which something is expected.
func (h *house) foretell(t *testing.T, id string, expected events.Expected) {
	t.Helper()
	_, err := h.dispatch(t.Context(), commands.ProposeImprovement{
		Meta:        commands.Meta{ID: events.NameID(time.Now(), "propose "+id), At: time.Now(), Actor: "analyst:workflow"},
		Improvement: id, Analyst: "workflow", AnalystVersion: 1, Change: better, Reason: "it does better", Strength: events.Strong, Expected: expected,
		Evidence: events.Evidence{From: 1, To: 1, Statistic: "difference", Value: .2, Low: .1, High: .3, Confidence: .95, N: 40},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What nobody foretells a gain of is tried for fewer runs and days than what somebody does, and gives way to it.
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
			h.foretell(t, id, expected)
		}
		synctest.Wait()
		stop()
		usual := aggregates.DefaultPlan()
		planned := factsOf[events.ExperimentPlanned](t, h)
		for _, x := range planned {
			runs, days, guess := usual.MaxRuns, usual.MaxDays, x.Experiment == "guess"
			if guess {
				runs, days = 2000, 7
			}
			if x.Plan.MaxRuns != runs || x.Plan.MaxDays != days || x.Plan.GivesWay != guess || x.Plan.CanaryRuns != usual.CanaryRuns {
				t.Errorf("%s: %+v", x.Experiment, x.Plan)
			}
		}
		if len(planned) != 3 {
			t.Errorf("planned %+v", planned)
		}
	})
}

// While it is tried something with a reason to expect a gain comes up: that is tried at once, and no run is drawn for the guess any more.
func TestWhatForetellsNothingGivesWayToWhatDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.policy.SelfApproved, h.policy.MaxShare = []events.ChangeKind{events.ChangeModel}, 1000
		h.spawn(t, "clerk", before)
		stop := h.serve(t)
		h.foretell(t, "guess", events.Expected{Metric: "success_rate", Low: -1, High: 1})
		synctest.Wait()
		if x := h.experiment(t, "guess"); x.Status != projections.ExperimentRunning {
			t.Fatalf("%+v", x)
		}
		h.foretell(t, "claim", events.Expected{Metric: "success_rate", Change: .1, Low: .05, High: .2})
		synctest.Wait()
		h.askOf(t, "r1", "clerk", "hello")
		synctest.Wait()
		stop()
		guess, claim := h.experiment(t, "guess"), h.experiment(t, "claim")
		if guess.Status != projections.ExperimentStopped || guess.DecidedBy != "manager:experiment" || claim.Status != projections.ExperimentRunning {
			t.Errorf("%s by %s for %q, and the other one is %s", guess.Status, guess.DecidedBy, guess.Reason, claim.Status)
		}
		if undone := factsOf[events.ImprovementRolledBack](t, h); len(undone) != 1 || undone[0].Reason != guess.Reason {
			t.Errorf("its proposal: %+v", undone)
		}
		if drawn := h.assignedOf(t, "r1"); len(drawn.Arms) != 1 || drawn.Arms[0].Experiment != "claim" {
			t.Errorf("the next run was drawn into %+v", drawn.Arms)
		}
	})
}
