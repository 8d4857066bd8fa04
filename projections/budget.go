package projections

import "github.com/virtuous6/virtuous6/events"

var budgetTable = of("budgets", spec[string, BudgetRow]{
	key:   func(r *BudgetRow) string { return r.Budget },
	fresh: func(budget string) BudgetRow { return BudgetRow{Budget: budget} },
	weigh: func(r *BudgetRow) int { return len(r.Budget) },
	columns: []column[BudgetRow]{
		key(text("budget", func(r *BudgetRow) *string { return &r.Budget })),
		symbol("period", func(r *BudgetRow) *events.BudgetPeriod { return &r.Period }),
		integer("limit_nanos", func(r *BudgetRow) *events.Nanos { return &r.LimitNanos }),
		symbol("exhausted", func(r *BudgetRow) *string { return &r.Exhausted }),
		integer("position", func(r *BudgetRow) *uint64 { return &r.Position }),
	},
})

// foldBudget keeps budgets.
func foldBudget(w *workingSet, f *fact) error {
	e, ok := f.Event.(events.Budget)
	if !ok {
		return nil
	}
	switch e := e.(type) {
	case events.BudgetSet:
		if e.Budget != f.id {
			return damaged("it names %q, another than its stream", e.Budget)
		}
		r, err := w.budgets.row(f.id)
		if err != nil {
			return err
		}
		// A new limit opens the period again, as in the aggregate.
		*r = BudgetRow{Budget: r.Budget, Period: e.Period, LimitNanos: e.LimitNanos, Position: f.Envelope.Position}
	case events.BudgetReserved, events.BudgetSettled:
	case events.BudgetExhausted:
		r, err := w.budgets.existing(f.id)
		switch {
		case err != nil:
			return err
		case r == nil:
			return damaged("the budget was never set")
		}
		r.Exhausted, r.Position = e.Starting, f.Envelope.Position
	}
	return nil
}
