package orchestrator_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// reciting answers with one text after the other, the last one again and again.
type reciting struct {
	mu    sync.Mutex
	texts []string
	asked []agents.Request
}

func (s *reciting) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	text := s.texts[min(len(s.asked), len(s.texts))-1]
	return agents.Answer{Message: events.Message{Role: "assistant", Content: text}, Model: r.Model, FinishReason: "stop"}, nil
}

func TestAnAnswerThatIsNotWhatTheSchemaAsksForIsRepairedOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts   []string
		calls   int
		outcome events.Outcome
		says    string
	}{
		"good at once":  {[]string{`{"x":1}`}, 1, events.Succeeded, `{"x":1}`},
		"repaired":      {[]string{"x is 1", `{"x":1}`}, 2, events.Succeeded, `{"x":1}`},
		"wrong again":   {[]string{"x is 1", `{"x":"1"}`}, 2, events.Failed, "does not satisfy the agent's schema, and the one before did not either: at '/x': got string, want integer"},
		"never told on": {[]string{"x is 1"}, 2, events.Failed, "it is not JSON alone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, model := newHouse(t), &reciting{texts: c.texts}
				defer h.close(t)
				h.configure = func(c *orchestrator.Config) { c.Runner = agents.Runner{Model: model} }
				h.spawn(t, "clerk", events.AgentConfig{Model: "m", Schema: json.RawMessage(`{"type":"object","properties":{"x":{"type":"integer"}}}`)})
				h.askOf(t, "r1", "clerk", "go")
				stop := h.serve(t)
				time.Sleep(time.Minute) // the fake clock's
				synctest.Wait()
				stop()
				row, _, err := h.models.In("").Run(t.Context(), "r1")
				if err != nil || row.Outcome != c.outcome || !strings.Contains(row.Answer+row.Error, c.says) {
					t.Errorf("%s: %q %q, %v", row.Outcome, row.Answer, row.Error, err)
				}
				if len(model.asked) != c.calls {
					t.Fatalf("asked %d times", len(model.asked))
				}
				if c.calls == 2 {
					sent := model.asked[1].Messages
					if n := len(sent); n != 4 || sent[2].Content != c.texts[0] || sent[3].Role != "user" || !strings.Contains(sent[3].Content, "it is not JSON alone") {
						t.Errorf("the second time it is sent %+v", sent)
					}
				}
			})
		})
	}
}
