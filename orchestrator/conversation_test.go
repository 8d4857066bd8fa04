package orchestrator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// listening is a model that notes what it is told, and answers with a number.
type listening struct {
	mu   sync.Mutex
	told [][]string
}

func (l *listening) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var told []string
	for _, m := range r.Messages {
		told = append(told, m.Role+": "+m.Content)
	}
	l.told = append(l.told, told)
	return agents.Answer{Model: "m", FinishReason: "stop", Message: events.Message{Role: "assistant", Content: fmt.Sprint("answer ", len(l.told))}}, nil
}

// TestALaterRunOfAConversationKnowsWhatWasSaid asks three times in one conversation, once in another, and once more in the
// first one when there is too much to be told all of it.
func TestALaterRunOfAConversationKnowsWhatWasSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model := newHouse(t), &listening{}
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model, c.EarlierBytes = model, 60 }
		h.spawn(t, "clerk", events.AgentConfig{Prompt: "Be terse."})
		stop := h.serve(t)
		ask := func(run, conversation, prompt string) []string {
			meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "user:anna", Correlation: run}
			start := commands.StartRun{Meta: meta, Run: run, Workflow: "ask", Prompt: prompt, Agent: "clerk", Conversation: conversation}
			if _, err := h.dispatch(t.Context(), start); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // the fake clock's
			synctest.Wait()
			model.mu.Lock()
			defer model.mu.Unlock()
			return model.told[len(model.told)-1]
		}
		ask("r1", "r1", "first")
		ask("other", "other", "elsewhere")
		if got, want := ask("r2", "r1", "second"), []string{"system: Be terse.", "user: first", "assistant: answer 1", "user: second"}; !slices.Equal(got, want) {
			t.Errorf("the second run is told %q, want %q", got, want)
		}
		long := strings.Repeat("x", 40)
		if got := ask("r3", "r1", long); len(got) != 6 || got[3] != "user: second" || got[4] != "assistant: answer 3" {
			t.Errorf("the third run is told %q", got)
		}
		// 60 bytes hold the third run alone. The others are summarised in a quarter of that.
		short := "user: Said earlier in this conversation, 4 messages in short (by extract):\nuser: first"
		if got, want := ask("r4", "r1", "fourth"), []string{"system: Be terse.", short, "user: " + long, "assistant: answer 4", "user: fourth"}; !slices.Equal(got, want) {
			t.Errorf("the fourth run is told %q, want %q", got, want)
		}
		stop()
	})
}
