package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// ErrBudget tells that a budget's period is spent: no live run is served until the next period or a higher limit.
var ErrBudget = errors.New("budget exhausted")

// checkBudgets returns ErrBudget where what live runs spent in a budget's period has reached its limit, and records
// it. Spending is that of runs started in the period; a call under way can overshoot by its own cost.
func checkBudgets(ctx context.Context, reader projections.Reader, dispatch commands.Dispatch, clock Clock) error {
	budgets, err := reader.Budgets(ctx)
	if err != nil {
		return err
	}
	now := clock().UTC()
	for _, b := range budgets {
		starting := periodStart(b.Period, now)
		var spent events.Nanos
		for run, err := range reader.Runs(ctx, projections.RunFilter{Since: starting}) {
			if err != nil {
				return err
			}
			if run.Source == "" {
				spent += run.CostNanos
			}
		}
		if spent < b.LimitNanos {
			continue
		}
		day := starting.Format(time.DateOnly)
		_, err := dispatch(ctx, commands.ExhaustBudget{
			Meta: commands.Meta{
				ID: events.NameID(starting, fmt.Sprintf("budget %s %s %d", b.Budget, day, b.LimitNanos)), At: now, Actor: "manager:budget",
			},
			Budget: b.Budget, Starting: day, SpentNanos: spent,
		})
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: %s spent of %s USD a %s since %s; wait, or raise it with `virtuous6 budget %s --limit USD`",
			ErrBudget, spent, b.LimitNanos, b.Period, day, b.Budget)
	}
	return nil
}

func periodStart(p events.BudgetPeriod, now time.Time) time.Time {
	y, m, d := now.Date()
	if p == events.Monthly {
		d = 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
