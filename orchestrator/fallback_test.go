package orchestrator_test

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// down is a server of which one model does not answer.
type down struct{ model string }

func (d down) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	if r.Model == d.model {
		return agents.Answer{}, &agents.CallError{Kind: agents.ErrRateLimited, Status: 429}
	}
	return agents.Answer{Message: events.Message{Role: "assistant", Content: "Done."}, Model: r.Model, FinishReason: "stop"}, nil
}

func TestWhichModelAnsweredIsAFact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner = agents.Runner{Model: down{"large"}} }
		h.spawn(t, "clerk", events.AgentConfig{Model: "large", Fallbacks: []string{"small"}})
		h.askOf(t, "r1", "clerk", "go")
		stop := h.serve(t)
		time.Sleep(time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		var calls []events.RunLLMCalled
		for e, err := range h.store.ReadStream(t.Context(), commands.RunStream("", "r1"), eventstore.StreamOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			switch f := fact.(type) {
			case events.RunLLMCalled:
				calls = append(calls, f)
			case events.RunStepFinished:
				if f.Model != "small" {
					t.Errorf("the step was answered by %q", f.Model)
				}
			}
		}
		want := []events.ModelFailed{{Model: "large", Error: "rate limited (HTTP 429)"}}
		if len(calls) != 1 || calls[0].Model != "small" || !reflect.DeepEqual(calls[0].Failed, want) {
			t.Errorf("the record has %+v", calls)
		}
	})
}
