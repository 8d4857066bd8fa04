package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
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
		readmodel.Bool("any_cost", func(r *BudgetRow) *bool { return &r.AnyCost }),
		readmodel.Int("limit_tokens", func(r *BudgetRow) *int64 { return &r.LimitTokens }),
		readmodel.Int("limit_time_ms", func(r *BudgetRow) *int64 { return &r.LimitTimeMS }),
		readmodel.Int("limit_agents", func(r *BudgetRow) *int64 { return &r.LimitAgents }),
		readmodel.Int("limit_depth", func(r *BudgetRow) *int64 { return &r.LimitDepth }),
		readmodel.Int("limit_fanout", func(r *BudgetRow) *int64 { return &r.LimitFanout }),
		orNull(readmodel.Symbol("exhausted", func(r *BudgetRow) *string { return &r.Exhausted })),
		orNull(readmodel.Symbol("starting", func(r *BudgetRow) *string { return &r.Starting })),
		money("spent_nanos", func(r *BudgetRow) *events.Nanos { return &r.SpentNanos }),
		readmodel.Int("unpriced_calls", func(r *BudgetRow) *int64 { return &r.UnpricedCalls }),
		readmodel.Int("used_tokens", func(r *BudgetRow) *int64 { return &r.UsedTokens }),
		readmodel.Int("used_time_ms", func(r *BudgetRow) *int64 { return &r.UsedTimeMS }),
		readmodel.Int("used_agents", func(r *BudgetRow) *int64 { return &r.UsedAgents }),
		readmodel.Int("reached", func(r *BudgetRow) *int64 { return &r.Reached }),
		readmodel.Bool("fails", func(r *BudgetRow) *bool { return &r.Fails }),
		readmodel.Int("position", func(r *BudgetRow) *uint64 { return &r.Position }),
	},
})

// budgets keeps what may be spent.
var budgets = readmodel.Projection{
	Name: "budgets", Version: 5, Tables: []readmodel.AnyTable{budgetTable},
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
		*r = BudgetRow{
			Budget: r.Budget, Workspace: r.Workspace, Period: e.Period, LimitNanos: e.LimitNanos, AnyCost: e.AnyCost, LimitTokens: e.Limits.Tokens,
			LimitTimeMS: e.Limits.TimeMS, LimitAgents: e.Limits.Agents, LimitDepth: e.Depth, LimitFanout: e.Fanout, Fails: e.Fails, Position: f.Envelope.Position,
		}
		if again.Period == e.Period {
			r.Starting, r.SpentNanos, r.UnpricedCalls = again.Starting, again.SpentNanos, again.UnpricedCalls
			r.UsedTokens, r.UsedTimeMS, r.UsedAgents = again.UsedTokens, again.UsedTimeMS, again.UsedAgents
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
		r.takes(f, e.Starting, e.SpentNanos, e.Used)
		if e.Unknown && e.Nanos == 0 && (e.Took.Tokens > 0 || e.Took == events.Resources{}) {
			r.UnpricedCalls++ // nothing was set aside for it, so that nothing is counted
		}
	case events.BudgetReached:
		r, err := setBudget(budgets, f)
		if err != nil {
			return err
		}
		r.takes(f, e.Starting, e.SpentNanos, e.Used)
		r.Reached = max(r.Reached, int64(e.Percent))
	case events.BudgetExhausted:
		r, err := setBudget(budgets, f)
		if err != nil {
			return err
		}
		r.takes(f, e.Starting, e.SpentNanos, e.Used)
		r.Exhausted, r.Reached = e.Starting, 100
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

// takes is what was used in a period by now.
func (r *BudgetRow) takes(f *readmodel.Fact, starting string, spent events.Nanos, used events.Resources) {
	if r.Starting != starting {
		r.Reached, r.UnpricedCalls = 0, 0
	}
	r.Starting, r.SpentNanos, r.UsedTokens, r.UsedTimeMS, r.UsedAgents = starting, spent, used.Tokens, used.TimeMS, used.Agents
	r.Position = f.Envelope.Position
}

// each calls f with each of what the budget bounds: what was used of it, and its limit, in words.
func (r BudgetRow) each(f func(used, limit, unit string)) {
	if !r.AnyCost {
		f(r.Spent().Say("$"+r.SpentNanos.String()), "$"+r.LimitNanos.String(), "")
	}
	if r.LimitTokens > 0 {
		f(fmt.Sprint(r.UsedTokens), fmt.Sprint(r.LimitTokens), " tokens")
	}
	if r.LimitTimeMS > 0 {
		f((time.Duration(r.UsedTimeMS) * time.Millisecond).Round(time.Second/10).String(), (time.Duration(r.LimitTimeMS) * time.Millisecond).String(), "")
	}
	if r.LimitAgents > 0 {
		f(fmt.Sprint(r.UsedAgents), fmt.Sprint(r.LimitAgents), " agents")
	}
}

// Limits are what the budget allows, in words.
func (r BudgetRow) Limits() string {
	var all []string
	r.each(func(_, limit, unit string) { all = append(all, limit+unit) })
	if r.LimitDepth > 0 {
		all = append(all, fmt.Sprint(r.LimitDepth, " deep"))
	}
	if r.LimitFanout > 0 {
		all = append(all, fmt.Sprint(r.LimitFanout, " for an agent"))
	}
	return strings.Join(all, ", ")
}

// Used is what was used in the period, in words.
func (r BudgetRow) Used() string {
	var all []string
	r.each(func(used, _, unit string) { all = append(all, used+unit) })
	return strings.Join(all, ", ")
}

// Says is what was used of what the budget allows, in words.
func (r BudgetRow) Says() string {
	var all []string
	r.each(func(used, limit, unit string) { all = append(all, used+" of "+limit+unit) })
	return strings.Join(all, ", ") + r.Per()
}

// Per is the budget's period, in words.
func (r BudgetRow) Per() string {
	if r.Period == events.Total {
		return " in all"
	}
	return " a " + string(r.Period)
}

// LiveBudgets are the budgets of all workspaces that a run may still count to: not those of runs that have ended.
func (m *Models) LiveBudgets(ctx context.Context) iter.Seq2[BudgetRow, error] {
	return func(yield func(BudgetRow, error) bool) {
		var all []BudgetRow
		for row, err := range readmodel.Rows(ctx, m.View, budgetTable, readmodel.Query{}) {
			if err != nil {
				yield(row, fmt.Errorf("read budgets: %w", err))
				return
			}
			all = append(all, row)
		}
		for _, row := range all {
			if run, ofRun := strings.CutPrefix(row.Budget, events.BudgetOfRun); ofRun {
				of, _, err := m.In(row.Workspace).Run(ctx, run)
				switch {
				case errors.Is(err, ErrNotFound): // it is about to start
				case err != nil:
					yield(row, err)
					return
				case of.Outcome != Running:
					continue
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}
