package orchestrator_test

import (
	"context"
	"fmt"
	"slices"
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

// hasty pays without having looked: then four of five payments are refused, of others one in ten. Which ones is settled by what the goal is called.
type hasty struct{}

func (hasty) Chat(_ context.Context, r agents.Request, _ func(string)) (agents.Answer, error) {
	asked := r.Messages[len(r.Messages)-1].Content
	answer := agents.Answer{Message: events.Message{Role: "assistant", Content: "done"}, FinishReason: "stop", Priced: true, CostNanos: 1000}
	if !strings.HasPrefix(asked, "Pay") {
		return answer, nil
	}
	least := uint32(80)
	if strings.Contains(asked, `The result of "look up"`) {
		least = 10
	}
	_, goal, _ := strings.Cut(asked, "a larger goal: ")
	goal, _, _ = strings.Cut(goal, "\n")
	if hashed(goal) < least {
		answer.Message.Content, answer.FinishReason = "", "content_filter"
	}
	return answer, nil
}

func hashed(text string) uint32 {
	n := uint32(2166136261)
	for _, b := range []byte(text) {
		n = (n ^ uint32(b)) * 16777619
	}
	return (n ^ n>>15) % 100
}

// orderOf is the runbook in an order of its steps.
func orderOf(steps ...string) []events.RunbookStep {
	var all []events.RunbookStep
	for i, name := range steps {
		step := events.RunbookStep{Name: name, Agent: "clerk", Instruction: map[string]string{"pay": "Pay it.", "look up": "Look the order up."}[name]}
		if i > 0 {
			step.DependsOn = []int{i - 1}
		}
		all = append(all, step)
	}
	return all
}

// ordering is a house with a runbook in an order, on which another one is tried.
func ordering(t *testing.T, is, tried []string, change ...func(*commands.PlanExperiment)) (h *house, goalsUntil func(done func() bool) int) {
	t.Helper()
	h = newHouse(t)
	h.model.Model = hasty{}
	h.spawn(t, "clerk", events.AgentConfig{})
	h.wish(t, func(m commands.Meta) commands.Command {
		return commands.SaveRunbook{Meta: m, Runbook: "refund", Steps: orderOf(is...)}
	})
	h.wish(t, func(m commands.Meta) commands.Command {
		plan := commands.PlanExperiment{
			Meta: m, Experiment: "x", Change: events.ChangeRunbook, By: "user:anna", Book: &events.RunbookSaved{Runbook: "refund", From: 1, Steps: orderOf(tried...)},
			Plan: events.ExperimentPlan{Steps: []int{300, 500}, CanaryRuns: 5, TimeMore: 2000, CostMore: 2000},
		}
		for _, f := range change {
			f(&plan)
		}
		return plan
	})
	n := 0
	return h, func(done func() bool) int {
		synctest.Wait()
		for range 600 {
			if done() {
				return n
			}
			h.planGoal(t, n)
			n++
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		t.Fatalf("it never ends: %v", h.kinds(t, "experiment-x"))
		return n
	}
}

// planGoal makes a goal of the runbook.
func (h *house) planGoal(t *testing.T, n int) {
	t.Helper()
	id := fmt.Sprint("g", n)
	h.wish(t, func(m commands.Meta) commands.Command {
		return commands.CreateGoal{Meta: m, Goal: id, Prompt: fmt.Sprintf("The order %d is to be paid back.", n), Level: events.Operational, Requester: fmt.Sprint("user", n%7)}
	})
	h.wish(t, func(m commands.Meta) commands.Command {
		return commands.AskPlan{Meta: m, Goal: id, By: "user:anna", Runbook: "refund"}
	})
	h.wish(t, func(m commands.Meta) commands.Command { return commands.StartGoal{Meta: m, Goal: id, By: "user:anna"} })
}

// planned is the fact that plans a goal.
func (h *house) planned(t *testing.T, n int) (f events.GoalPlanned, at uint64) {
	t.Helper()
	for _, e := range h.stream(t, fmt.Sprint("goal-g", n)) {
		if fact, err := events.Decode(e); err == nil {
			if f, is := fact.(events.GoalPlanned); is {
				return f, e.Position
			}
		}
	}
	return f, 0
}

func first(f events.GoalPlanned) string {
	i := slices.IndexFunc(f.Tasks, func(t events.GoalTask) bool { return len(t.DependsOn) == 0 })
	return f.Tasks[i].Title
}

// A runbook with its steps in a bad order gets a better one without anybody's doing: each goal goes by the version that it was drawn for, and what is kept
// is the runbook's next version, with its proof. A few goals stay on the one that a person saved.
func TestABetterOrderIsKeptWhilePeopleWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, goalsUntil := ordering(t, []string{"pay", "look up"}, []string{"look up", "pay"})
		h.configure = func(c *orchestrator.Config) { c.Holdback = 200 }
		defer h.close(t)
		stop := h.serve(t)
		goals := goalsUntil(func() bool { return h.experiment(t, "x").Status == projections.ExperimentPromoted })
		row := h.experiment(t, "x")
		if row.Arms[0].Runs+row.Arms[1].Runs != int64(goals) || row.Proof == nil || row.Proof.Low <= 0 || row.Runbook != "refund" || row.Arms[1].CostNanos == 0 {
			t.Errorf("%d goals, and the experiment counts %+v, by %+v", goals, row.Arms, row.Proof)
		}
		book, err := h.agents.Runbook(t.Context(), "", "refund")
		if err != nil || book.Version != 2 || !book.Improved || book.Saved.Steps[0].Name != "look up" || book.Saved.Improvement != "x" || book.Saved.Proof == nil || book.Made.Steps[0].Name != "pay" {
			t.Errorf("the runbook is %+v (%v)", book, err)
		}
		all := goalsUntil(func() bool {
			held := h.experiment(t, events.RunbookHoldback("refund"))
			return len(held.Arms) == 2 && held.Arms[1].Runs >= 3
		})
		stop()
		if held := h.experiment(t, events.RunbookHoldback("refund")); held.Arms[0].Runs+held.Arms[1].Runs != int64(all-goals) || held.Runbook != "refund" || held.Status != projections.ExperimentHeldBack {
			t.Errorf("of %d goals %+v were held back", all-goals, held)
		}
		for n := range all {
			f, _ := h.planned(t, n)
			if len(f.Arms) != 1 || f.Arms[0].Permille < 1 || f.Arms[0].Permille > 999 || f.Arms[0].Unit != fmt.Sprint("g", n) {
				t.Fatalf("goal %d takes part in %+v", n, f.Arms)
			}
			want := "pay"
			if arm := f.Arms[0].Arm; arm == events.CandidateArm || arm == events.CurrentArm {
				want = "look up"
			}
			if first(f) != want {
				t.Fatalf("goal %d was drawn as %s, and begins with %s", n, f.Arms[0].Arm, first(f))
			}
		}
		t.Logf("kept after %d goals", goals)
	})
}

// What harms is taken back, with its proof: no goal is planned by it from then on.
func TestAWorseOrderIsTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, goalsUntil := ordering(t, []string{"look up", "pay"}, []string{"pay", "look up"})
		defer h.close(t)
		stop := h.serve(t)
		goals := goalsUntil(func() bool { return h.experiment(t, "x").Status == projections.ExperimentRolledBack })
		for n := range 20 {
			h.planGoal(t, goals+n)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		stop()
		end := h.stream(t, "experiment-x")
		fact, err := events.Decode(end[len(end)-1])
		back, is := fact.(events.ExperimentRolledBack)
		if err != nil || !is || back.Guardrail != "success" || back.Proof.LogE < back.Proof.Needed || back.Proof.Difference >= 0 {
			t.Errorf("it ended with %+v (%v)", fact, err)
		}
		for n := range goals + 20 {
			f, at := h.planned(t, n)
			if at > end[len(end)-1].Position && (len(f.Arms) > 0 || first(f) != "look up") {
				t.Fatalf("goal %d was planned by it after it was taken back: %+v", n, f)
			}
		}
		if book, _ := h.agents.Runbook(t.Context(), "", "refund"); book.Version != 1 {
			t.Errorf("the runbook is %+v", book)
		}
		t.Logf("taken back after %d goals", goals)
	})
}

// The draw stays with whoever asked where the experiment says so, and nobody is drawn while the loop is paused.
func TestGoalsOfOneRequesterStayInOneArm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, goalsUntil := ordering(t, []string{"pay", "look up"}, []string{"look up", "pay"}, func(p *commands.PlanExperiment) { p.Plan.Unit = events.ByRequester })
		defer h.close(t)
		stop := h.serve(t)
		made := 0
		goalsUntil(func() bool { made++; return made > 30 })
		h.wish(t, func(m commands.Meta) commands.Command {
			return commands.PauseLoop{Meta: m, By: "user:anna", Reason: "a look"}
		})
		h.planGoal(t, 30)
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		arms := map[string]string{}
		for n := range 30 {
			f, _ := h.planned(t, n)
			unit := fmt.Sprint("user", n%7)
			if had := arms[unit]; len(f.Arms) != 1 || f.Arms[0].Unit != unit || had != "" && had != f.Arms[0].Arm {
				t.Fatalf("goal %d of %s was drawn for %+v, and %s before", n, unit, f.Arms, had)
			}
			arms[unit] = f.Arms[0].Arm
		}
		if f, at := h.planned(t, 30); len(f.Arms) > 0 || at == 0 {
			t.Errorf("while it was paused a goal was drawn for %+v", f.Arms)
		}
	})
}

// What can't be planned by, and what was made from another version, ends: the goal goes by what there is.
func TestAVersionThatCantBeDoneEndsItsExperiment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*commands.PlanExperiment)
		says   string
	}{
		"a tool that nobody has": {func(p *commands.PlanExperiment) {
			p.Book.Steps[0] = events.RunbookStep{Name: "fly", Tool: "fly", Params: "{}"}
		}, "no agent is granted the tool"},
		"a place that is left open": {func(p *commands.PlanExperiment) { p.Book.Steps[0].Instruction = "Look {{order}} up." }, "it leaves {{order}} open"},
		"another version":           {func(p *commands.PlanExperiment) { p.Book.From = 7 }, "it was made from version 7 of the runbook, which is at version 1"},
		"words that are gone":       {func(p *commands.PlanExperiment) { p.Book.Steps[0].Instruction = events.Erased }, "somebody who is forgotten"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, goalsUntil := ordering(t, []string{"pay", "look up"}, []string{"look up", "pay"}, c.change)
				defer h.close(t)
				stop := h.serve(t)
				goals := goalsUntil(func() bool { return h.experiment(t, "x").Status == projections.ExperimentStopped })
				stop()
				if row := h.experiment(t, "x"); !strings.Contains(row.Reason, c.says) || row.DecidedBy != "manager:goal" {
					t.Errorf("it ended with %q by %s", row.Reason, row.DecidedBy)
				}
				for n := range goals {
					if f, at := h.planned(t, n); at == 0 || first(f) != "pay" || len(f.Arms) > 0 && f.Arms[0].Tried() {
						t.Errorf("goal %d is planned as %+v", n, f)
					}
				}
			})
		})
	}
}
