package orchestrator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/veil"
)

// says has somebody ask something in a conversation, and waits for the answer.
func (h *house) says(t *testing.T, who, conversation, run, prompt string) {
	t.Helper()
	meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: who, Correlation: run}
	start := commands.StartRun{Meta: meta, Run: run, Workflow: "ask", Prompt: prompt, Agent: "clerk", Conversation: conversation, Requester: who}
	if _, err := h.dispatch(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // the fake clock's
	synctest.Wait()
}

// summarised are the summaries of a conversation.
func (h *house) summarised(t *testing.T, conversation string) (all []events.ConversationSummarised) {
	t.Helper()
	for e, err := range h.store.ReadStream(t.Context(), commands.ConversationStream("", conversation), eventstore.StreamOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fact.(events.ConversationSummarised))
	}
	return all
}

// TestAConversationOfTwoHundredMessagesStaysAffordable asks a hundred times in one conversation: what is sent stays within its bound,
// what was said at first is known to the end, and the log alone tells what was sent.
func TestAConversationOfTwoHundredMessagesStaysAffordable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bound = 4 << 10
		h, model := newHouse(t), &listening{}
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model, c.EarlierBytes = model, bound }
		h.spawn(t, "clerk", events.AgentConfig{Prompt: "Be terse."})
		stop := h.serve(t)
		for i := range 100 {
			h.says(t, "user:anna", "r0", fmt.Sprint("r", i), fmt.Sprintf("The warehouse in Hamburg counted crate number %d today. %s", i, strings.Repeat("x", 100)))
		}
		stop()
		most := 0
		for i, told := range model.told {
			size := 0
			for _, m := range told {
				size += len(m)
			}
			if most = max(most, size); size > bound+bound/2 {
				t.Errorf("run %d is told %d bytes of %d", i, size, bound)
			}
		}
		all := h.summarised(t, "r0")
		var runs []string
		for i, s := range all {
			runs = append(runs, s.Runs...)
			if s.Maker != events.SummaryByExtract || s.Requester != "user:anna" || s.Messages != 2*len(runs) || i > 0 && s.First <= all[i-1].Last {
				t.Errorf("summary %d is %+v", i, s)
			}
		}
		for i, run := range runs {
			if run != fmt.Sprint("r", i) {
				t.Fatalf("the summaries stand for %q", runs)
			}
		}
		last := model.told[len(model.told)-1]
		if len(all) < 5 || !strings.Contains(last[1], "messages in short (by extract)") || !strings.Contains(last[1], "warehouse") || !strings.HasSuffix(last[len(last)-2], "answer 99") {
			t.Errorf("with %d summaries the last run is told %q", len(all), last)
		}
		// The log alone tells what the last run saw.
		recorded, err := evals.Record(t.Context(), h.store, "", "r99")
		if err != nil {
			t.Fatal(err)
		}
		again := []string{"system: Be terse."}
		for _, m := range recorded.Asked {
			again = append(again, m.Role+": "+m.Content)
		}
		if !slices.Equal(again, last) {
			t.Errorf("by the log the last run is told %q, and was told %q", again, last)
		}
		t.Logf("%d summaries; at most %d bytes were sent", len(all), most)
	})
}

// A summarizer that somebody has made says it with a model, while the conversation goes on; where it fails, it is an extract.
func TestASummarizerSaysInShortWhatWasSaid(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"by a model": false, "the model fails": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close(t)
				model := &saying{says: func(prompt string) (string, time.Duration, error) {
					switch {
					case !strings.HasPrefix(prompt, "Say in at most"):
						return "Yes.", time.Second, nil
					case fails:
						return "", 0, agents.ErrScripted
					}
					return "All about crates.", 90 * time.Second, nil // longer than until the next question
				}}
				h.configure = func(c *orchestrator.Config) { c.Runner.Model, c.EarlierBytes = model, 400 }
				h.spawn(t, "clerk", events.AgentConfig{})
				h.spawn(t, orchestrator.Summarizer, events.AgentConfig{Model: "cheap"})
				stop := h.serve(t)
				for i := range 9 {
					h.says(t, "user:anna", "r0", fmt.Sprint("r", i), fmt.Sprintf("Question %d of the crates in Hamburg.", i))
				}
				stop()
				all := h.summarised(t, "r0")
				if len(all) == 0 {
					t.Fatal("nothing is summarised")
				}
				first := all[0]
				want, maker := "All about crates.", events.SummaryByModel
				if fails {
					want, maker = "crates in Hamburg", events.SummaryByExtract
				}
				if first.Maker != maker || !strings.Contains(first.Text, want) || (first.Run == "") != fails {
					t.Errorf("the first summary is %+v", first)
				}
				if fails {
					return
				}
				h.ends(t, first.Run, events.Succeeded, "All about crates.")
				recorded, err := evals.Record(t.Context(), h.store, "", "r8")
				if err != nil || !strings.Contains(recorded.Asked[0].Content, "(by model):\nAll about crates.") {
					t.Errorf("the last run is told %+v, %v", recorded.Asked, err)
				}
			})
		})
	}
}

// What two people said in a thread is summarised for each by themselves: with one of them that text is gone, and nobody is told it.
func TestAnErasureReachesSummaries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model, keys := newHouse(t), &listening{}, &veil.Memory{}
		covered := veil.New(h.store, veil.Config{Keys: keys, Who: veil.Everyone})
		h.store = covered
		d := orchestrator.NewDispatcher(covered, aggregates.All(func(string) aggregates.Policy { return h.policy }))
		h.dispatch, h.agents = d.Dispatch, d
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model, c.EarlierBytes = model, 800 }
		h.spawn(t, "clerk", events.AgentConfig{})
		stop := h.serve(t)
		people := []string{"user:anna", "user:bert"}
		for i := range 12 {
			h.says(t, people[i%2], "r0", fmt.Sprint("r", i), fmt.Sprintf("%s likes number %d best of all numbers.", people[i%2], i))
		}
		stop()
		all := h.summarised(t, "r0")
		if len(all) < 2 || !strings.Contains(all[0].Text, "user:anna likes") || strings.Contains(all[0].Text, "user:bert likes") || all[0].Requester != "user:anna" || !strings.Contains(all[1].Text, "user:bert likes") {
			t.Fatalf("the summaries are %+v", all)
		}
		anna, err := keys.Named(t.Context(), "anna")
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Erase(t.Context(), anna.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		covered.Forget()
		if err := replay.RebuildModels(t.Context(), h.store, h.models, func(uint64) {}); err != nil {
			t.Fatal(err)
		}
		for _, s := range h.summarised(t, "r0") {
			if s.Requester != "user:bert" && (s.Text != events.Erased || strings.Contains(s.Requester, "anna")) || s.Requester == "user:bert" && !strings.Contains(s.Text, "user:bert likes") {
				t.Errorf("after the erasure a summary is %+v", s)
			}
		}
		// A process that begins after the erasure goes on with the conversation.
		d = orchestrator.NewDispatcher(covered, aggregates.All(func(string) aggregates.Policy { return h.policy }))
		h.dispatch, h.agents = d.Dispatch, d
		stop = h.serve(t)
		for i := range 8 {
			h.says(t, "user:bert", "r0", fmt.Sprint("s", i), fmt.Sprintf("user:bert asks once more, question %d.", i))
		}
		stop()
		told := strings.Join(model.told[len(model.told)-1], "\n")
		if strings.Contains(told, "anna") || !strings.Contains(told, "user:bert likes") {
			t.Errorf("afterwards the last run is told %q", told)
		}
		if again, err := keys.Named(t.Context(), "anna"); err == nil {
			t.Errorf("anna has a key again: %+v", again)
		}
	})
}
