package projections

import (
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

var budgetTable = readmodel.NewTable("budgets", readmodel.TableOf[string, BudgetRow]{
	Key:   func(r *BudgetRow) string { return r.Budget },
	Fresh: func(budget string, r *BudgetRow) { r.Budget = budget },
	Weigh: func(r *BudgetRow) int { return len(r.Budget) },
	Row: []readmodel.ColumnOf[BudgetRow]{
		readmodel.Key(readmodel.String("budget", func(r *BudgetRow) *string { return &r.Budget })),
		readmodel.Symbol("period", func(r *BudgetRow) *events.BudgetPeriod { return &r.Period }),
		money("limit_nanos", func(r *BudgetRow) *events.Nanos { return &r.LimitNanos }),
		orNull(readmodel.Symbol("exhausted", func(r *BudgetRow) *string { return &r.Exhausted })),
		readmodel.Int("position", func(r *BudgetRow) *uint64 { return &r.Position }),
	},
})

// budgets keeps what may be spent.
var budgets = readmodel.Projection{
	Name: "budgets", Version: 1, Tables: []readmodel.AnyTable{budgetTable},
	Lists: []readmodel.List{budgetTable.List(readmodel.List{
		Name: "budgets", Help: "Budgets", Order: readmodel.Ascending("budget"),
	})},
	Bind: bindBudgets,
}

func bindBudgets(w *readmodel.WorkingSet) readmodel.Fold {
	budgets := budgetTable.In(w)
	return func(f *readmodel.Fact) error { return foldBudget(budgets, f) }
}

func foldBudget(budgets *readmodel.Cache[string, BudgetRow], f *readmodel.Fact) error {
	e, ok := f.Event.(events.Budget)
	if !ok {
		return nil
	}
	switch e := e.(type) {
	case events.BudgetSet:
		if e.Budget != f.ID {
			return readmodel.Damaged("it names %q, another than its stream", e.Budget)
		}
		r, err := budgets.Row(f.ID)
		if err != nil {
			return err
		}
		// A new limit opens the period again, as in the aggregate.
		*r = BudgetRow{Budget: r.Budget, Period: e.Period, LimitNanos: e.LimitNanos, Position: f.Envelope.Position}
	case events.BudgetReserved, events.BudgetSettled:
	case events.BudgetExhausted:
		r, err := budgets.Existing(f.ID)
		switch {
		case err != nil:
			return err
		case r == nil:
			return readmodel.Damaged("the budget was never set")
		}
		r.Exhausted, r.Position = e.Starting, f.Envelope.Position
	}
	return nil
}
