package projections

import (
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// drawnGoal is a row of drawn_goals: a goal that takes part in experiments on its runbook, with what it has cost.
type drawnGoal struct {
	goal, workspace string
	arms            []events.Arm
	at              time.Time
	cost            events.Cost
}

var drawnGoalTable = readmodel.NewTable("drawn_goals", readmodel.TableOf[named, drawnGoal]{
	Table: readmodel.Table{Large: true},
	Key:   func(r *drawnGoal) named { return named{r.goal, r.workspace} },
	Fresh: func(k named, r *drawnGoal) { r.goal, r.workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *drawnGoal) int { return 64 + 96*len(r.arms) },
	Row: []readmodel.ColumnOf[drawnGoal]{
		readmodel.Key(readmodel.String("goal", func(r *drawnGoal) *string { return &r.goal })),
		workspaceKey(func(r *drawnGoal) *string { return &r.workspace }),
		readmodel.Time("drawn_at", func(r *drawnGoal) *time.Time { return &r.at }),
		readmodel.Document("arms", func(r *drawnGoal) *[]events.Arm { return &r.arms }),
		money("cost_nanos", func(r *drawnGoal) *events.Nanos { return &r.cost.CostNanos }),
		readmodel.Int("unpriced_calls", func(r *drawnGoal) *int64 { return &r.cost.UnpricedCalls }),
	},
})

// goal takes in what happens to a goal that was drawn. It counts where it ends.
func (w *experimentFold) goal(f *readmodel.Fact, fact events.Goal) error {
	switch e := fact.(type) {
	case events.GoalPlanned:
		return w.drawGoal(f, e)
	case events.GoalTasksAssigned:
		return w.spend(f, e.Cost())
	case events.GoalTaskFinished:
		return w.spend(f, e.Cost())
	case events.GoalTaskFailed:
		return w.spend(f, e.Cost())
	case events.GoalAgentAnswered:
		return w.spend(f, e.Cost())
	case events.GoalTaskHandedOver:
		return w.spend(f, e.Cost())
	case events.GoalFinished:
		return w.reached(f, e.Outcome)
	case events.GoalCancelled:
		return w.reached(f, events.Cancelled)
	case events.GoalAgentAsked, events.GoalApproved, events.GoalCreated, events.GoalLimited, events.GoalPaused,
		events.GoalPlanAsked, events.GoalPlanRefused, events.GoalResumed, events.GoalStarted, events.GoalTaskAllotted,
		events.GoalTaskAnswered, events.GoalTaskChanged, events.GoalTaskShort, events.GoalTaskSkipped, events.GoalTaskStarted,
		events.GoalTold:
	}
	return nil
}

func (w *experimentFold) drawGoal(f *readmodel.Fact, e events.GoalPlanned) error {
	if len(e.Arms) == 0 {
		return nil
	}
	r, err := w.goals.Row(keyOf(f))
	if err != nil {
		return err
	}
	r.arms, r.at, r.cost = e.Arms, f.When, e.Cost()
	for _, arm := range e.Arms {
		runbook, is := strings.CutPrefix(arm.Experiment, events.RunbookHoldback(""))
		if !is {
			continue
		}
		x, err := w.heldBack(f, arm.Experiment, "", "", events.CurrentArm, events.FrozenArm)
		if err != nil {
			return err
		}
		x.Runbook = runbook
	}
	return nil
}

func (w *experimentFold) spend(f *readmodel.Fact, cost events.Cost) error {
	r, err := w.goals.Existing(keyOf(f))
	if err == nil && r != nil {
		r.cost = r.cost.Plus(cost)
	}
	return err
}

// reached counts a goal.
func (w *experimentFold) reached(f *readmodel.Fact, outcome events.Outcome) error {
	r, err := w.goals.Existing(keyOf(f))
	if err != nil || r == nil {
		return err
	}
	for _, arm := range r.arms {
		x, err := w.experiments.Existing(named{arm.Experiment, f.Workspace})
		if err != nil {
			return err
		}
		if x == nil {
			continue
		}
		x.Arms = slices.Clone(x.Arms)
		i := slices.IndexFunc(x.Arms, func(a events.ArmCount) bool { return a.Arm == arm.Arm })
		if i < 0 {
			continue
		}
		a := &x.Arms[i]
		var failed int64
		tally(outcome, 1, &a.Succeeded, &failed, &a.Unrated, &a.Unrated)
		a.Runs++
		spent := a.Cost().Plus(r.cost)
		a.CostNanos, a.UnpricedCalls = spent.CostNanos, spent.UnpricedCalls
		a.Milliseconds += max(f.When.Sub(r.at).Milliseconds(), 0)
	}
	return nil
}
