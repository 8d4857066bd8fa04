package events

import (
	"cmp"
	"fmt"
)

// Cost is money of which a part may not be known: CostNanos, and beside it what UnpricedCalls cost, which nobody can tell. What
// is not known is never free: whoever shows a cost says so by Say or Mark.
type Cost struct {
	CostNanos     Nanos `json:"cost_nanos,omitempty" db:"cost_nanos"`
	UnpricedCalls int64 `json:"unpriced_calls,omitempty" db:"unpriced_calls"`
}

// CostOf is what one step cost.
func CostOf(n Nanos, unpriced bool) Cost {
	if unpriced {
		return Cost{n, 1}
	}
	return Cost{CostNanos: n}
}

// Plus adds what something else cost.
func (c Cost) Plus(o Cost) Cost {
	return Cost{Add(c.CostNanos, o.CostNanos), Add(c.UnpricedCalls, o.UnpricedCalls)}
}

// Whole tells that all of it is known.
func (c Cost) Whole() bool { return c.UnpricedCalls == 0 }

// Say is the cost in words. known is how its known part is written.
func (c Cost) Say(known string) string {
	switch {
	case c.Whole():
		return known
	case c.CostNanos == 0:
		return "unknown (" + c.Lacks() + ")"
	}
	return "at least " + known + " (" + c.Lacks() + ")"
}

// Lacks says what is not known of it.
func (c Cost) Lacks() string {
	if c.UnpricedCalls == 1 {
		return "1 call without a price"
	}
	return fmt.Sprintf("%d calls without a price", c.UnpricedCalls)
}

// Mark is the cost where there is no room for words: "?" where none of it is known, "≥" before what is known of it.
func (c Cost) Mark(known string) string {
	switch {
	case c.Whole():
		return known
	case c.CostNanos == 0:
		return "?"
	}
	return "≥" + known
}

// Cost is what the step cost.
func (e RunStepFinished) Cost() Cost { return CostOf(e.CostNanos, e.Unpriced) }

// Cost is what the source gives for the whole run, with the calls that are in no step.
func (e RunFinished) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is as that of RunFinished.
func (e RunFailed) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is as that of RunFinished.
func (e RunCancelled) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is what it cost to ask for the plan.
func (e GoalPlanned) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is what it cost to ask who does the tasks.
func (e GoalTasksAssigned) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is what it cost to ask for a plan.
func (e GoalPlanRefused) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is what the attempt cost.
func (e GoalTaskFinished) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is what the attempt cost.
func (e GoalTaskFailed) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is what the answer cost.
func (e GoalAgentAnswered) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is what the attempt cost that ends with it.
func (e GoalTaskHandedOver) Cost() Cost { return Cost{e.CostNanos, e.UnpricedCalls} }

// Cost is what the runs of the arm cost.
func (a ArmCount) Cost() Cost { return Cost{a.CostNanos, a.UnpricedCalls} }

// MuchSaved is the share of a run's cost from which it is much that a change has saved.
const MuchSaved = .3

// Saved is how much less a run cost with the change that an arm tried than without, as a share of that, and what it cost each, in
// dollars. It is 0 where that is not known. No arm is that of the only change.
func Saved(arms []ArmCount, arm string) (share, with, without float64) {
	each := map[string]float64{}
	for _, a := range arms {
		if a.Runs > 0 && a.Cost().Whole() {
			each[a.Arm] = float64(a.CostNanos) / float64(a.Runs) / 1e9
		}
	}
	with, tried := each[cmp.Or(arm, CandidateArm)]
	if without = each[ControlArm]; !tried || without <= 0 {
		return 0, 0, 0
	}
	return 1 - with/without, with, without
}
