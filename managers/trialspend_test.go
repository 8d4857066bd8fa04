package managers_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Runs with what is tried cost what the policy lets them cost in a month, and one run at most beyond it: then what is tried ends, and
// the next one waits for the next month.
func TestWhatIsTriedCostsNoMoreThanThePolicyLets(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{})
	if err := c.dispatch(commands.SetPolicy{Meta: c.meta(), Policy: events.PolicySet{ExperimentNanos: 30e6}}); err != nil {
		t.Fatal(err)
	}
	c.plan("x", "clerk")
	c.plan("y", "clerk")
	r := rand.New(rand.NewPCG(3, 9))
	for !c.experiment("x").Over() {
		c.run(r, "clerk", "x", c.experiment("x").Share, same, same)
		c.now = c.now.Add(time.Second)
	}
	end, found := last[events.ExperimentStopped](c)
	if !found || end.By != "manager:experiment" || !strings.Contains(end.Reason, "the policy lets them cost $0.03") {
		t.Errorf("it ended with %+v", end)
	}
	if c.experiment("y").Share != 0 {
		t.Error("the next one began in the same month")
	}
	// Its turn comes with the month, whatever the next fact is.
	c.now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	c.run(r, "other", "none", 50, same, same)
	c.plan("z", "other")
	if c.experiment("y").Share != 50 {
		t.Errorf("the next month: %+v", c.experiment("y"))
	}
}

// What a writer asks before its candidates are tried is a part of what trying costs; what a person asks is not.
func TestWhatIsAskedBeforeItIsTriedCountsToWhatTryingMayCost(t *testing.T) {
	t.Parallel()
	for by, stopped := range map[string]bool{"analyst:writer": true, "user:anna": false} {
		c := newCampaign(t, aggregates.Policy{})
		eval := commands.FinishEval{Meta: c.meta(), Fact: events.EvalFinished{Eval: "e", Agent: "clerk", Dataset: "orders", Runs: 1, Passed: 1, High: 1, Confidence: .95, CostNanos: 30e6, By: by}}
		for _, do := range []func() error{
			func() error {
				return c.dispatch(commands.SetPolicy{Meta: c.meta(), Policy: events.PolicySet{ExperimentNanos: 30e6}})
			},
			func() error { c.plan("x", "clerk"); return nil },
			func() error { return c.dispatch(eval) },
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.experiment("x").Over(); got != stopped {
			t.Errorf("an eval by %s: over %v", by, got)
		}
	}
}
