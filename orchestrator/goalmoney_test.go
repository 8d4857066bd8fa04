package orchestrator_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// looking is a model that looks at the clock before it answers.
type looking struct{ *saying }

func (l looking) Chat(ctx context.Context, r agents.Request, on func(string)) (agents.Answer, error) {
	a, err := l.saying.Chat(ctx, r, on)
	if last := r.Messages[len(r.Messages)-1]; err == nil && last.Role != "tool" {
		a.Message = events.Message{Role: "assistant", ToolCalls: []events.ToolCall{{ID: "c", Name: "clock", Arguments: "{}"}}}
		a.FinishReason = "tool_calls"
	}
	return a, err
}

// TestAnAttemptGoesOnWhereItStood has two tasks of two calls each, 15 cents a call, and money for three: the attempt that gets no more
// waits for it, and makes its second call alone once there is more.
func TestAnAttemptGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prices, err := agents.ParsePrices(strings.NewReader(dearPrices))
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t)
		defer h.close(t)
		model := looking{&saying{says: func(string) (string, time.Duration, error) { return "Done.", time.Second, nil }}}
		h.configure = func(c *orchestrator.Config) {
			c.Model, c.Turns, c.Runner = "dear", 8, agents.Runner{Model: model, Prices: prices, Tools: agents.BuiltIn(time.Now)}
		}
		h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100, Tools: []string{"clock"}})
		stop := h.serve(t)
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.CreateGoal{Meta: m, Goal: "g", Prompt: "Two.", Level: events.Operational, LimitNanos: 460_000_000}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.PlanGoal{Meta: m, Goal: "g", Source: events.PlannedByPerson, Agents: []string{"clerk"}, Tasks: []events.GoalTask{
				{Task: "a", Instruction: "Do a.", Agent: "clerk"}, {Task: "b", Instruction: "Do b.", Agent: "clerk"},
			}}
		})
		h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: "g", By: "user:anna"} })
		settled()
		row := h.goalRow(t)
		if done := row.Progress(time.Now()).Done; row.Status != projections.GoalPaused || done != 1 || len(model.asked) != 3 || !strings.Contains(row.Reason, "budget") {
			t.Errorf("without money, after %d calls, the goal is %+v", len(model.asked), row)
		}
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.LimitGoal{Meta: m, Goal: "g", LimitNanos: 700_000_000}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.ResumeGoal{Meta: m, Goal: "g", By: "user:anna"}
		})
		settled()
		stop()
		row = h.goalRow(t)
		if row.Status != projections.GoalSucceeded || row.CostNanos != 4*dearCost || len(model.asked) != 4 || row.Tasks[0].Attempts != 1 || row.Tasks[1].Attempts != 1 {
			t.Errorf("with money, after %d calls, the goal is %+v", len(model.asked), row)
		}
	})
}

// TestAPlanKeepsItsEstimate has a template plan what was done before: the plan tells what such tasks took, and waits for a person where that
// is more than the policy lets through.
func TestAPlanKeepsItsEstimate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prices, err := agents.ParsePrices(strings.NewReader(dearPrices))
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t)
		defer h.close(t)
		model := &saying{says: func(prompt string) (string, time.Duration, error) {
			if strings.HasPrefix(prompt, "Break this goal") {
				return aPlan(""), time.Second, nil
			}
			return "Done.", 2 * time.Second, nil
		}}
		h.configure = func(c *orchestrator.Config) {
			c.Model, c.Runner = "dear", agents.Runner{Model: model, Prices: prices, Tools: agents.BuiltIn(time.Now)}
		}
		h.policy.GoalNanos = new(events.Nanos(100_000_000))
		h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100})
		stop := h.serve(t)
		for _, task := range []string{"find", "find", "find", "write", "write", "write"} {
			h.wish(t, func(m commands.Meta) commands.Command {
				m.Correlation = m.ID.String()
				return commands.StartRun{Meta: m, Run: m.Correlation, Workflow: "w", Task: task, Agent: "clerk", Prompt: "Do it."}
			})
		}
		settled()
		h.goal(t, commands.CreateGoal{Prompt: "Ship it."})
		settled()
		row := h.goalRow(t)
		e := row.Estimate
		if row.Status != projections.GoalAwaits || e == nil || e.Known != 2 || e.Runs != 6 || e.CostNanos != 2*dearCost || e.HighNanos != 2*dearCost || e.Seconds < 4 {
			t.Errorf("the goal is %+v with the estimate %+v", row, e)
		}
		asked := len(model.asked)
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.ApproveGoal{Meta: m, Goal: "g", By: "user:anna"}
		})
		settled()
		stop()
		if row = h.goalRow(t); row.Status != projections.GoalSucceeded || len(model.asked) != asked+2 {
			t.Errorf("approved, after %d more calls, the goal is %+v", len(model.asked)-asked, row)
		}
	})
}
