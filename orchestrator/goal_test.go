package orchestrator_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// saying is a model that answers what a function says, and remembers what it was asked.
type saying struct {
	says func(prompt string) (answer string, took time.Duration, err error)

	mu    sync.Mutex
	asked []string
}

func (s *saying) Chat(ctx context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	prompt := r.Messages[len(r.Messages)-1].Content
	s.mu.Lock()
	s.asked = append(s.asked, prompt)
	s.mu.Unlock()
	text, took, err := s.says(prompt)
	if err != nil {
		return agents.Answer{}, err
	}
	select {
	case <-time.After(took): // the fake clock's
	case <-ctx.Done():
		return agents.Answer{}, ctx.Err()
	}
	return agents.Answer{
		Message: events.Message{Role: "assistant", Content: text}, Model: "dear", Provider: "p", FinishReason: "stop",
		InputTokens: 1, OutputTokens: 1, UsageKnown: true, CostNanos: dearCost, Priced: true,
	}, nil
}

// settled waits until nothing moves any more.
func settled() {
	time.Sleep(10 * time.Minute) // the fake clock's
	synctest.Wait()
}

// wish carries a command out.
func (h *house) wish(t *testing.T, c func(commands.Meta) commands.Command) {
	t.Helper()
	meta := commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "user:anna"}
	if _, err := h.dispatch(t.Context(), c(meta)); err != nil {
		t.Fatal(err)
	}
}

// goal makes a goal and starts it.
func (h *house) goal(t *testing.T, create commands.CreateGoal) {
	t.Helper()
	h.wish(t, func(m commands.Meta) commands.Command {
		create.Meta, create.Goal, create.Level, create.Requester = m, "g", events.Operational, "user:anna"
		return create
	})
	h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: "g", By: "user:anna"} })
}

func (h *house) goalRow(t *testing.T) projections.GoalRow {
	t.Helper()
	rows, err := h.models.Goals(t.Context())
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d goals, %v", len(rows), err)
	}
	return rows[0]
}

func TestAGoalIsReachedWithoutAModel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		stop := h.serve(t)
		h.goal(t, commands.CreateGoal{Prompt: "calculate 6 * 7; name the primes below 10"})
		settled()
		stop()
		row := h.goalRow(t)
		if row.Status != projections.GoalSucceeded || row.PlanSource != events.PlannedByTemplate || len(row.Tasks) != 3 || row.Progress(time.Now()).Percent != 100 {
			t.Errorf("the goal is %+v", row)
		}
		run, _, err := h.models.Run(t.Context(), row.Tasks[2].Run)
		if err != nil || !strings.Contains(run.Prompt, "Put the results together") {
			t.Errorf("the last task was asked %q, %v", run.Prompt, err)
		}
		started, err := events.Decode(h.stream(t, "run-g.step-3.1")[0])
		if err != nil {
			t.Fatal(err)
		}
		if prompt := started.(events.RunStarted).Prompt; !strings.Contains(prompt, "calculate answered: 42") {
			t.Errorf("the result was not handed on: %s", prompt)
		}
	})
}

// aPlan is the JSON of a plan of which the first part needs others.
func aPlan(on string) string {
	return fmt.Sprintf("Here it is:\n```json\n"+`{"note": "two parts", "tasks": [
		{"task": "find", "title": "find", "instruction": "Find it.", "agent": "clerk", "depends_on": [%s], "seconds": 60},
		{"task": "write", "title": "write", "instruction": "Write it.", "agent": "", "depends_on": ["find"], "seconds": 30}]}`+"\n```", on)
}

func TestAModelPlansAndIsToldOnceWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plans  []string
		status projections.GoalStatus
		told   string
	}{
		"at once":          {[]string{aPlan("")}, projections.GoalSucceeded, ""},
		"at second go":     {[]string{aPlan(`"write"`), aPlan("")}, projections.GoalSucceeded, "find needs write needs find"},
		"no JSON at first": {[]string{"I'd rather not.", aPlan("")}, projections.GoalSucceeded, "no JSON object"},
		"never":            {[]string{aPlan(`"write"`), aPlan(`"x"`)}, projections.GoalCreated, "circle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t)
				defer h.close(t)
				asked := 0
				model := &saying{says: func(prompt string) (string, time.Duration, error) {
					if !strings.HasPrefix(prompt, "Break this goal") {
						return "Done.", time.Second, nil
					}
					asked++
					return c.plans[min(asked, len(c.plans))-1], time.Second, nil
				}}
				h.configure = func(o *orchestrator.Config) { o.Model, o.Runner.Model = "dear", model }
				h.spawn(t, "clerk", events.AgentConfig{})
				stop := h.serve(t)
				h.goal(t, commands.CreateGoal{Prompt: "Ship it."})
				settled()
				stop()
				row := h.goalRow(t)
				if row.Status != c.status || asked != len(c.plans) {
					t.Errorf("asked %d times, the goal is %+v", asked, row)
				}
				if want := events.Nanos(len(c.plans)) * dearCost; row.CostNanos < want {
					t.Errorf("the plan cost %s, want at least %s", row.CostNanos, want)
				}
				if c.status == projections.GoalCreated && !strings.Contains(row.Reason, `depends on "x"`) {
					t.Errorf("the reason is %q", row.Reason)
				}
				if len(c.plans) > 1 && !strings.Contains(model.asked[1], c.told) {
					t.Errorf("it was told %q", model.asked[1])
				}
				if c.status == projections.GoalSucceeded && (row.Tasks[0].Agent != "clerk" || row.Tasks[1].Agent != events.Assistant) {
					t.Errorf("the tasks are for %s and %s", row.Tasks[0].Agent, row.Tasks[1].Agent)
				}
			})
		})
	}
}

// TestAGoalGoesOnBehindEachFact has a process die behind each fact of a goal's life. The next one brings it to the same end,
// and adds nothing twice.
func TestAGoalGoesOnBehindEachFact(t *testing.T) {
	t.Parallel()
	goesOnBehindEachFact(t, newHouse, commands.CreateGoal{Prompt: "calculate 6 * 7; fail: it; clock", LimitNanos: 1000})
}

// goesOnBehindEachFact has a process die behind each fact of the life of a goal, in a house that is made the same each time.
func goesOnBehindEachFact(t *testing.T, house func(*testing.T) *house, create commands.CreateGoal) {
	t.Helper()
	whole, made := make([]events.Envelope, 0, 64), 0
	kinds := map[string][]string{}
	synctest.Test(t, func(t *testing.T) {
		h := house(t)
		defer h.close(t)
		made = len(h.facts(t))
		stop := h.serve(t)
		h.goal(t, create)
		settled()
		stop()
		whole = append(whole, h.facts(t)...)
		for _, e := range whole {
			kinds[e.Stream] = append(kinds[e.Stream], e.Kind)
		}
	})
	first := slices.IndexFunc(whole, func(e events.Envelope) bool { return e.Kind == "goal.started" }) + 1
	for cut := first; cut < len(whole); cut++ {
		// What one append holds is never there in part.
		if last, next := whole[cut-1], whole[cut]; last.Stream == next.Stream && last.Causation == next.Causation && next.Kind != "run.step_started" {
			continue
		}
		t.Run(fmt.Sprintf("%d %s", cut, whole[cut-1].Kind), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := house(t)
				defer h.close(t)
				for _, e := range whole[made:cut] {
					expected := eventstore.NoStream
					if e.Revision > 0 {
						expected = eventstore.Exactly(e.Revision - 1)
					}
					if _, err := h.store.Append(t.Context(), e.Stream, expected, []events.Envelope{e}); err != nil {
						t.Fatal(err)
					}
				}
				stop := h.serve(t)
				settled()
				stop()
				streams := map[string]bool{}
				for _, e := range h.facts(t) {
					streams[e.Stream] = true
				}
				if got, want := slices.Sorted(maps.Keys(streams)), slices.Sorted(maps.Keys(kinds)); !slices.Equal(got, want) {
					t.Fatalf("there are streams\n %v, want\n %v", got, want)
				}
				for stream := range streams {
					if strings.HasPrefix(stream, "budget-") {
						continue // what was set aside by a process that died is set aside again
					}
					if got, want := counted(h.kinds(t, stream)), counted(kinds[stream]); !maps.Equal(got, want) {
						t.Errorf("%s holds\n %v, want\n %v", stream, got, want)
					}
				}
			})
		})
	}
}

// facts are all that the log holds.
func (h *house) facts(t *testing.T) (all []events.Envelope) {
	t.Helper()
	for e, err := range h.store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func counted(kinds []string) map[string]int {
	n := map[string]int{}
	for _, k := range kinds {
		n[k]++
	}
	return n
}

// TestMoneyRunsOutInTheMiddle has a goal of ten tasks at 15 cents each with a limit of half a dollar: it is paused when the
// money is gone, and is finished when it was given more. No task is done twice.
func TestMoneyRunsOutInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prices, err := agents.ParsePrices(strings.NewReader(dearPrices))
		if err != nil {
			t.Fatal(err)
		}
		h := newHouse(t)
		defer h.close(t)
		model := &saying{says: func(string) (string, time.Duration, error) { return "Done.", time.Second, nil }}
		h.configure = func(c *orchestrator.Config) {
			c.Model, c.Turns, c.Runner = "dear", 8, agents.Runner{Model: model, Prices: prices}
		}
		h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100})
		stop := h.serve(t)
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.CreateGoal{Meta: m, Goal: "g", Prompt: "Ten.", Level: events.Operational, LimitNanos: 500_000_000}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			plan := commands.PlanGoal{Meta: m, Goal: "g", Source: events.PlannedByPerson, Agents: []string{"clerk"}}
			for i := range 10 {
				plan.Tasks = append(plan.Tasks, events.GoalTask{Task: fmt.Sprint("t", i), Instruction: fmt.Sprint("Do ", i), Agent: "clerk"})
			}
			return plan
		})
		h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: "g", By: "user:anna"} })
		settled()
		row := h.goalRow(t)
		if row.Status != projections.GoalPaused || row.CostNanos != 3*dearCost || row.Progress(time.Now()).Done != 3 || !strings.Contains(row.Reason, "budget") {
			t.Errorf("without money the goal is %+v", row)
		}
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.LimitGoal{Meta: m, Goal: "g", LimitNanos: 2_000_000_000}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.ResumeGoal{Meta: m, Goal: "g", By: "user:anna"}
		})
		settled()
		stop()
		if row = h.goalRow(t); row.Status != projections.GoalSucceeded || row.CostNanos != 10*dearCost || len(model.asked) != 10 {
			t.Errorf("with money, and %d calls, the goal is %+v", len(model.asked), row)
		}
	})
}

// TestTheLongestWayGoesFirst has one place for a chain of three and a task that nothing needs.
func TestTheLongestWayGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		stop := h.serve(t)
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.CreateGoal{Meta: m, Goal: "g", Prompt: "Four.", Level: events.Operational, Parallel: 1}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.PlanGoal{Meta: m, Goal: "g", Source: events.PlannedByPerson, Agents: []string{events.Assistant}, Tasks: []events.GoalTask{
				{Task: "alone", Instruction: "x", Agent: events.Assistant},
				{Task: "first", Instruction: "x", Agent: events.Assistant},
				{Task: "second", Instruction: "x", Agent: events.Assistant, DependsOn: []string{"first"}},
				{Task: "third", Instruction: "x", Agent: events.Assistant, DependsOn: []string{"second"}},
			}}
		})
		h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: "g", By: "user:anna"} })
		settled()
		stop()
		var order []string
		for _, e := range h.stream(t, "goal-g") {
			fact, err := events.Decode(e)
			if err != nil {
				t.Fatal(err)
			}
			if f, is := fact.(events.GoalTaskStarted); is {
				order = append(order, f.Task)
			}
		}
		if want := []string{"first", "second", "alone", "third"}; !slices.Equal(order, want) {
			t.Errorf("the tasks began in the order %v, want %v", order, want)
		}
	})
}

// TestACancelledGoalCancelsWhatIsUnderWay has a goal given up while its tasks are thought about.
func TestACancelledGoalCancelsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Runner.Model = hanging{} }
		stop := h.serve(t)
		h.goal(t, commands.CreateGoal{Prompt: "a; b"})
		settled()
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.CancelGoal{Meta: m, Goal: "g", By: "user:anna"}
		})
		settled()
		stop()
		for _, run := range []string{"run-g.step-1.1", "run-g.step-2.1"} {
			if kinds := h.kinds(t, run); kinds[len(kinds)-1] != "run.cancelled" {
				t.Errorf("%s holds %v", run, kinds)
			}
		}
	})
}

// TestAGoalIsSteered has a person answer a question, add a condition and change a task while it is thought about.
func TestAGoalIsSteered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		model := &saying{says: func(prompt string) (string, time.Duration, error) {
			if strings.HasPrefix(prompt, "Think.") {
				return "", 24 * time.Hour, nil
			}
			return "Done.", time.Second, nil
		}}
		h.configure = func(c *orchestrator.Config) { c.Runner.Model = model }
		stop := h.serve(t)
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.CreateGoal{Meta: m, Goal: "g", Prompt: "Paint it.", Level: events.Operational}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.PlanGoal{Meta: m, Goal: "g", Source: events.PlannedByPerson, Agents: []string{events.Assistant}, Tasks: []events.GoalTask{
				{Task: "ask", Question: "Which colour?"},
				{Task: "think", Instruction: "Think.", Agent: events.Assistant},
				{Task: "paint", Instruction: "Paint.", Agent: events.Assistant, DependsOn: []string{"ask", "think"}},
			}}
		})
		h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: "g", By: "user:anna"} })
		settled()
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.TellGoal{Meta: m, Goal: "g", By: "user:anna", Text: "No lead in it."}
		})
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.ChangeTask{Meta: m, Goal: "g", Task: "think", By: "user:anna", Instruction: "Look it up."}
		})
		settled()
		if row := h.goalRow(t); row.Status != projections.GoalRunning || row.Tasks[0].Status != projections.TaskWaiting || row.Tasks[1].Status != projections.TaskDone || row.Tasks[2].Status != projections.TaskWaiting {
			t.Errorf("before the answer the goal is %+v", row)
		}
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.AnswerTask{Meta: m, Goal: "g", Task: "ask", By: "user:anna", Answer: "Blue."}
		})
		settled()
		stop()
		if row := h.goalRow(t); row.Status != projections.GoalSucceeded {
			t.Errorf("the goal is %+v", row)
		}
		given, _, err := h.models.Run(t.Context(), "g.think.1")
		if err != nil || given.Outcome != events.Cancelled {
			t.Errorf("the attempt that was given up is %s, %v", given.Outcome, err)
		}
		last := model.asked[len(model.asked)-1]
		for _, part := range []string{"Paint.", "Blue.", "To be heeded: No lead in it."} {
			if !strings.Contains(last, part) {
				t.Errorf("the last task was asked %q, without %q", last, part)
			}
		}
	})
}
