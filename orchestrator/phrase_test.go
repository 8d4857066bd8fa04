package orchestrator_test

import (
	"context"
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

// overheard keeps what a model is asked.
type overheard struct {
	agents.Model
	mu  sync.Mutex
	all []agents.Request
}

func (o *overheard) Chat(ctx context.Context, r agents.Request, onDelta func(string)) (agents.Answer, error) {
	o.mu.Lock()
	o.all = append(o.all, r)
	o.mu.Unlock()
	return o.Model.Chat(ctx, r, onDelta)
}

// Who finds words is given the question and the record's lines, and nothing of the conversation. A later run of that sees the question
// and the record, and none of the words that were found.
func TestWordsAreFoundForTheRecordAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model := newHouse(t), &drafting{draft: `{"lines":["13 of 40 runs, says the model."]}`}
		defer h.close(t)
		heard := &overheard{Model: model}
		h.configure = func(c *orchestrator.Config) { c.Runner.Model, c.AllowUnpriced = heard, true }
		stop := h.serve(t)
		start := func(run string) commands.StartRun {
			return commands.StartRun{
				Meta: commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "user:anna", Correlation: run}, Run: run, Workflow: "w", Requester: "anna", Conversation: "C",
			}
		}
		ask := func(run, prompt string) {
			t.Helper()
			c := start(run)
			c.Prompt = prompt
			if _, err := h.runs().Start(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		ask("r1", "My salamander is ill.")
		role := orchestrator.Phrasing()
		role.Model, role.LimitNanos, role.Period = "small", 100*cent, events.Daily
		c := start("r2")
		c.Prompt, c.Phrases = "What patterns did you find?", &events.Phrasing{Title: "Patterns", Lines: []events.PhrasingLine{{Text: "12 of 40 runs.", Runs: []string{"r0"}}}}
		if _, err := h.runs().Phrase(t.Context(), role, c); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		ask("r3", "Tell me more.")
		stop()
		said := func(r agents.Request) (all string) {
			for _, m := range r.Messages {
				all += m.Role + ": " + m.Content + "\n"
			}
			return all
		}
		if len(heard.all) != 3 {
			t.Fatalf("the model was asked %d times", len(heard.all))
		}
		words, later := said(heard.all[1]), said(heard.all[2])
		if strings.Contains(words, "salamander") || !strings.HasSuffix(words, `user: {"lines":["12 of 40 runs."],"question":"What patterns did you find?","title":"Patterns"}`+"\n") || heard.all[1].Model != "small" {
			t.Errorf("who finds words is told %s", words)
		}
		if !strings.Contains(later, "salamander") || !strings.Contains(later, "user: What patterns did you find?\nassistant: 12 of 40 runs.\n") || strings.Contains(later, "13 of 40") {
			t.Errorf("a later run is told %s", later)
		}
		if after := heard.all[2]; len(after.Schema) > 0 || after.Model == "small" {
			t.Errorf("what is said next goes to the phraser: %+v", after)
		}
		row, _, err := h.models.Run(t.Context(), "r2")
		if err != nil || row.Prompt != "What patterns did you find?" || row.CostNanos != cent || row.Workflow != "phrasing" {
			t.Errorf("got %+v, %v", row, err)
		}
	})
}
