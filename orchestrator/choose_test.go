package orchestrator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// tideless is a model that fails for what it is told to.
type tideless struct{}

func (tideless) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	if last := r.Messages[len(r.Messages)-1].Content; strings.Contains(last, "tide") {
		return agents.Answer{}, fmt.Errorf("no word rhymes with tide")
	}
	return agents.Answer{Model: "m", FinishReason: "stop", Message: events.Message{Role: "assistant", Content: "Done."}}, nil
}

// TestARunThatNamesNobodyGoesToWhoFits asks of nobody: what fits goes to whom it fits, and no more once that one is seen to do
// such tasks badly; what fits nobody goes to the assistant, and what goes on in a conversation to who answered in it.
func TestARunThatNamesNobodyGoesToWhoFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model = tideless{} }
		h.spawn(t, "clerk", events.AgentConfig{Prompt: "You look up orders and refunds."})
		stop := h.serve(t)
		asked := 0
		ask := func(agent, conversation, prompt string) *events.RunAssigned {
			t.Helper()
			asked++
			run := fmt.Sprint("r", asked)
			meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "user:anna", Correlation: run}
			start := commands.StartRun{Meta: meta, Run: run, Workflow: "ask", Prompt: prompt, Agent: agent, Conversation: conversation}
			if _, err := h.dispatch(t.Context(), start); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // the fake clock's
			synctest.Wait()
			for _, e := range h.stream(t, "run-"+run) {
				fact, err := events.Decode(e)
				if assigned, is := fact.(events.RunAssigned); err == nil && is {
					if row, _, err := h.models.Run(t.Context(), run); err != nil || (assigned.Choice != nil) != (row.Chosen != "") {
						t.Errorf("the row of %s tells %q (%v)", run, row.Chosen, err)
					}
					return &assigned
				}
			}
			t.Fatalf("%s was given to nobody", run)
			return nil
		}
		expect := func(got *events.RunAssigned, agent, reason string) {
			t.Helper()
			switch {
			case got.Agent != agent:
				t.Errorf("it went to %s, want %s: %+v", got.Agent, agent, got.Choice)
			case (got.Choice == nil) != (reason == ""), reason != "" && !strings.Contains(got.Choice.Reason, reason):
				t.Errorf("it went to %s for %+v, want %q", agent, got.Choice, reason)
			}
		}
		// The poet comes while the server runs.
		h.spawn(t, "poet", events.AgentConfig{Prompt: "You write haiku and sonnets of the sea."})
		synctest.Wait()
		expect(ask("", "", "Was the order of Anna refunded?"), "clerk", "clerk fits best, by the words ")
		expect(ask("", "c", "A haiku about the sea"), "poet", "not known yet, of 0 runs")
		expect(ask("poet", "", "Was the order of Anna refunded?"), "poet", "")
		expect(ask("", "", "What is the weather?"), events.Assistant, "no agent's specialty or prompt fits")
		expect(ask("", "c", "Was the order of Anna refunded?"), "poet", "answered last in the conversation")

		for range 3 {
			expect(ask("", "", "A haiku on the tide of the sea"), "poet", "poet fits best")
		}
		expect(ask("", "", "A haiku on the sea"), events.Assistant, "poet succeeded in 1 of 4 like tasks only")
		expect(ask("poet", "", "A haiku on the sea"), "poet", "")

		// A prompt that is another one is gone by at once, and who is retired is asked no more.
		meta := commands.Meta{ID: events.NameID(time.Now(), "other"), At: time.Now(), Actor: "user:anna"}
		if _, err := h.dispatch(t.Context(), commands.ConfigureAgent{Meta: meta, Agent: "clerk", Config: events.AgentConfig{Prompt: "You forecast weather, rain and wind."}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		expect(ask("", "", "Will rain come with the weather?"), "clerk", "clerk fits best")
		stop()
		stop = h.serve(t) // another process knows them from the read models
		expect(ask("", "", "Will rain come with the weather?"), "clerk", "clerk fits best")
		meta.ID = events.NameID(time.Now(), "retire")
		if _, err := h.dispatch(t.Context(), commands.RetireAgent{Meta: meta, Agent: "clerk"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		expect(ask("", "", "Will rain come with the weather?"), events.Assistant, "no agent's specialty")
		stop()
	})
}
