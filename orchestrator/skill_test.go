package orchestrator_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// skilled loads the skill that it is told of, once it was let go, and answers with what it was given.
type skilled struct {
	asked chan agents.Request
	goOn  chan struct{}
}

func (m *skilled) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	last := r.Messages[len(r.Messages)-1]
	a := agents.Answer{Message: events.Message{Role: "assistant", Content: last.Content}, FinishReason: "stop", Priced: true}
	if last.Role == "user" {
		m.asked <- r
		<-m.goOn
		a.FinishReason, a.Message = "tool_calls", events.Message{Role: "assistant", ToolCalls: []events.ToolCall{{ID: "1", Name: events.LoadSkill, Arguments: `{"skill":"refunds"}`}}}
	}
	return a, nil
}

// A run keeps the text of a skill that its agent had when it began, whatever is saved and configured meanwhile, and tells which that was.
func TestARunLoadsTheSkillsOfItsVersion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, model := newHouse(t), &skilled{make(chan agents.Request, 1), make(chan struct{})}
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model = model }
		do := func(name string, c func(commands.Meta) commands.Command) {
			t.Helper()
			if _, err := h.dispatch(t.Context(), c(commands.Meta{ID: events.NameID(time.Now(), name), At: time.Now(), Actor: "user:anna"})); err != nil {
				t.Fatal(err)
			}
		}
		save := func(text string) events.SkillRef {
			files := []events.SkillFile{{Path: events.SkillMain, Text: "---\nname: refunds\n---\n" + text}}
			do(text, func(m commands.Meta) commands.Command {
				return commands.SaveSkill{Meta: m, Skill: "refunds", Description: "How orders are refunded.", Files: files, By: "user:anna"}
			})
			return events.SkillRef{Name: "refunds", Description: "How orders are refunded.", Digest: commands.SkillDigest(files)}
		}
		first := save("Ask for the number.")
		h.spawn(t, "clerk", events.AgentConfig{Prompt: "You are the desk.", Skills: []events.SkillRef{first}})
		stop := h.serve(t)
		h.askOf(t, "r1", "clerk", "a refund")
		asked := <-model.asked
		if system := asked.Messages[0].Content; !strings.Contains(system, "- refunds: How orders are refunded.") || strings.Contains(system, "Ask for the number.") {
			t.Errorf("the model is told %q", system)
		}
		if !slices.ContainsFunc(asked.Tools, func(s agents.ToolSpec) bool { return s.Name == events.LoadSkill }) {
			t.Errorf("the model is offered %+v", asked.Tools)
		}
		second := save("Look the order up.")
		do("configure", func(m commands.Meta) commands.Command {
			return commands.ConfigureAgent{Meta: m, Agent: "clerk", Only: events.ChangeSkills, Config: events.AgentConfig{Skills: []events.SkillRef{second}}}
		})
		model.goOn <- struct{}{}
		synctest.Wait()
		h.askOf(t, "r2", "clerk", "a refund")
		<-model.asked
		model.goOn <- struct{}{}
		synctest.Wait()
		for run, want := range map[string]struct {
			skill  events.SkillRef
			answer string
		}{"r1": {first, "Ask for the number."}, "r2": {second, "Look the order up."}} {
			row, _, err := h.models.Run(t.Context(), run)
			if err != nil || row.Answer != want.answer || !slices.Equal(row.Skills, []string{want.skill.String()}) {
				t.Errorf("%s: %s %q with %v, %v", run, row.Outcome, row.Answer, row.Skills, err)
			}
		}

		// What a person forbids is not loaded, and no fact says that it was.
		stop()
		h.policy.NeverTools = []string{events.LoadSkill}
		defer h.serve(t)()
		h.askOf(t, "r3", "clerk", "a refund")
		<-model.asked
		model.goOn <- struct{}{}
		synctest.Wait()
		if row, _, err := h.models.Run(t.Context(), "r3"); err != nil || len(row.Skills) > 0 || !strings.Contains(row.Answer, "the policy lets nobody call load_skill") {
			t.Errorf("r3: %s %q with %v, %v", row.Outcome, row.Answer, row.Skills, err)
		}
	})
}
