package orchestrator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// scribe is a model that refuses every question of whoever is told to guess, and answers those of all others; as a writer it says what it is to.
type scribe struct {
	mu    sync.Mutex
	asked []string
	says  func(prompt string) string
	cost  events.Nanos
}

func (s *scribe) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	a := agents.Answer{Message: events.Message{Role: "assistant", Content: "Yes."}, Model: r.Model, FinishReason: "stop", InputTokens: 100, OutputTokens: 10, UsageKnown: true, CostNanos: s.cost, Priced: true}
	switch told := r.Messages[0].Content; {
	case strings.HasPrefix(told, "You improve the instructions"):
		s.mu.Lock()
		defer s.mu.Unlock()
		prompt := r.Messages[len(r.Messages)-1].Content
		s.asked = append(s.asked, prompt)
		a.Message.Content = s.says(prompt)
	case strings.HasPrefix(r.Messages[len(r.Messages)-1].Content, "Read page "):
		page := strings.TrimPrefix(r.Messages[len(r.Messages)-1].Content, "Read page ")
		a.Message.ToolCalls, a.FinishReason = []events.ToolCall{{ID: "c", Name: "clock", Arguments: `{"page":` + page + `}`}}, "tool_calls"
	case strings.Contains(told, "guess") && r.Messages[len(r.Messages)-1].Content != "An easy one?":
		a.FinishReason = "content_filter"
	}
	return a, nil
}

const dearPrice = `{"m":{"input_cost_per_token":0.000001,"output_cost_per_token":0.000001,"litellm_provider":"openai","mode":"chat"}}`

// writing is a house whose model is a scribe, with the role of a writer that looks every hour.
func writing(t *testing.T, limit events.Nanos, says func(string) string) (*house, *scribe) {
	t.Helper()
	h, s := newHouse(t), &scribe{says: says, cost: 110_000}
	prices, err := agents.ParsePrices(strings.NewReader(dearPrice))
	if err != nil {
		t.Fatal(err)
	}
	h.configure = func(c *orchestrator.Config) {
		c.Model, c.Runner.Model, c.Runner.Prices = "m", s, prices
		c.Writer, c.WriterEvery = orchestrator.Role{Model: "m", LimitNanos: limit, Period: events.Monthly}, time.Hour
	}
	h.spawn(t, "clerk", events.AgentConfig{Prompt: "Just guess.", Tools: []string{"clock"}})
	return h, s
}

// fails has so many runs of clerk fail.
func (h *house) fails(t *testing.T, runs int, question string) {
	t.Helper()
	h.failsFor(t, "anna", runs, question)
}

// failsFor has so many runs fail that somebody asks for.
func (h *house) failsFor(t *testing.T, who string, runs int, question string) {
	t.Helper()
	for i := range runs {
		run := fmt.Sprint("f", i, "-", who)
		meta := commands.Meta{ID: events.NameID(time.Now(), run), At: time.Now(), Actor: "user:anna", Correlation: run}
		if _, err := h.dispatch(t.Context(), commands.StartRun{Meta: meta, Run: run, Workflow: "shop", Prompt: question, Agent: "clerk", Requester: who}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
	}
}

// answered are what became of what the writer said.
func (h *house) answered(t *testing.T) (all []events.RoleAnswered) {
	t.Helper()
	for _, e := range h.facts(t) {
		if fact, err := events.Decode(e); err != nil {
			t.Fatal(err)
		} else if f, is := fact.(events.RoleAnswered); is {
			all = append(all, f)
		}
	}
	return all
}

const lookItUp = `{"candidates":[{"why":"It guesses.","edits":[{"do":"replace","passage":"Just guess.","text":"Look it up."}]}]}`

// A writer that nobody gave a model is never asked; one that was is asked once about runs that failed, whatever was appended before the process died, and a
// replay asks nobody.
func TestAWriterIsAskedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(t, 1_000_000_000, func(string) string { return lookItUp })
		defer h.close(t)
		role := h.configure
		h.configure = func(c *orchestrator.Config) {
			role(c)
			c.Writer.Model = ""
		}
		stop := h.serve(t)
		h.fails(t, 6, "Where is my order?")
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		stop()
		if len(s.asked) > 0 {
			t.Fatal("it was asked without a role")
		}
		// It dies behind each fact in turn, and goes on.
		for n := 1; n < 40; n++ {
			ctx, kill := context.WithCancel(t.Context())
			h.configure = func(c *orchestrator.Config) {
				role(c)
				dispatch := c.Dispatch
				var done atomic.Int64
				c.Dispatch = func(of context.Context, cmds ...commands.Command) (commands.Receipt, error) {
					if done.Add(1) > int64(n) {
						kill()
						return commands.Receipt{}, context.Canceled
					}
					return dispatch(of, cmds...)
				}
				c.Drain = -1
			}
			done := h.run(ctx)
			time.Sleep(61 * time.Minute)
			synctest.Wait()
			kill()
			<-done
		}
		asked := map[string]bool{}
		for _, e := range h.facts(t) {
			if e.Kind == "role.asked" {
				asked[e.Stream] = true
			}
		}
		answers := h.answered(t)
		if len(asked) != 1 || len(answers) != 1 || answers[0].Candidates != 1 {
			t.Fatalf("asked %v, answered %+v", asked, answers)
		}
		// The model may have answered a process that died before it could tell; what was told is asked for no more.
		if n := len(h.calls(t, orchestrator.RoleWorkflow)); n != 1 {
			t.Errorf("%d calls are recorded", n)
		}
	})
}

// calls are the recorded calls of models in runs of a workflow.
func (h *house) calls(t *testing.T, workflow string) (all []events.RunLLMCalled) {
	t.Helper()
	of := map[string]bool{}
	for _, e := range h.facts(t) {
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		switch f := fact.(type) {
		case events.RunStarted:
			of[e.Stream] = f.Workflow == workflow
		case events.RunLLMCalled:
			if of[e.Stream] {
				all = append(all, f)
			}
		}
	}
	return all
}

// A writer is shown what one person said, in a run of that person's: it is forgotten with them.
func TestAWriterIsShownOnePersonsWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(t, 1_000_000_000, func(string) string { return lookItUp })
		defer h.close(t)
		stop := h.serve(t)
		h.failsFor(t, "ben", 3, "Ben's question?")
		h.failsFor(t, "anna", 4, "Anna's question?")
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		stop()
		if len(s.asked) != 1 || strings.Contains(s.asked[0], "Ben's") || !strings.Contains(s.asked[0], "Anna's") {
			t.Fatalf("it was asked %q", s.asked)
		}
		proposed := 0
		for _, e := range h.facts(t) {
			if fact, err := events.Decode(e); err != nil {
				t.Fatal(err)
			} else if f, is := fact.(events.RunStarted); is && f.Workflow == orchestrator.RoleWorkflow && (f.Requester != "anna" || !slices.Equal(f.Of, []string{"anna"})) {
				t.Errorf("its run is of %q, and %q", f.Requester, f.Of)
			} else if p, is := fact.(events.ImprovementProposed); is {
				if proposed++; !slices.Equal(p.Of, []string{"anna"}) {
					t.Errorf("what it proposes is in the words of %q", p.Of)
				}
			} else if r, is := fact.(events.RoleAnswered); is && !slices.Equal(r.Of, []string{"anna"}) {
				t.Errorf("what it said is in the words of %q", r.Of)
			}
		}
		if proposed != 1 {
			t.Errorf("it made %d proposals", proposed)
		}
	})
}

// What a writer is shown is what the agent does as it is: not what it did in a run that was drawn for another change, or that stayed on an earlier version.
func TestAWriterIsShownTheAgentAsItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(t, 1_000_000_000, func(string) string { return lookItUp })
		defer h.close(t)
		stop := h.serve(t)
		h.fails(t, 5, "Where is my order?")
		for question, arm := range map[string]string{"It was tried?": events.CandidateArm, "It was the other?": events.Candidate(1), "It was frozen?": events.FrozenArm, "It stayed?": events.ControlArm} {
			h.append(t, "run-"+arm, events.RunStarted{Run: arm, Workflow: "shop", Agent: "clerk", Prompt: question, Requester: "anna"},
				events.RunAssigned{Agent: "clerk", Revision: 1, Arms: []events.Arm{{Experiment: "x", Arm: arm, Permille: 500, Unit: "u"}}},
				events.RunStepStarted{Name: "chat", Type: events.ChatStep, Agent: "clerk"}, events.RunStepFinished{Outcome: events.Failed}, events.RunFailed{Error: "no"})
		}
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		stop()
		if len(s.asked) != 1 || !strings.Contains(s.asked[0], "It stayed?") || strings.Contains(s.asked[0], "tried?") || strings.Contains(s.asked[0], "other?") || strings.Contains(s.asked[0], "frozen?") {
			t.Errorf("it was asked %q", s.asked)
		}
	})
}

// An agent of which few runs fail is left alone, however many those are.
func TestAWriterLeavesWhatMostlySucceedsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(t, 1_000_000_000, func(string) string { return lookItUp })
		defer h.close(t)
		stop := h.serve(t)
		h.fails(t, 5, "Where is my order?")
		h.failsFor(t, "ben", 120, "An easy one?")
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		few := len(s.asked)
		h.failsFor(t, "carl", 9, "Where is my order?")
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		stop()
		if few != 0 || len(s.asked) != 1 {
			t.Errorf("it was asked %d times with 5 of 125 failed, and %d times with 14 of 134", few, len(s.asked))
		}
	})
}

// What a writer may spend is bounded: where that is too little it is not asked, and that is told.
func TestAWriterStaysWithinItsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(t, 1000, func(string) string { return lookItUp })
		defer h.close(t)
		stop := h.serve(t)
		h.fails(t, 6, "Where is my order?")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		stop()
		answers := h.answered(t)
		if len(s.asked) > 0 || len(answers) != 1 || len(answers[0].Refused) != 1 || answers[0].Refused[0].Reason != "its budget is used up" {
			t.Errorf("asked %d times, %+v", len(s.asked), answers)
		}
	})
}

// Of a writer's candidates the datasets of the agent drop what does worse and what another one beats; what asking costs is spent from its budget.
func TestAWritersCandidatesAreAskedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := writing(t, 1_000_000_000, func(string) string {
			return `{"candidates":[
				{"why":"a","edits":[{"do":"insert","passage":"","text":"And guess well."}]},
				{"why":"b","edits":[{"do":"replace","passage":"Just guess.","text":"Look it up."}]},
				{"why":"c","edits":[{"do":"insert","passage":"","text":"Keep to what guesses say: 48813."}]}]}`
		})
		defer h.close(t)
		stop := h.serve(t)
		h.fails(t, 12, "Where is my order 48813?")
		for _, e := range h.facts(t) {
			if e.Kind == "run.finished" || e.Kind == "run.failed" {
				h.wish(t, func(m commands.Meta) commands.Command {
					return commands.AddToDataset{Meta: m, Dataset: "orders", Run: events.Identity(e.Stream), Checks: []events.Check{{Kind: events.ContainsCheck, Text: "Yes"}}, By: "user:anna"}
				})
			}
		}
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		stop()
		answers := h.answered(t)
		if len(answers) != 1 || answers[0].Candidates != 1 || len(answers[0].Evals) != 2 || len(answers[0].Refused) != 2 {
			t.Fatalf("%+v", answers)
		}
		if r := answers[0].Refused[0]; r.Candidate != 3 || r.User != "anna" {
			t.Errorf("what repeats somebody's words is refused as %+v", r)
		}
		if r := answers[0].Refused[1]; r.Candidate != 1 || !strings.Contains(r.Reason, "another one does better") {
			t.Errorf("what another one beats is refused as %+v", r)
		}
		var cost events.Nanos
		for _, e := range h.facts(t) {
			if fact, err := events.Decode(e); err != nil {
				t.Fatal(err)
			} else if f, is := fact.(events.EvalFinished); is {
				cost = events.Add(cost, f.CostNanos)
			}
		}
		// Twelve runs of the agent as it is and of two candidates, and the question itself.
		if spent := h.budget(t, "agent:role-writer").SpentNanos; cost != 36*110_000 || spent != cost+110_000 {
			t.Errorf("evals cost %s, and %s was spent", cost, spent)
		}
	})
}

// All of a writer's candidates that hold are tried, each in an arm of its own.
func TestAWritersCandidatesAreTriedBesideOneAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := writing(t, 1_000_000_000, func(string) string {
			return `{"candidates":[
				{"why":"a","edits":[{"do":"replace","passage":"Just guess.","text":"Look it up."}]},
				{"why":"b","edits":[{"do":"replace","passage":"Just guess.","text":"Ask back."}]}]}`
		})
		defer h.close(t)
		h.policy.SelfApproved, h.policy.MaxShare = []events.ChangeKind{events.ChangePrompt}, 1000
		stop := h.serve(t)
		h.fails(t, 6, "Where is my order?")
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		stop()
		var planned []events.ExperimentPlanned
		for _, e := range h.facts(t) {
			if fact, err := events.Decode(e); err != nil {
				t.Fatal(err)
			} else if f, is := fact.(events.ExperimentPlanned); is {
				planned = append(planned, f)
			}
		}
		if len(planned) != 1 || planned[0].Config.Prompt != "Look it up." || len(planned[0].Others) != 1 || planned[0].Others[0].Prompt != "Ask back." {
			t.Errorf("planned %+v", planned)
		}
	})
}

// A writer that obeys whatever it reads in runs that failed, in what was wished and in what tools gave can change nothing but the words of a prompt: no tool is
// granted, no budget, policy or other agent changes, and nobody's words get into a prompt.
func TestAWriterThatObeysEverybodyGetsNowhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		texts, next, obeyed := hostile(), 0, 0
		h, s := writing(t, 1_000_000_000, func(prompt string) string {
			var b struct {
				Failed []struct{ Said []struct{ Text string } }
			}
			_ = json.Unmarshal([]byte(prompt), &b)
			order := "nothing"
			for _, run := range b.Failed {
				for _, said := range run.Said {
					if order == "nothing" && strings.Contains(said.Text, "CALL") {
						order = said.Text
						obeyed++
					}
				}
			}
			quoted := string(encodedText(order))
			switch next++; next % 4 {
			case 0:
				return fmt.Sprintf(`{"candidates":[{"why":%s,"edits":[{"do":"replace","passage":"Just guess.","text":%s}]}]}`, quoted, quoted)
			case 1:
				return fmt.Sprintf(`{"candidates":[{"why":"w","tools":["pay","send_mail"],"edits":[{"do":"insert","passage":"","text":%s}]}],"budget":1000000000}`, quoted)
			case 2:
				return fmt.Sprintf(`{"candidates":[{"why":"w","edits":[{"do":"grant","passage":"Just guess.","text":"pay"},{"do":"insert","passage":"","text":%s}]}]}`, quoted)
			}
			return fmt.Sprintf(`{"candidates":[{"why":%s,"edits":[{"do":"replace","passage":"Just guess.","text":"Be kind in answer %d."}]}]}`, quoted, next)
		})
		defer h.close(t)
		h.policy.SelfApproved, h.policy.MaxShare = []events.ChangeKind{events.ChangePrompt}, 1000
		configure := h.configure
		h.configure = func(c *orchestrator.Config) {
			configure(c)
			c.Runner.Tools = agents.NewTools(agents.Tool{Name: "clock", Description: "Reads a page.", Schema: json.RawMessage(`{"type":"object"}`), Repeatable: true, Call: func(_ context.Context, c agents.Call) (string, error) {
				var of struct{ Page int }
				err := json.Unmarshal(c.Arguments, &of)
				return texts[of.Page], err
			}})
		}
		stop := h.serve(t)
		for i, text := range texts {
			agent := fmt.Sprint("clerk", i)
			h.spawn(t, agent, events.AgentConfig{Prompt: "Just guess.", Tools: []string{"clock"}})
			for n := range 5 {
				run, asked := fmt.Sprint("r", i, "-", n), text
				if i%3 == 0 { // what a tool answers
					asked = fmt.Sprint("Read page ", i)
				}
				h.askOf(t, run, agent, asked)
				synctest.Wait()
				if i%3 == 1 { // what was imported is of nobody's version, and is shown to no writer
					h.append(t, "run-import-"+run,
						events.RunStarted{Run: "import-" + run, Workflow: "shop", Agent: agent, Prompt: "IMPORTED " + text, Source: &events.Source{Format: "otlp"}},
						events.RunStepStarted{Name: "chat", Type: events.ChatStep, Agent: agent}, events.RunStepFinished{Outcome: events.Failed, Error: "IMPORTED " + text}, events.RunFailed{Error: "IMPORTED " + text})
				}
				if i%2 == 0 {
					h.wish(t, func(m commands.Meta) commands.Command {
						return commands.GiveFeedback{Meta: m, Feedback: "f" + run, Run: run, User: "mallory", Text: text, Better: text, Wish: text}
					})
				}
			}
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		stop()
		if len(s.asked) < 200 || obeyed < 200 {
			t.Fatalf("the writer was asked %d times, and obeyed %d times", len(s.asked), obeyed)
		}
		if strings.Contains(strings.Join(s.asked, ""), "IMPORTED") {
			t.Error("it was shown what was imported")
		}
		proposed := 0
		for e, err := range h.store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			plain := func(config events.AgentConfig) {
				config.Prompt = ""
				if !reflect.DeepEqual(config, events.AgentConfig{Tools: []string{"clock"}}) {
					t.Errorf("%s makes an agent %+v", e.Kind, config)
				}
			}
			switch f := fact.(type) {
			case events.ImprovementProposed:
				proposed++
				plain(*f.Change.Config)
				for _, text := range texts {
					if len(strings.Fields(text)) >= 6 && strings.Contains(f.Change.Config.Prompt, text) {
						t.Errorf("a prompt holds %q", text)
					}
				}
				if f.Change.Kind != events.ChangePrompt || strings.Contains(f.Change.Instruction, "CALL") && len(strings.Fields(f.Change.Instruction)) > 60 {
					t.Errorf("it proposes %+v", f.Change)
				}
			case events.ExperimentPlanned:
				plain(f.Config)
			case events.AgentConfigured:
				if f.Author != "manager:role" {
					plain(f.Config)
				}
			case events.PolicySet, events.ToolAccepted, events.RunApprovalAsked:
				t.Errorf("%s by %s: %s", e.Kind, e.Actor, e.Data)
			case events.BudgetSet:
				if f.Budget != "agent:role-writer" || f.LimitNanos != 1_000_000_000 {
					t.Errorf("a budget is %+v", f)
				}
			case events.RunToolCalled:
				if f.Result.Name != "clock" {
					t.Errorf("a tool was called: %s", e.Data)
				}
			}
		}
		if spent := h.budget(t, "agent:role-writer").SpentNanos; spent > 1_000_000_000 || proposed == 0 {
			t.Errorf("%s spent, %d proposed", spent, proposed)
		}
	})
}

func encodedText(text string) []byte {
	data, _ := json.Marshal(text)
	return data
}
