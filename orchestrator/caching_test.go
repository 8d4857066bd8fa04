package orchestrator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// cached is a provider with a cache: it notes what it is sent, and reads from the cache what it has read of the same call before. It
// calls tools for a prompt that wants them.
type cached struct {
	mu   sync.Mutex
	sent []agents.Request
	// hangs is the number of the call, from 1, that gets no answer before its context ends.
	hangs int
}

func (m *cached) Chat(ctx context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, r)
	if len(m.sent) == m.hangs {
		<-ctx.Done()
		return agents.Answer{}, ctx.Err()
	}
	a := agents.Answer{Model: "m", Message: events.Message{Role: "assistant"}, UsageKnown: true, InputTokens: size(r), OutputTokens: 1}
	if n := len(m.sent); n > 1 && begins(r, m.sent[n-2]) {
		a.CachedTokens = size(m.sent[n-2])
	}
	results := 0
	for _, s := range r.Messages {
		if s.Role == "tool" {
			results++
		}
	}
	if strings.HasPrefix(r.Messages[len(r.Messages)-1].Content, "look") || results > 0 && results < 4 {
		a.FinishReason = "tool_calls"
		for i := range 2 {
			a.Message.ToolCalls = append(a.Message.ToolCalls, events.ToolCall{ID: fmt.Sprint("call-", len(m.sent), i), Name: []string{"slow", "quick"}[i], Arguments: "{}"})
		}
		return a, nil
	}
	a.FinishReason, a.Message.Content = "stop", fmt.Sprint("answer ", len(m.sent))
	return a, nil
}

func size(r agents.Request) (n int64) {
	for _, m := range r.Messages {
		n += int64(len(m.Content))
	}
	return n
}

// begins tells whether a call begins with another: the same tools, then its messages.
func begins(r, with agents.Request) bool {
	n := len(with.Messages)
	return text(r.Tools) == text(with.Tools) && len(r.Messages) >= n && text(r.Messages[:n]) == text(with.Messages)
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Each call begins with the one before: over turns, where a tool's result holds a credential, where results come in another order than the
// calls, over a restart, and over the runs of a conversation. Where that can't be, the run says why.
func TestEachCallBeginsWithTheOneBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model := newHouse(t), &cached{hangs: 2}
		defer h.close(t)
		h.policy.Tools = append(slices.Clone(h.policy.Tools), "slow", "quick")
		var tools []agents.Tool
		for _, name := range []string{"slow", "quick"} {
			tools = append(tools, agents.Tool{Name: name, Description: name, Schema: json.RawMessage(`{"type":"object"}`), Repeatable: true, Call: func(context.Context, agents.Call) (string, error) {
				if name == "slow" {
					time.Sleep(time.Second) // the fake clock's
				}
				return name + " ghp_" + strings.Repeat("aB3dE6gH9", 4), nil
			}})
		}
		d := orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(h.policy)))
		h.dispatch, h.agents = d.Dispatch, d
		h.configure = func(c *orchestrator.Config) { c.Runner.Model, c.Runner.Tools = model, agents.NewTools(tools...) }
		h.spawn(t, "clerk", events.AgentConfig{Prompt: strings.Repeat("Be terse. ", 200), Tools: []string{"slow", "quick"}})
		ask := func(run, conversation, prompt string) {
			meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "user:anna", Correlation: run}
			if _, err := h.dispatch(t.Context(), commands.StartRun{Meta: meta, Run: run, Workflow: "ask", Prompt: prompt, Agent: "clerk", Conversation: conversation}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // the fake clock's
			synctest.Wait()
		}
		opening := []string{"r1", "old", "r6"} // before their first call there is none
		caching := func(run string) (lost []answers.Loss) {
			row, steps, err := h.models.Run(t.Context(), run)
			if err != nil || row.Outcome != events.Succeeded {
				t.Fatalf("run %s is %s %s, %v", run, row.Outcome, row.Error, err)
			}
			uses, err := h.runs().Caching(t.Context(), &row, steps)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range uses {
				if u.Of > 0 && (u.Read >= u.Of) != (u.Lost == "") || u.Of > 0 != (len(lost) > 0 || !slices.Contains(opening, run)) {
					t.Errorf("run %s: %+v", run, u)
				}
				lost = append(lost, u.Lost)
			}
			return lost
		}

		stop := h.serve(t)
		ask("r1", "r1", "look")
		stop()
		stop = h.serve(t)
		time.Sleep(time.Minute)
		if got := caching("r1"); !slices.Equal(got, []answers.Loss{"", "", ""}) || len(model.sent) != 4 {
			t.Errorf("the first run lost %q in %d calls", got, len(model.sent))
		}
		for i := range model.sent[1:] {
			if !begins(model.sent[i+1], model.sent[i]) {
				t.Errorf("call %d is\n%s\nand does not begin with\n%s", i+1, text(model.sent[i+1].Messages[1:]), text(model.sent[i].Messages[1:]))
			}
		}
		ask("r2", "r1", "what its tools said is not carried over")
		if got := caching("r2"); !slices.Equal(got, []answers.Loss{answers.HistoryLoss}) {
			t.Errorf("the second run lost %q", got)
		}
		ask("r3", "r1", "but what was said is")
		if got := caching("r3"); !slices.Equal(got, []answers.Loss{""}) || !begins(model.sent[5], model.sent[4]) {
			t.Errorf("the third run lost %q", got)
		}
		configure := commands.ConfigureAgent{
			Meta:  commands.Meta{ID: events.NameID(time.Now(), "configure"), At: time.Now(), Actor: "user:anna"},
			Agent: "clerk", Config: events.AgentConfig{Prompt: strings.Repeat("Be terse. ", 200), Tools: []string{"quick"}},
		}
		if _, err := h.dispatch(t.Context(), configure); err != nil {
			t.Fatal(err)
		}
		ask("r4", "r1", "with a tool less")
		if got := caching("r4"); !slices.Equal(got, []answers.Loss{answers.ToolsLoss}) {
			t.Errorf("the fourth run lost %q", got)
		}
		configure.ID, configure.Config.Prompt = events.NameID(time.Now(), "again"), strings.Repeat("Be brief. ", 200)
		if _, err := h.dispatch(t.Context(), configure); err != nil {
			t.Fatal(err)
		}
		ask("r5", "r1", "told otherwise")
		if got := caching("r5"); !slices.Equal(got, []answers.Loss{answers.SystemLoss}) {
			t.Errorf("the fifth run lost %q", got)
		}
		// An imported run tells what was read and no more, and whoever goes on with it has nothing to lose.
		first := 0
		h.append(t, "run-old",
			events.RunStarted{Run: "old", Workflow: "ask", Prompt: "hello", Conversation: "old", Source: &events.Source{Format: "runs", Record: "old"}},
			events.RunStepStarted{Step: 0, Name: "chat", Type: events.ChatStep},
			events.RunLLMCalled{Step: &first, Asked: []events.Message{{Role: "user", Content: "hello"}}, Answered: []events.Message{{Role: "assistant", Content: "hi"}}},
			events.RunStepFinished{Step: 0, Outcome: events.Succeeded, InputTokens: 2000, CachedTokens: 1024},
			events.RunFinished{Outcome: events.Succeeded, Answer: "hi"},
		)
		ask("r6", "old", "and so on")
		if got := caching("old"); !slices.Equal(got, []answers.Loss{""}) {
			t.Errorf("the imported run lost %q", got)
		}
		if got := caching("r6"); !slices.Equal(got, []answers.Loss{""}) || len(model.sent[len(model.sent)-1].Messages) != 4 {
			t.Errorf("the run behind it lost %q", got)
		}
		stop()
	})
}
