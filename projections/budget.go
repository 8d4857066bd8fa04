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
	r, err := w.budgets.row(f.id)
	if err != nil {
		return err
	}
	switch e := e.(type) {
	case events.BudgetSet:
		if e.Budget != f.id {
			return damaged("it names %q, another than its stream", e.Budget)
		}
		// A new limit opens the period again, as in the aggregate.
		r.Period, r.LimitNanos, r.Exhausted = e.Period, e.LimitNanos, ""
	case events.BudgetExhausted:
		if r.Period == "" {
			return damaged("the budget was never set")
		}
		r.Exhausted = e.Starting
	}
	r.Position = f.Envelope.Position
	return nil
}
