package main

import (
	"context"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type budgetVerb struct {
	Name   string `arg:"" optional:"" help:"The budget to set or to show, such as all. Default: shows all of them."`
	Limit  string `help:"Dollars that live runs may spend in a period."`
	Period string `help:"day or month." enum:"day,month" default:"month"`
	JSON   bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives examples.
func (budgetVerb) Help() string {
	return "Once a budget is spent, live runs fail with that reason until the next period (UTC) or a higher limit. Imported history " +
		"never counts.\n\nExamples:\n  virtuous6 budget\n  virtuous6 budget all --limit 25 --period month"
}

// Run sets a budget where a limit is given, and lists all.
func (v budgetVerb) Run(ctx context.Context, a *app) error {
	var reader projections.Reader
	if v.Limit != "" {
		switch {
		case v.AsOf.given:
			return usage("--as-of: the past can only be read, leave out --limit")
		case v.Name == "":
			return usage("--limit: name the budget to set, as in `virtuous6 budget all --limit %s`", v.Limit)
		}
		limit, err := events.ParseUSD(v.Limit)
		if err != nil {
			return usage("--limit: %w", err)
		}
		if err := a.open(ctx); err != nil {
			return err
		}
		_, err = a.dispatcher().Dispatch(ctx, commands.SetBudget{
			Meta: a.meta(""), Budget: v.Name, Period: events.BudgetPeriod(v.Period), LimitNanos: limit,
		})
		if err != nil {
			return err
		}
		if err := a.catchUp(ctx); err != nil {
			return err
		}
		reader = a.own()
	} else {
		var err error
		if reader, err = a.readAt(ctx, v.pastFlag); err != nil {
			return err
		}
	}
	budgets, err := reader.Budgets(ctx)
	if err != nil {
		return err
	}
	if v.Name != "" {
		budgets = slices.DeleteFunc(budgets, func(b projections.BudgetRow) bool { return b.Budget != v.Name })
	}
	if v.JSON {
		return a.json(limited(budgets, 0))
	}
	return table(a.out, "BUDGET|PERIOD|LIMIT|EXHAUSTED", func(row func(...any)) {
		for _, b := range budgets {
			row(short(b.Budget, 40), b.Period, "$"+b.LimitNanos.String(), orDash(b.Exhausted))
		}
	})
}
