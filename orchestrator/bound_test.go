package orchestrator_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// lingering takes a second for an answer, and notes how many were asked for at a time.
type lingering struct{ now, most atomic.Int64 }

func (m *lingering) Chat(context.Context, agents.Request, func(string)) (agents.Answer, error) {
	m.most.Store(max(m.most.Load(), m.now.Add(1)))
	defer m.now.Add(-1)
	time.Sleep(time.Second) // the fake clock's
	return agents.Answer{}, nil
}

// What asks a model without a run waits for its turn all the same, and where the provider refuses for a time, for that.
func TestCallsOutsideOfRunsAreBoundedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool, model := orchestrator.NewPool(orchestrator.PoolConfig{Most: 64, Models: map[string]int{"m": 2}}), &lingering{}
		bound := pool.Bound(model, "shop", "clerk")
		all := func(calls int) time.Duration {
			began, done := time.Now(), make(chan error)
			for range calls {
				go func() {
					_, err := bound.Chat(t.Context(), agents.Request{Model: "m"}, nil)
					done <- err
				}()
			}
			for range calls {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			return time.Since(began)
		}
		if took := all(6); took != 3*time.Second || model.most.Load() != 2 {
			t.Errorf("six calls, two at a time, took %s with %d at a time", took, model.most.Load())
		}
		pool.Throttled("m", 30*time.Second)
		if took := all(1); took != 31*time.Second {
			t.Errorf("a call behind a refusal for 30 s took %s", took)
		}
		pool.Throttled("m", 30*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := bound.Chat(ctx, agents.Request{Model: "m"}, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who does not wait any more: %v", err)
		}
		if n := model.now.Load(); n != 0 {
			t.Errorf("%d calls are under way", n)
		}
	})
}
