package projections_test

import (
	"errors"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// What is not bounded is not told, and what nobody knows the cost of is never free.
func TestABudgetSaysWhatItBounds(t *testing.T) {
	t.Parallel()
	for want, row := range map[string]projections.BudgetRow{
		"$1 of $5 a day":                                {Period: events.Daily, LimitNanos: 5_000_000_000, SpentNanos: 1_000_000_000},
		"7 of 9 tokens, 2.5s of 1m0s in all":            {Period: events.Total, AnyCost: true, LimitTokens: 9, UsedTokens: 7, LimitTimeMS: 60_000, UsedTimeMS: 2500},
		"$0 of $5, 1 of 2 agents a month":               {Period: events.Monthly, LimitNanos: 5_000_000_000, LimitAgents: 2, UsedAgents: 1},
		"unknown (2 calls without a price) of $5 a day": {Period: events.Daily, LimitNanos: 5_000_000_000, UnpricedCalls: 2},
	} {
		if got := row.Says(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBudgetsOfRunsAreKeptApart(t *testing.T) {
	t.Parallel()
	set := func(name string) events.BudgetSet {
		return events.BudgetSet{Budget: name, Period: events.Total, AnyCost: true, Limits: events.Resources{Tokens: 9}}
	}
	settled := events.BudgetSettled{Starting: "0001-01-01", Unknown: true, Used: events.Resources{Tokens: 5}}
	m := folded(t,
		"budget-all", set("all"), "budget-run:r1", set("run:r1"), "budget-run:r2", set("run:r2"), "budget-run:r3", set("run:r3"),
		"run-r1", events.RunStarted{Run: "r1", Workflow: "w"}, "run-r2", events.RunStarted{Run: "r2", Workflow: "w"}, "run-r2", events.RunFinished{Outcome: events.Succeeded},
		"budget-run:r1", settled, "budget-run:r1", events.BudgetReached{Starting: "0001-01-01", Percent: 50, Used: settled.Used, Unit: events.InTokens},
	)
	if budgets, err := m.Budgets(t.Context()); err != nil || len(budgets) != 1 || budgets[0].Budget != "all" {
		t.Errorf("listed are %+v, %v", budgets, err)
	}
	if b, err := m.Budget(t.Context(), "run:r1"); err != nil || b.UsedTokens != 5 || b.LimitTokens != 9 || b.Reached != 50 || b.UnpricedCalls != 1 {
		t.Errorf("the budget of the run is %+v, %v", b, err)
	}
	if _, err := m.Budget(t.Context(), "run:r9"); !errors.Is(err, projections.ErrNotFound) {
		t.Errorf("a budget that is not there: %v", err)
	}
	var live []string
	rows, err := readmodel.Collect(m.LiveBudgets(t.Context()))
	for _, row := range rows {
		live = append(live, row.Budget)
	}
	if err != nil || len(live) != 3 || live[0] != "all" || live[1] != "run:r1" || live[2] != "run:r3" {
		t.Errorf("runs count to %v, %v", live, err)
	}
}

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
