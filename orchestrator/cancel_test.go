package orchestrator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// endless is a model that never answers, and tells when it was given up.
type endless struct{ left chan time.Time }

func (h endless) Chat(ctx context.Context, _ agents.Request, _ func(string)) (agents.Answer, error) {
	<-ctx.Done()
	h.left <- time.Now()
	return agents.Answer{}, ctx.Err()
}

// Another process than the one that drives cancels a run: the call under way is broken off within two seconds.
func TestACancelledRunIsBrokenOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		model := endless{left: make(chan time.Time, 1)}
		h.model.Model = model
		stop := h.serve(t)
		h.ask(t, "r1", "hello")
		synctest.Wait()
		other := orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
		runs := orchestrator.Runs{Store: h.store, Dispatch: other.Dispatch, Agents: other, Models: h.models}
		cancel := func(name string) (bool, error) {
			return runs.Cancel(t.Context(), commands.CancelRun{
				Meta: commands.Meta{ID: events.NameID(time.Now(), name), At: time.Now(), Actor: "user:anna", Correlation: "r1"}, Run: "r1", Reason: "enough",
			})
		}
		asked := time.Now()
		if done, err := cancel("first"); err != nil || !done {
			t.Fatalf("%v, %v", done, err)
		}
		if took := (<-model.left).Sub(asked); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
		if done, err := cancel("second"); err != nil || done {
			t.Errorf("cancelled again: %v, %v", done, err)
		}
		synctest.Wait()
		stop()
		kinds := h.kinds(t, "run-r1")
		if last := kinds[len(kinds)-1]; last != "run.cancelled" || kinds[len(kinds)-2] != "run.step_finished" {
			t.Errorf("the run's stream holds %v", kinds)
		}
	})
}
