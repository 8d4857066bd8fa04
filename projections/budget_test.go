package projections_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

// A call for which nothing could be set aside, and whose cost nobody knows, is counted beside what a period has spent.
func TestBudgetsCountCallsWithoutAPrice(t *testing.T) {
	t.Parallel()
	settled := func(starting string, spent, cost events.Nanos, unknown bool) events.BudgetSettled {
		return events.BudgetSettled{Reservation: "x", Nanos: cost, Unknown: unknown, Starting: starting, SpentNanos: spent}
	}
	facts := []any{
		"budget-b", events.BudgetSet{Budget: "b", Period: events.Daily, LimitNanos: 500},
		"budget-b", settled("2026-11-22", 0, 0, true),
		"budget-b", settled("2026-11-22", 100, 100, false),
		"budget-b", settled("2026-11-22", 150, 50, true), // all that was set aside counts
		"budget-b", settled("2026-11-22", 150, 0, true),
		"budget-b", settled("2026-11-22", 150, 0, false), // it was not made
	}
	for name, c := range map[string]struct {
		more []any
		want events.Cost
	}{
		"in a period":      {nil, events.Cost{CostNanos: 150, UnpricedCalls: 2}},
		"a new limit":      {[]any{"budget-b", events.BudgetSet{Budget: "b", Period: events.Daily, LimitNanos: 900}}, events.Cost{CostNanos: 150, UnpricedCalls: 2}},
		"another period":   {[]any{"budget-b", events.BudgetSet{Budget: "b", Period: events.Monthly, LimitNanos: 900}}, events.Cost{}},
		"the next of them": {[]any{"budget-b", settled("2026-11-23", 7, 7, false)}, events.Cost{CostNanos: 7}},
	} {
		rows, err := folded(t, append(facts, c.more...)...).Budgets(t.Context())
		if err != nil || len(rows) != 1 || rows[0].Spent() != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, rows, err, c.want)
		}
	}
}
