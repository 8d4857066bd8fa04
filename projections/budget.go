package projections

import (
	"context"
	"fmt"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
	"strings"
)

var budgetTable = readmodel.NewTable("budgets", readmodel.TableOf[named, BudgetRow]{
	Key:   func(r *BudgetRow) named { return named{r.Budget, r.Workspace} },
	Fresh: func(k named, r *BudgetRow) { r.Budget, r.Workspace = k.name, strings.Clone(k.workspace) },
	Weigh: func(r *BudgetRow) int { return len(r.Budget) },
	Row: []readmodel.ColumnOf[BudgetRow]{
		readmodel.Key(readmodel.String("budget", func(r *BudgetRow) *string { return &r.Budget })),
		workspaceKey(func(r *BudgetRow) *string { return &r.Workspace }),
		readmodel.Symbol("period", func(r *BudgetRow) *events.BudgetPeriod { return &r.Period }),
		money("limit_nanos", func(r *BudgetRow) *events.Nanos { return &r.LimitNanos }),
		orNull(readmodel.Symbol("exhausted", func(r *BudgetRow) *string { return &r.Exhausted })),
		orNull(readmodel.Symbol("starting", func(r *BudgetRow) *string { return &r.Starting })),
		money("spent_nanos", func(r *BudgetRow) *events.Nanos { return &r.SpentNanos }),
		readmodel.Int("unpriced_calls", func(r *BudgetRow) *int64 { return &r.UnpricedCalls }),
		readmodel.Int("reached", func(r *BudgetRow) *int64 { return &r.Reached }),
		readmodel.Bool("fails", func(r *BudgetRow) *bool { return &r.Fails }),
		readmodel.Int("position", func(r *BudgetRow) *uint64 { return &r.Position }),
	},
})

// budgets keeps what may be spent.
var budgets = readmodel.Projection{
	Name: "budgets", Version: 3, Tables: []readmodel.AnyTable{budgetTable},
	Lists: []readmodel.List{budgetTable.List(readmodel.List{
		Name: "budgets", Help: "Budgets", Order: readmodel.Ascending("budget"),
	})},
	Bind: bindBudgets,
}

func bindBudgets(w *readmodel.WorkingSet) readmodel.Fold {
	budgets := budgetTable.In(w)
	return func(f *readmodel.Fact) error { return foldBudget(budgets, f) }
}

func foldBudget(budgets *readmodel.Cache[named, BudgetRow], f *readmodel.Fact) error {
	e, ok := f.Event.(events.Budget)
	if !ok {
		return nil
	}
	switch e := e.(type) {
	case events.BudgetSet:
		if e.Budget != f.ID {
			return readmodel.Damaged("it names %q, another than its stream", e.Budget)
		}
		r, err := budgets.Row(keyOf(f))
		if err != nil {
			return err
		}
		// A new limit opens the period again, as in the aggregate.
		again := *r
		*r = BudgetRow{Budget: r.Budget, Workspace: r.Workspace, Period: e.Period, LimitNanos: e.LimitNanos, Fails: e.Fails, Position: f.Envelope.Position}
		if again.Period == e.Period {
			r.Starting, r.SpentNanos, r.UnpricedCalls = again.Starting, again.SpentNanos, again.UnpricedCalls
		}
	case events.BudgetReserved:
	case events.BudgetSettled:
		if e.Starting == "" {
			return nil // an early log does not tell
		}
		r, err := setBudget(budgets, f)
		if err != nil {
			return err
		}
		if r.Starting != e.Starting {
			r.Reached, r.UnpricedCalls = 0, 0
		}
		if e.Unknown && e.Nanos == 0 {
			r.UnpricedCalls++ // nothing was set aside for it, so that nothing is counted
		}
		r.Starting, r.SpentNanos, r.Position = e.Starting, e.SpentNanos, f.Envelope.Position
	case events.BudgetReached:
		r, err := setBudget(budgets, f)
		if err != nil {
			return err
		}
		r.Starting, r.Reached, r.SpentNanos, r.Position = e.Starting, int64(e.Percent), e.SpentNanos, f.Envelope.Position
	case events.BudgetExhausted:
		r, err := setBudget(budgets, f)
		if err != nil {
			return err
		}
		r.Exhausted, r.Starting, r.Reached, r.SpentNanos, r.Position = e.Starting, e.Starting, 100, e.SpentNanos, f.Envelope.Position
	}
	return nil
}

// setBudget is the row of a budget that was set.
func setBudget(budgets *readmodel.Cache[named, BudgetRow], f *readmodel.Fact) (*BudgetRow, error) {
	r, err := budgets.Existing(keyOf(f))
	if err == nil && r == nil {
		err = readmodel.Damaged("the budget was never set")
	}
	return r, err
}

// BudgetStreams are the streams of all budgets, of every workspace.
func (m *Models) BudgetStreams(ctx context.Context) ([]string, error) {
	var streams []string
	for row, err := range readmodel.Rows(ctx, m.View, budgetTable, readmodel.Query{}) {
		if err != nil {
			return nil, fmt.Errorf("read budgets: %w", err)
		}
		streams = append(streams, events.StreamName("budget", row.Workspace, row.Budget))
	}
	return streams, nil
}
