package orchestrator_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// takes is a model that takes its time, unless nobody waits any more.
type takes struct {
	agents.Model
	time time.Duration
}

func (m takes) Chat(ctx context.Context, r agents.Request, onDelta func(string)) (agents.Answer, error) {
	select {
	case <-time.After(m.time): // the fake clock's
		return m.Model.Chat(ctx, r, onDelta)
	case <-ctx.Done():
		return agents.Answer{}, ctx.Err()
	}
}

// The program is told to stop in the middle of a call, which will be billed: it waits for that as long as it may, and leaves the
// run to the next start otherwise.
func TestTheEndWaitsForCallsUnderWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes, drain, waits time.Duration
		calls               int64
	}{
		"long enough":             {10 * time.Second, 0, 9 * time.Second, 1},
		"not longer than 30 s":    {time.Hour, 0, 30 * time.Second, 2},
		"as long as one says":     {10 * time.Second, 2 * time.Second, 2 * time.Second, 2},
		"not at all, if one says": {10 * time.Second, -1, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close(t)
				h.model.Model = takes{agents.Scripted{}, c.takes}
				h.configure = func(config *orchestrator.Config) { config.Drain, config.StallAfter = c.drain, -1 }
				stop := h.serve(t)
				h.ask(t, "r1", "hello")
				time.Sleep(time.Second) // the fake clock's
				begun := time.Now()
				stop()
				if waited := time.Since(begun); waited != c.waits {
					t.Errorf("it waited for %v, want %v", waited, c.waits)
				}
				ended := func() bool { return slices.Contains(h.kinds(t, "run-r1"), "run.finished") }
				if got, want := ended(), c.calls == 1; got != want {
					t.Errorf("the run has ended: %v, want %v", got, want)
				}
				stop = h.serve(t)
				time.Sleep(2 * time.Hour) // the fake clock's
				stop()
				if calls := h.model.calls.Load(); !ended() || calls != c.calls {
					t.Errorf("after another start the run has ended: %v, and the model was asked %d times, want %d", ended(), calls, c.calls)
				}
			})
		})
	}
}

// endlessTalk is a model whose answers are too large to be recorded.
type endlessTalk struct{}

func (endlessTalk) Chat(context.Context, agents.Request, func(string)) (agents.Answer, error) {
	return agents.Answer{
		Message: events.Message{Role: "assistant", Content: strings.Repeat("é", 4<<20)}, Model: "m", Provider: "p", FinishReason: "stop",
		InputTokens: 1, OutputTokens: 9, UsageKnown: true, CostNanos: 7, Priced: true,
	}, nil
}

// An answer that is too large to be recorded is paid for once: what it cost and its beginning are recorded, and the run fails.
func TestAnAnswerThatIsTooLargeIsPaidForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.model.Model = endlessTalk{}
		stop := h.serve(t)
		h.ask(t, "r1", "hello")
		time.Sleep(time.Hour) // the fake clock's
		synctest.Wait()
		stop()
		row, _, err := h.models.Run(t.Context(), "r1")
		if err != nil || row.Outcome != events.Failed || !strings.Contains(row.Error, "longer than") || row.CostNanos != 7 {
			t.Errorf("the run is %s %q and cost %d, %v", row.Outcome, row.Error, row.CostNanos, err)
		}
		if calls := h.model.calls.Load(); calls != 1 {
			t.Errorf("the model was asked %d times", calls)
		}
		for _, e := range h.stream(t, "run-r1") {
			if e.Kind != "run.llm_called" {
				continue
			}
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			if text := fact.(events.RunLLMCalled).Answered[0].Content; len(text) < 500<<10 || len(text) > 512<<10 || strings.Trim(text, "é") != "" {
				t.Errorf("%d bytes of the answer were recorded", len(text))
			}
		}
	})
}
