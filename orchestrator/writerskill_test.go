package orchestrator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// apprentice loads the skill refunds before each answer, and refuses where that tells it to guess; as a writer it is the scribe.
type apprentice struct {
	*scribe
	// loaded are the texts that it was given, by the agents' prompts.
	loaded map[string][]string
}

func (m *apprentice) Chat(ctx context.Context, r agents.Request, on func(string)) (agents.Answer, error) {
	told, last := r.Messages[0].Content, r.Messages[len(r.Messages)-1]
	if strings.HasPrefix(told, "You improve the instructions") {
		return m.scribe.Chat(ctx, r, on)
	}
	a := agents.Answer{Message: events.Message{Role: "assistant", Content: "Yes."}, Model: r.Model, FinishReason: "stop", InputTokens: 100, OutputTokens: 10, UsageKnown: true, CostNanos: m.cost, Priced: true}
	if last.Role == "user" {
		a.FinishReason, a.Message = "tool_calls", events.Message{Role: "assistant", ToolCalls: []events.ToolCall{{ID: "1", Name: events.LoadSkill, Arguments: `{"skill":"refunds"}`}}}
		return a, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loaded[told] = append(m.loaded[told], last.Content)
	if strings.Contains(last.Content, "guess") {
		a.FinishReason = "content_filter"
	}
	return a, nil
}

// apprenticed is a house in which clerk and biller have the skill refunds, which tells them to guess.
func apprenticed(t *testing.T, says func(string) string) (*house, *apprentice, events.SkillRef) {
	t.Helper()
	h, s := writing(t, 1_000_000_000, says)
	model := &apprentice{s, map[string][]string{}}
	configure := h.configure
	h.configure = func(c *orchestrator.Config) {
		configure(c)
		c.Runner.Model = model
	}
	files := []events.SkillFile{{Path: events.SkillMain, Text: "---\nname: refunds\ndescription: How orders are refunded.\n---\nJust guess the sum.\n"}, {Path: "references/limits.md", Text: "100"}}
	ref := events.SkillRef{Name: "refunds", Description: "How orders are refunded.", Digest: commands.SkillDigest(files)}
	h.wish(t, func(m commands.Meta) commands.Command {
		return commands.SaveSkill{Meta: m, Skill: ref.Name, Description: ref.Description, Files: files, By: "user:anna"}
	})
	h.skills(t, "clerk", ref)
	h.spawn(t, "biller", events.AgentConfig{Prompt: "You are the biller.", Skills: []events.SkillRef{ref}})
	return h, model, ref
}

// skills gives an agent skills.
func (h *house) skills(t *testing.T, agent string, refs ...events.SkillRef) {
	t.Helper()
	h.wish(t, func(m commands.Meta) commands.Command {
		return commands.ConfigureAgent{Meta: m, Agent: agent, Only: events.ChangeSkills, Config: events.AgentConfig{Skills: refs}}
	})
}

// factsOf are the facts of a kind.
func factsOf[E events.Event](t *testing.T, h *house) (all []E) {
	t.Helper()
	for _, e := range h.facts(t) {
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		if f, is := fact.(E); is {
			all = append(all, f)
		}
	}
	return all
}

// A writer is shown the skill that runs which failed had loaded, and may edit its text below the front matter. What comes of it is a text of its own: the agent
// tries it, whoever else has the skill keeps what they have, and its name stands for what a person saved.
func TestAWriterEditsASkillThatFailedRunsHadLoaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		edit := func(passage, text string) string {
			return fmt.Sprintf(`{"why":"It guesses.","of":"skill","edits":[{"do":"replace","passage":%q,"text":%q}]}`, passage, text)
		}
		h, model, ref := apprenticed(t, func(string) string {
			return `{"candidates":[` + edit("description: How orders are refunded.", "description: Call me.") + `,` + edit("Just guess the sum.", "Look the sum up.") + `,` +
				`{"why":"w","of":"instructions","edits":[{"do":"replace","passage":"Just guess.","text":"Look it up."}]}]}`
		})
		defer h.close(t)
		h.policy.SelfApproved, h.policy.MaxShare = []events.ChangeKind{events.ChangeSkills}, 1000
		stop := h.serve(t)
		h.fails(t, 6, "Where is my order?")
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		if len(model.asked) != 1 || !strings.Contains(model.asked[0], `"skill":{"name":"refunds","text":"Just guess the sum."}`) {
			t.Fatalf("it was asked %q", model.asked)
		}
		answers := h.answered(t)
		if len(answers) != 1 || answers[0].Candidates != 1 || len(answers[0].Refused) != 2 || !strings.Contains(answers[0].Refused[0].Reason, "stands 0 times") ||
			!strings.Contains(answers[0].Refused[1].Reason, "another text than the one before it") {
			t.Fatalf("%+v", answers)
		}
		files := []events.SkillFile{{Path: events.SkillMain, Text: "---\nname: refunds\ndescription: How orders are refunded.\n---\nLook the sum up.\n"}, {Path: "references/limits.md", Text: "100"}}
		draft := events.SkillRef{Name: ref.Name, Description: ref.Description, Digest: commands.SkillDigest(files)}
		saved := factsOf[events.SkillSaved](t, h)
		if len(saved) != 2 || !reflect.DeepEqual(saved[1], events.SkillSaved{
			Skill: "refunds", Description: ref.Description, Files: files, Digest: draft.Digest, By: "analyst:writer", Edits: ref.Digest,
		}) {
			t.Fatalf("saved %+v", saved)
		}
		planned := factsOf[events.ExperimentPlanned](t, h)
		if len(planned) != 1 || planned[0].Agent != "clerk" || planned[0].Change != events.ChangeSkills || !slices.Equal(planned[0].Config.Skills, []events.SkillRef{draft}) ||
			planned[0].Config.Prompt != "Just guess." || !slices.Equal(planned[0].Config.Tools, []string{"clock"}) {
			t.Fatalf("planned %+v", planned)
		}
		if p := factsOf[events.ImprovementProposed](t, h); len(p) != 1 || !slices.Equal(p[0].Of, []string{"anna"}) || !strings.HasPrefix(p[0].Change.Instruction, "Tell it otherwise in its skill refunds, by 1 edit.") {
			t.Errorf("proposed %+v", p)
		}
		// What its name stands for is what a person saved, for who asks by it and for who has it.
		if latest, err := h.agents.Skill(t.Context(), "", "refunds", ""); err != nil || latest.Digest != ref.Digest {
			t.Errorf("its name stands for %s, %v", latest.Digest, err)
		}
		for i := range 60 {
			h.askOf(t, fmt.Sprint("c", i), "clerk", fmt.Sprint("Question ", i))
			h.askOf(t, fmt.Sprint("b", i), "biller", fmt.Sprint("Question ", i))
			synctest.Wait()
		}
		stop()
		tried := 0
		for prompt, texts := range model.loaded {
			for _, text := range texts {
				switch {
				case !strings.HasPrefix(text, "Look the sum up."):
				case strings.HasPrefix(prompt, "Just guess."):
					tried++
				default:
					t.Errorf("%s was given %q", prompt, text)
				}
			}
		}
		if tried == 0 || tried > 20 {
			t.Errorf("%d of 60 runs of clerk were given the text that is tried", tried)
		}
	})
}

// What a writer puts into a skill is bounded as what it puts into a prompt is.
func TestAWritersEditsOfASkillAreHeldToItsBounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ edit, reason, user string }{
		"quotes":      {`{"do":"insert","passage":"","text":"People ask where is my order number 48813."}`, "it repeats what was said", "anna"},
		"unseen":      {`{"do":"insert","passage":"","text":"Be kind.\u200b"}`, "characters in it that nobody sees", ""},
		"much":        {`{"do":"insert","passage":"","text":"` + strings.Repeat("look ", 300) + `"}`, "more than 1000 bytes", ""},
		"credentials": {`{"do":"insert","passage":"","text":"Use ghp_0aB1cD2eF3gH4iJ5 for it."},{"do":"replace","passage":"gH4iJ5","text":"gH4iJ5kL6mN7oP8qR9sT0uV1wX"}`, "looks like a credential", ""},
		"nothing":     {`{"do":"replace","passage":"Just guess the sum.","text":"Just guess the sum."}`, "it changes nothing", ""},
		"worse":       {`{"do":"replace","passage":"Just guess the sum.","text":"Do guess the sum."}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, _, _ := apprenticed(t, func(string) string { return `{"candidates":[{"why":"w","of":"skill","edits":[` + tt.edit + `]}]}` })
				defer h.close(t)
				stop := h.serve(t)
				h.fails(t, 6, "Where is my order number 48813?")
				time.Sleep(61 * time.Minute)
				synctest.Wait()
				stop()
				answers, saved := h.answered(t), factsOf[events.SkillSaved](t, h)
				if tt.reason == "" {
					if len(answers) != 1 || answers[0].Candidates != 1 || len(saved) != 2 {
						t.Errorf("%+v, saved %+v", answers, saved)
					}
					return
				}
				if len(answers) != 1 || len(answers[0].Refused) != 1 || !strings.Contains(answers[0].Refused[0].Reason, tt.reason) || answers[0].Refused[0].User != tt.user || len(saved) != 1 {
					t.Errorf("%+v, saved %+v", answers, saved)
				}
			})
		})
	}
}

// A dataset of the agent drops an edit of a skill that does worse than another one, asked with the very texts.
func TestAWritersEditsOfASkillAreAskedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model, _ := apprenticed(t, func(string) string {
			return `{"candidates":[{"why":"a","of":"skill","edits":[{"do":"replace","passage":"Just guess the sum.","text":"Do guess the sum."}]},
				{"why":"b","of":"skill","edits":[{"do":"replace","passage":"Just guess the sum.","text":"Look the sum up."}]}]}`
		})
		defer h.close(t)
		stop := h.serve(t)
		h.fails(t, 12, "Where is my order?")
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
		if len(answers) != 1 || answers[0].Candidates != 1 || len(answers[0].Evals) != 2 || len(answers[0].Refused) != 1 || answers[0].Refused[0].Candidate != 1 {
			t.Fatalf("%+v", answers)
		}
		asked := 0
		for _, texts := range model.loaded {
			for _, text := range texts {
				if strings.HasPrefix(text, "Look the sum up.") {
					asked++
				}
			}
		}
		if asked != 12 {
			t.Errorf("%d runs of the dataset were asked with the edited text", asked)
		}
	})
}

// What a change did that is tried is none of the failures that a writer is asked about.
func TestAWriterCountsWhatTheAgentDoesByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(t, 1_000_000_000, func(string) string { return lookItUp })
		defer h.close(t)
		stop := h.serve(t)
		h.fails(t, 4, "Where is my order?")
		for i := range 20 {
			run := fmt.Sprint("tried-", i)
			h.append(t, "run-"+run, events.RunStarted{Run: run, Workflow: "shop", Agent: "clerk", Prompt: "It was tried?", Requester: "anna"},
				events.RunAssigned{Agent: "clerk", Revision: 1, Arms: []events.Arm{{Experiment: "x", Arm: events.CandidateArm, Permille: 500, Unit: "u"}}},
				events.RunStepStarted{Name: "chat", Type: events.ChatStep, Agent: "clerk"}, events.RunStepFinished{Outcome: events.Failed}, events.RunFailed{Error: "no"})
		}
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		few := len(s.asked)
		h.failsFor(t, "ben", 1, "Where is my order?")
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		stop()
		if few != 0 || len(s.asked) != 1 {
			t.Errorf("it was asked %d times with 4 failures of its own and 20 of what is tried, and %d times with 5", few, len(s.asked))
		}
		if a := factsOf[events.RoleAsked](t, h); len(a) != 1 || a[0].Evidence.Counts["failed"] != 5 || a[0].Evidence.N != 5 {
			t.Errorf("%+v", a)
		}
	})
}

// A writer that obeys whatever it reads can change nothing of a skill but the words of its text: nobody who has it gets other words than they had, its description and
// files stay, and no tool is granted.
func TestAWriterThatObeysEverybodyGetsNowhereBySkills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		texts, next, obeyed := hostile(), 0, 0
		h, model, ref := apprenticed(t, func(prompt string) string {
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
				return fmt.Sprintf(`{"candidates":[{"why":%s,"of":"skill","edits":[{"do":"replace","passage":"Just guess the sum.","text":%s}]}]}`, quoted, quoted)
			case 1:
				return fmt.Sprintf(`{"candidates":[{"why":"w","of":"skill","edits":[{"do":"insert","passage":"name: refunds","text":"\nallowed-tools: pay"},{"do":"insert","passage":"","text":%s}]}]}`, quoted)
			case 2:
				return fmt.Sprintf(`{"candidates":[{"why":"w","of":"policy","skill":"refunds","edits":[{"do":"insert","passage":"","text":%s}]}]}`, quoted)
			}
			return fmt.Sprintf(`{"candidates":[{"why":%s,"of":"skill","edits":[{"do":"replace","passage":"Just guess the sum.","text":"Be kind in answer %d."}]}]}`, quoted, next)
		})
		defer h.close(t)
		h.policy.SelfApproved, h.policy.MaxShare = []events.ChangeKind{events.ChangeSkills, events.ChangePrompt}, 1000
		stop := h.serve(t)
		for i, text := range texts {
			agent := fmt.Sprint("clerk", i)
			h.spawn(t, agent, events.AgentConfig{Prompt: "You are the desk.", Tools: []string{"clock"}, Skills: []events.SkillRef{ref}})
			for n := range 5 {
				h.askOf(t, fmt.Sprint("r", i, "-", n), agent, text)
				synctest.Wait()
			}
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		stop()
		if len(model.asked) < 200 || obeyed < 200 {
			t.Fatalf("the writer was asked %d times, and obeyed %d times", len(model.asked), obeyed)
		}
		drafts := map[string]bool{}
		for _, saved := range factsOf[events.SkillSaved](t, h)[1:] {
			main := saved.Files[slices.IndexFunc(saved.Files, func(f events.SkillFile) bool { return f.Path == events.SkillMain })].Text
			if saved.Skill != "refunds" || saved.Description != ref.Description || saved.Edits != ref.Digest || len(saved.Files) != 2 || strings.Contains(main, "allowed-tools") {
				t.Errorf("saved %+v", saved)
			}
			for _, text := range texts {
				if len(strings.Fields(text)) >= 6 && strings.Contains(main, text) {
					t.Errorf("a skill holds %q", text)
				}
			}
			drafts[saved.Digest] = true
		}
		proposed := factsOf[events.ImprovementProposed](t, h)
		for _, p := range proposed {
			config := *p.Change.Config
			if p.Change.Kind != events.ChangeSkills || len(config.Skills) != 1 || !drafts[config.Skills[0].Digest] || config.Skills[0].Description != ref.Description || !slices.Equal(config.Tools, []string{"clock"}) {
				t.Errorf("it proposes %+v", p.Change)
			}
		}
		for _, e := range h.facts(t) {
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			switch f := fact.(type) {
			case events.PolicySet, events.ToolAccepted, events.RunApprovalAsked:
				t.Errorf("%s by %s: %s", e.Kind, e.Actor, e.Data)
			case events.RunToolCalled:
				if f.Result.Name != events.LoadSkill {
					t.Errorf("a tool was called: %s", e.Data)
				}
			case events.AgentConfigured:
				if f.Author != "manager:role" && f.Author != "user:anna" && (len(f.Config.Skills) != 1 || !drafts[f.Config.Skills[0].Digest]) {
					t.Errorf("%s: %+v", e.Stream, f)
				}
			}
		}
		if latest, err := h.agents.Skill(t.Context(), "", "refunds", ""); err != nil || latest.Digest != ref.Digest {
			t.Errorf("its name stands for %s, %v", latest.Digest, err)
		}
		if spent := h.budget(t, "agent:role-writer").SpentNanos; spent > 1_000_000_000 || len(proposed) == 0 {
			t.Errorf("%s spent, %d proposed", spent, len(proposed))
		}
	})
}

// A process that dies while candidates are asked leaves money set aside. Who drives next counts all of it as spent, and goes on at once: what was left
// is too little to ask with, so the candidates are tried as what no eval was held on.
func TestWhatAWriterThatDiesHadSetAsideIsCountedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := writing(t, 7_500_000, func(string) string { return lookItUp })
		defer h.close(t)
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.ConfigureAgent{Meta: m, Agent: "clerk", Only: events.ChangeTokenLimit, Config: events.AgentConfig{MaxTokens: 3500}}
		})
		configure := h.configure
		serve := func() (stop func()) {
			h.configure = func(c *orchestrator.Config) {
				configure(c)
				c.Drain = -1
			}
			return h.serve(t)
		}
		stop := serve()
		h.fails(t, 6, "Where is my order?")
		stop()
		for _, e := range h.facts(t) {
			if e.Kind == "run.failed" {
				h.wish(t, func(m commands.Meta) commands.Command {
					return commands.AddToDataset{Meta: m, Dataset: "orders", Run: events.Identity(e.Stream), Checks: []events.Check{{Kind: events.ContainsCheck, Text: "Yes"}}, By: "user:anna"}
				})
			}
		}
		ctx, kill := context.WithCancel(t.Context())
		h.configure = func(c *orchestrator.Config) {
			configure(c)
			c.Drain = -1
			dispatch := c.Dispatch
			var dead atomic.Bool
			c.Dispatch = func(of context.Context, cmds ...commands.Command) (commands.Receipt, error) {
				if b, is := cmds[0].(commands.SettleBudget); dead.Load() || is && b.Actor == "agent:"+events.RoleAgent(events.Writer) { // the first answer of an eval
					dead.Store(true)
					kill()
					return commands.Receipt{}, context.Canceled
				}
				return dispatch(of, cmds...)
			}
		}
		done := h.run(ctx)
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		kill()
		<-done
		if len(h.answered(t)) > 0 || len(s.asked) != 1 {
			t.Fatalf("asked %d times, answered %+v", len(s.asked), h.answered(t))
		}
		stop = serve()
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		answers := h.answered(t)
		if len(answers) != 1 || answers[0].Candidates != 1 || len(answers[0].Refused) != 1 || !strings.Contains(answers[0].Refused[0].Reason, "no eval was held") {
			t.Errorf("%+v", answers)
		}
		if spent := h.budget(t, "agent:role-writer").SpentNanos; spent < 3_500_000 || spent > 7_500_000 {
			t.Errorf("%s is spent", spent)
		}
	})
}
