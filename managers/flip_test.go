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

// A change that does better on the whole is taken back where a task that went well goes worse, and kept where its plan lets so many.
func TestATaskThatFlipsTakesTheChangeBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lets int
		end  string
	}{"none may": {0, "experiment.rolled_back"}, "one may": {1, "experiment.promoted"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, aggregates.Policy{})
			c.plan("x", "clerk", func(p *commands.PlanExperiment) { p.Plan.Flips = tt.lets })
			r := rand.New(rand.NewPCG(9, 9))
			for n := 0; !c.experiment("x").Over(); n++ {
				task, next := "common", truth{.85, 1e6, 2}
				old := truth{.5, 1e6, 2}
				if n%5 == 0 {
					task, old, next = "refund", truth{.95, 1e6, 2}, truth{.2, 1e6, 2}
				}
				c.about(r, "clerk", "x", task, c.experiment("x").Share, old, next)
				c.now = c.now.Add(time.Minute)
			}
			if got := kinds(c.log); got[len(got)-1] != tt.end && !(tt.lets == 1 && got[len(got)-2] == tt.end) {
				t.Fatalf("got %q, want it to end with %s", got, tt.end)
			}
			var proof events.Proof
			if end, found := last[events.ExperimentRolledBack](c); found {
				proof = end.Proof
				if end.Guardrail != "flips" || !strings.Contains(end.Reason, "refund (") {
					t.Errorf("rolled back for %q: %s", end.Guardrail, end.Reason)
				}
			} else if end, found := last[events.ExperimentPromoted](c); found {
				proof = end.Proof
			}
			if len(proof.Flips) != 1 || proof.Flips[0].Task != "refund" || proof.Flips[0].LogE < proof.Flips[0].Needed {
				t.Errorf("the proof lists %+v", proof.Flips)
			}
		})
	}
}
