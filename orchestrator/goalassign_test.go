package orchestrator_test

import (
	"fmt"
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

// assignment is an answer of the assigner about one task.
func assignment(task, agent string) string {
	return fmt.Sprintf(`{%q: {"agent": %q, "reason": "It is what %s is for."}}`, task, agent, agent)
}

// assigning has a goal of one task that is nobody's done by a model that answers who does it.
func assigning(t *testing.T, answers []string, before func(*testing.T, *house), after func(t *testing.T, h *house, row projections.GoalRow, asked []string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		prices, err := agents.ParsePrices(strings.NewReader(strings.Replace(dearPrices, "}}", `}, "dear-small": {"input_cost_per_token": 1e-9, "output_cost_per_token": 1e-5}}`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t)
		defer h.close(t)
		var asked []string
		last := ""
		model := &saying{says: func(prompt string) (string, time.Duration, error) {
			if strings.HasPrefix(prompt, "Say which agent") || strings.HasPrefix(prompt, "That answer does not satisfy") {
				asked = append(asked, prompt)
				return answers[min(len(asked), len(answers))-1], time.Second, nil
			}
			last = prompt
			return "Done.", time.Second, nil
		}}
		h.configure = func(c *orchestrator.Config) {
			c.Model, c.ModelOf, c.Runner = "dear", map[string]string{orchestrator.Assigner: "dear-small"}, agents.Runner{Model: model, Prices: prices, Tools: agents.BuiltIn(time.Now)}
		}
		h.policy.Specialists = 0
		h.spawn(t, "gardener", events.AgentConfig{MaxTokens: 100, Prompt: "You prune roses."})
		h.spawn(t, "painter", events.AgentConfig{MaxTokens: 100, Prompt: "You paint fences."})
		stop := h.serve(t)
		if before != nil {
			before(t, h)
		}
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.CreateGoal{Meta: m, Goal: "g", Prompt: "A tidy garden.", Level: events.Operational, LimitNanos: 100 * dearCost, Requester: "user:anna"}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.PlanGoal{Meta: m, Goal: "g", Source: events.PlannedByPerson, Tasks: []events.GoalTask{{Task: "roses", Instruction: "Prune all roses."}}}
		})
		h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: "g", By: "user:anna"} })
		settled()
		stop()
		row := h.goalRow(t)
		if row.Status != projections.GoalSucceeded || !strings.Contains(last, "Prune all roses.") {
			t.Errorf("the goal is %+v", row)
		}
		if want := events.Nanos(len(asked)+1) * dearCost; row.CostNanos != want {
			t.Errorf("asked %d times it cost %s, want %s", len(asked), row.CostNanos, want)
		}
		after(t, h, row, asked)
	})
}

// TestAModelSaysWhoDoesATask: its answer is held to the tasks and the agents that there are, repaired once, and words decide where it gives
// none that holds.
func TestAModelSaysWhoDoesATask(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []string
		agent   string
		by      events.AssignedBy
		why     string
		calls   int
	}{
		"at once":                  {[]string{assignment("roses", "painter")}, "painter", events.AssignedByModel, "It is what painter is for.", 1},
		"an agent that is not":     {[]string{assignment("roses", "pruner"), assignment("roses", "painter")}, "painter", events.AssignedByModel, "painter", 2},
		"a task that is not":       {[]string{assignment("lilies", "painter"), assignment("roses", "painter")}, "painter", events.AssignedByModel, "painter", 2},
		"never":                    {[]string{"painter, I'd say"}, "gardener", events.AssignedByWords, "gave nothing that holds: the answer does not satisfy", 2},
		"nobody":                   {[]string{assignment("roses", "(nobody)")}, "gardener", events.AssignedByWords, "says that nobody fits", 1},
		"with an order in its why": {[]string{`{"roses": {"agent": "painter", "reason": "` + strings.Repeat("long ", 100) + `"}}`}, "painter", events.AssignedByModel, "long", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assigning(t, c.answers, nil, func(t *testing.T, h *house, row projections.GoalRow, asked []string) {
				task := row.Tasks[0]
				if task.Agent != c.agent || task.AssignedBy != c.by || !strings.Contains(task.Assigned, c.why) || len(task.Assigned) > 500 || len(asked) != c.calls {
					t.Errorf("asked %d times, the task is %+v", len(asked), task)
				}
				run, _, err := h.models.Run(t.Context(), "g.assign")
				if err != nil || run.Agent != orchestrator.Assigner || run.Requester != "user:anna" {
					t.Errorf("it was asked in %+v, %v", run, err)
				}
				fact := h.whoDoes(t)
				if fact.Run != "g.assign" || fact.Model != "dear-small" || fact.CostNanos != events.Nanos(c.calls)*dearCost {
					t.Errorf("the fact is %+v", fact)
				}
				if !strings.Contains(asked[0], "gardener") || !strings.Contains(asked[0], "Prune all roses.") || strings.Contains(asked[0], "- assigner") {
					t.Errorf("it was asked %q", asked[0])
				}
			})
		})
	}
}

// whoDoes is the fact that says who does the tasks of the goal.
func (h *house) whoDoes(t *testing.T) (found events.GoalTasksAssigned) {
	t.Helper()
	n := 0
	for _, e := range h.stream(t, "goal-g") {
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		if f, is := fact.(events.GoalTasksAssigned); is {
			found, n = f, n+1
		}
	}
	if n != 1 {
		t.Fatalf("%d facts say who does the tasks", n)
	}
	return found
}

// pruned has runs of a task like the goal's end so and so often well and badly.
func pruned(t *testing.T, h *house, agent string, well, badly int) {
	t.Helper()
	for i := range well + badly {
		run := fmt.Sprintf("%s-%d", agent, i)
		h.wish(t, func(m commands.Meta) commands.Command {
			m.Correlation = run
			return commands.StartRun{Meta: m, Run: run, Workflow: "w", Task: "prune", Agent: agent, Prompt: "Prune the roses."}
		})
		settled()
		if i >= well {
			h.wish(t, func(m commands.Meta) commands.Command {
				return commands.GiveVerdict{Meta: m, Run: run, Verdict: events.Failed, From: events.ByPerson, By: "user:anna"}
			})
		}
	}
}

// TestHistorySaysWhoDoesATask: where enough like tasks are known no model is asked, and what it says against them is not taken.
func TestHistorySaysWhoDoesATask(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		well, badly int
		answer      string
		agent       string
		by          events.AssignedBy
		why         string
		calls       int
	}{
		"enough is known":     {6, 0, assignment("roses", "painter"), "gardener", events.AssignedByHistory, "gardener succeeded in 6 of 6 like tasks", 0},
		"too little is known": {3, 0, assignment("roses", "painter"), "painter", events.AssignedByModel, "painter", 1},
		"it speaks against":   {1, 5, assignment("roses", "gardener"), events.Assistant, events.AssignedByWords, "gave it to gardener, which succeeded in 1 of 6 like tasks only", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assigning(t, []string{c.answer}, func(t *testing.T, h *house) { pruned(t, h, "gardener", c.well, c.badly) }, func(t *testing.T, h *house, row projections.GoalRow, asked []string) {
				task := row.Tasks[0]
				if task.Agent != c.agent || task.AssignedBy != c.by || !strings.Contains(task.Assigned, c.why) || len(asked) != c.calls {
					t.Errorf("asked %d times, the task is %+v", len(asked), task)
				}
				if fact := h.whoDoes(t); (fact.Run != "") != (c.calls > 0) {
					t.Errorf("the fact is %+v", fact)
				}
			})
		})
	}
}

// TestAssigningIsPaidByTheGoal has too little money for the question who does it: words decide, and nothing is asked.
func TestAssigningIsPaidByTheGoal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prices, err := agents.ParsePrices(strings.NewReader(dearPrices))
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t)
		defer h.close(t)
		model := &saying{says: func(string) (string, time.Duration, error) { return "Done.", time.Second, nil }}
		h.configure = func(c *orchestrator.Config) { c.Model, c.Runner = "dear", agents.Runner{Model: model, Prices: prices} }
		h.spawn(t, "gardener", events.AgentConfig{MaxTokens: 1, Prompt: "You prune roses."})
		h.spawn(t, orchestrator.Assigner, events.AgentConfig{MaxTokens: 1_000_000})
		stop := h.serve(t)
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.CreateGoal{Meta: m, Goal: "g", Prompt: "A tidy garden.", Level: events.Operational, LimitNanos: 2 * dearCost}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.PlanGoal{Meta: m, Goal: "g", Source: events.PlannedByPerson, Tasks: []events.GoalTask{{Task: "roses", Instruction: "Prune all roses."}}}
		})
		h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: "g", By: "user:anna"} })
		settled()
		stop()
		row := h.goalRow(t)
		if row.Status != projections.GoalSucceeded || len(model.asked) != 1 || row.Tasks[0].Agent != "gardener" || row.Tasks[0].AssignedBy != events.AssignedByWords || !strings.Contains(row.Tasks[0].Assigned, "budget") {
			t.Errorf("after %d calls the goal is %+v", len(model.asked), row)
		}
	})
}

// TestAGoalGoesOnBehindEachFactOfItsAssignment has a process die behind each fact while it is asked who does the tasks.
func TestAGoalGoesOnBehindEachFactOfItsAssignment(t *testing.T) {
	t.Parallel()
	goesOnBehindEachFact(t, func(t *testing.T) *house {
		h := newHouse(t)
		model := &saying{says: func(prompt string) (string, time.Duration, error) {
			switch {
			case strings.HasPrefix(prompt, "Break this goal"):
				return aPlan(""), time.Second, nil
			case strings.HasPrefix(prompt, "Say which agent"):
				return assignment("write", "clerk"), time.Second, nil
			}
			return "Done.", time.Second, nil
		}}
		h.configure = func(o *orchestrator.Config) { o.Model, o.Runner.Model = "dear", model }
		h.spawn(t, "clerk", events.AgentConfig{})
		return h
	}, commands.CreateGoal{Prompt: "Ship it.", LimitNanos: 20 * dearCost})
}
