package orchestrator_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// gated is a model that answers when it is told to, if its name is slow.
type gated struct {
	agents.Model
	answer chan struct{}
}

func (s gated) Chat(ctx context.Context, r agents.Request, onDelta func(string)) (agents.Answer, error) {
	if r.Model == "slow" {
		select {
		case <-s.answer:
		case <-ctx.Done():
			return agents.Answer{}, ctx.Err()
		}
	}
	return s.Model.Chat(ctx, r, onDelta)
}

// Turns that wait for a model keep no places from those of another one, and their runs have no step open by which they could
// stall. The program's end doesn't wait for them, and the next start goes on with them.
func TestRunsThatWaitForAModelKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.spawn(t, "slow", events.AgentConfig{Model: "slow"})
		h.spawn(t, "quick", events.AgentConfig{Model: "quick"})
		model := gated{h.model.Model, make(chan struct{})}
		h.model.Model = model
		h.configure = func(c *orchestrator.Config) {
			c.Pool = orchestrator.NewPool(orchestrator.PoolConfig{Most: 2, Models: map[string]int{"slow": 1}})
			c.StallAfter, c.Drain = time.Hour, time.Minute
		}
		stop := h.serve(t)
		for i := range 5 {
			h.askOf(t, fmt.Sprint("slow", i), "slow", "hello")
		}
		time.Sleep(time.Second) // the fake clock's
		h.askOf(t, "quick", "quick", "hello")
		time.Sleep(time.Second)
		synctest.Wait()
		outcome := func(run string, want events.Outcome) {
			t.Helper()
			row, _, err := h.models.Run(t.Context(), run)
			if err != nil || row.Outcome != want {
				t.Errorf("%s: %q %q, want %q, %v", run, row.Outcome, row.Error, want, err)
			}
		}
		outcome("quick", events.Succeeded)
		if n := h.model.calls.Load(); n != 2 {
			t.Errorf("%d calls were made: one of the slow model at a time", n)
		}
		close(model.answer)
		time.Sleep(time.Second)
		stop()
		for i := range 5 {
			outcome(fmt.Sprint("slow", i), events.Succeeded)
		}
	})
}

func TestTheEndDoesNotWaitForCallsThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.spawn(t, "slow", events.AgentConfig{Model: "slow"})
		model := gated{h.model.Model, make(chan struct{})}
		h.model.Model = model
		h.configure = func(c *orchestrator.Config) {
			c.Pool = orchestrator.NewPool(orchestrator.PoolConfig{Models: map[string]int{"slow": 1}})
			c.Drain = time.Minute
		}
		stop := h.serve(t)
		for i := range 5 {
			h.askOf(t, fmt.Sprint("slow", i), "slow", "hello")
		}
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took != time.Minute {
			t.Errorf("the end took %s: a minute for the call under way, and nothing for those that wait", took)
		}
		close(model.answer)
		stop = h.serve(t)
		time.Sleep(time.Second)
		stop()
		for i := range 5 {
			row, _, err := h.models.Run(t.Context(), fmt.Sprint("slow", i))
			if err != nil || row.Outcome != events.Succeeded {
				t.Errorf("%d: %q %q, %v", i, row.Outcome, row.Error, err)
			}
		}
	})
}
