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

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// office is a model whose agents speak to one another: it goes by the first words of what was said last.
type office struct {
	mu    sync.Mutex
	asked map[string]int
}

// saysTo is a call by which an agent speaks to another one.
func saysTo(tool, agent, text string) events.ToolCall {
	member := map[string]string{agents.AskAgent: "question", agents.HandOver: "context"}[tool]
	args, _ := json.Marshal(map[string]string{"agent": agent, member: text})
	return events.ToolCall{ID: tool + agent + text, Name: tool, Arguments: string(args)}
}

func (o *office) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	last := r.Messages[len(r.Messages)-1]
	first, _, _ := strings.Cut(last.Content, "\n")
	o.mu.Lock()
	o.asked[first]++
	o.mu.Unlock()
	said := events.Message{Role: "assistant"}
	answers := slices.ContainsFunc(r.Messages, func(m events.Message) bool { return m.Role == "tool" })
	switch {
	case first == "Write it." && !answers && !strings.Contains(last.Content, "hands it over"):
		said.ToolCalls = []events.ToolCall{saysTo(agents.AskAgent, "critic", "Which month?"), saysTo(agents.AskAgent, "nobody", "And you?"), saysTo(agents.AskAgent, "writer", "And I?")}
	case first == "Which month?" && !answers:
		said.ToolCalls = []events.ToolCall{saysTo(agents.AskAgent, "clerk", "What is today?"), saysTo(agents.HandOver, "clerk", "Do it.")}
	case first == "What is today?":
		said.Content = "A day in November."
	case first == "Which month?":
		said.Content = "As far as I know: November."
	case strings.HasPrefix(first, "A day in November") || strings.HasPrefix(first, "error: not possible now: you were asked"):
		said.Content = "November."
	case first == "Write it.":
		said.Content = "It is written: " + fmt.Sprint(strings.Contains(last.Content, "It is about November."))
	case first == "November." || strings.HasPrefix(first, "error: "):
		if n := len(r.Messages); slices.ContainsFunc(r.Messages[n-3:], func(m events.Message) bool { return m.Content == "November." }) {
			said.ToolCalls = []events.ToolCall{saysTo(agents.AskAgent, "critic", "Are you sure?")}
			break
		}
		said.ToolCalls = []events.ToolCall{saysTo(agents.HandOver, "clerk", "It is about November.")}
	case first == "Are you sure?":
		said.Content = "Sure, you asked: " + r.Messages[len(r.Messages)-3].Content
	default:
		said.ToolCalls = []events.ToolCall{saysTo(agents.HandOver, "clerk", "It is about November.")}
	}
	finish := "stop"
	if len(said.ToolCalls) > 0 {
		finish = "tool_calls"
	}
	return agents.Answer{
		Message: said, Model: "dear", Provider: "p", FinishReason: finish, InputTokens: 1, OutputTokens: 1, UsageKnown: true, CostNanos: dearCost, Priced: true,
	}, nil
}

// officeOf is a house with three agents that may speak to one another, and a goal of one task.
func officeOf(t *testing.T, model agents.Model) *house {
	t.Helper()
	h := newHouse(t)
	h.policy.Tools = append(slices.Clone(h.policy.Tools), agents.AskAgent, agents.HandOver)
	h.configure = func(c *orchestrator.Config) { c.Runner.Model, c.Turns = model, 1 } // who waits for another one keeps nobody from answering
	for _, agent := range []string{"writer", "critic", "clerk"} {
		h.spawn(t, agent, events.AgentConfig{Tools: []string{agents.AskAgent, agents.HandOver}})
	}
	h.wish(t, func(m commands.Meta) commands.Command {
		m.ID = events.NameID(m.At, "book")
		return commands.SaveRunbook{Meta: m, Runbook: "writing", Steps: []events.RunbookStep{{Name: "text", Agent: "writer", Instruction: "Write it."}}}
	})
	return h
}

func TestAgentsSpeakToOneAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		model := &office{asked: map[string]int{}}
		h := officeOf(t, model)
		defer h.close(t)
		stop := h.serve(t)
		h.goal(t, commands.CreateGoal{Prompt: "writing", LimitNanos: 100 * dearCost})
		settled()
		stop()
		var said []string
		for _, e := range h.stream(t, "goal-g") {
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			switch f := fact.(type) {
			case events.GoalAgentAsked:
				said = append(said, fmt.Sprintf("%d %s asks %s: %s", f.Talk, f.From, f.To, f.Text))
			case events.GoalAgentAnswered:
				said = append(said, fmt.Sprintf("%d is answered: %s%s", f.Talk, f.Answer, f.Error))
			case events.GoalTaskHandedOver:
				said = append(said, fmt.Sprintf("%d %s hands %s over to %s: %s", f.Talk, f.From, f.Task, f.To, f.Text))
			}
		}
		want := []string{
			"1 writer asks critic: Which month?", "2 critic asks clerk: What is today?", "2 is answered: A day in November.", "1 is answered: November.",
			"3 writer asks critic: Are you sure?", "3 is answered: Sure, you asked: Which month?", "4 writer hands step-1 over to clerk: It is about November.",
		}
		for i, s := range said { // what is asked comes with what it is about
			said[i], _, _ = strings.Cut(s, "\n")
		}
		if !slices.Equal(said, want) {
			t.Errorf("they said\n %s\nwant\n %s", strings.Join(said, "\n "), strings.Join(want, "\n "))
		}
		row := h.goalRow(t)
		if row.Status != projections.GoalSucceeded || row.Tasks[0].Agent != "clerk" || row.Tasks[0].Attempts != 2 {
			t.Errorf("the goal is %+v", row)
		}
		h.ends(t, "g.step-1.1", events.Succeeded, "handed over to clerk")
		h.ends(t, "g.step-1.2", events.Succeeded, "It is written: true")
		calls := 0
		for _, n := range model.asked {
			calls += n
		}
		if row.CostNanos != events.Nanos(calls)*dearCost {
			t.Errorf("%d calls cost %s, and the goal counts %s", calls, events.Nanos(calls)*dearCost, row.CostNanos)
		}
	})
}

// Whoever dies behind whatever fact of it, each question is asked and answered once.
func TestWhatAgentsSayOutlivesAnyCrash(t *testing.T) {
	t.Parallel()
	goesOnBehindEachFact(t, func(t *testing.T) *house { return officeOf(t, &office{asked: map[string]int{}}) }, commands.CreateGoal{Prompt: "writing", LimitNanos: 100 * dearCost})
}

// Agents that would ask one another for ever are told when it is enough.
func TestAConversationOfAgentsEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		model := &chatty{}
		h := officeOf(t, model)
		defer h.close(t)
		stop := h.serve(t)
		h.goal(t, commands.CreateGoal{Prompt: "writing", Talks: 5})
		settled()
		stop()
		if row := h.goalRow(t); row.Status != projections.GoalSucceeded {
			t.Errorf("the goal is %+v", row)
		}
		n := counted(h.kinds(t, "goal-g"))
		if n["goal.agent_asked"] != 5 || n["goal.agent_answered"] != 5 || !strings.Contains(model.told, "have spoken to one another 5 times") {
			t.Errorf("they said %v, and were told %q", n, model.told)
		}
	})
}

// chatty is a model that asks before it answers, whatever it is asked.
type chatty struct {
	told string
}

func (c *chatty) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	answer := agents.Answer{Message: events.Message{Role: "assistant", Content: "So be it."}, Model: "m", FinishReason: "stop", UsageKnown: true, Priced: true}
	if last := r.Messages[len(r.Messages)-1]; last.Role != "tool" {
		other := "critic"
		if strings.Contains(last.Content, "The agent writer asks") {
			other = "writer"
		}
		answer.Message, answer.FinishReason = events.Message{Role: "assistant", ToolCalls: []events.ToolCall{saysTo(agents.AskAgent, other, "What do you think?")}}, "tool_calls"
	} else if strings.HasPrefix(last.Content, "error: ") {
		c.told = last.Content
	}
	return answer, nil
}
