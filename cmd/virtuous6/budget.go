package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type budgetVerb struct {
	Name    string `arg:"" optional:"" help:"The budget to set or to show: workspace:NAME, agent:NAME, or another name, which all runs of the workspace count to. Default: shows all of them."`
	Limit   string `help:"Dollars that live runs may spend in a period."`
	Period  string `help:"day, month, or total for once and for all." enum:"day,month,total" default:"month"`
	Marks   string `help:"Percentages of the limit at which it is told that so much was spent." default:"50,80" placeholder:"N,..."`
	AtLimit string `help:"What runs do that there is no money for: ask (they wait for a higher limit or the next period) or fail." enum:"ask,fail" default:"ask"`
	JSON    bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives examples.
func (budgetVerb) Help() string {
	return "Before each call of a model what it can cost at most is set aside in every budget that the run counts to. Where there is no money for it the " +
		"run waits: raise the limit, and it goes on; so it does when the next period (UTC) begins. The goal's own budget is set with the goal. Imported " +
		"history never counts.\n\nExamples:\n  virtuous6 budget\n  virtuous6 budget all --limit 25 --period month\n  virtuous6 budget agent:clerk --limit 2 --period day --marks 90\n" +
		"  virtuous6 budget workspace:shop --limit 100 --at-limit fail"
}

// Run sets a budget where a limit is given, and lists all.
func (v budgetVerb) Run(ctx context.Context, a *app) error {
	if workspace, of := strings.CutPrefix(v.Name, commands.WorkspaceBudget("")); of {
		a.flags.Workspace = workspace
	}
	var reader projections.Reader
	if v.Limit != "" {
		if err := v.set(ctx, a); err != nil {
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
	waiting := map[string]int{}
	for run, err := range reader.Runs(ctx, projections.RunFilter{Outcome: projections.Running}) {
		if err != nil {
			return err
		}
		waiting[run.Suspended]++
	}
	return table(a.out, "BUDGET|PERIOD|LIMIT|SPENT|SINCE|REACHED|WAITING", func(row func(...any)) {
		for _, b := range budgets {
			reached := "-"
			if b.Reached > 0 {
				reached = fmt.Sprintf("%d%%", b.Reached)
			}
			row(short(b.Budget, 40), b.Period, "$"+b.LimitNanos.String(), b.Spent().Mark("$"+b.SpentNanos.String()), orDash(b.Starting), reached, waiting[b.Budget])
		}
	})
}

// set sets the budget.
func (v budgetVerb) set(ctx context.Context, a *app) error {
	switch {
	case v.AsOf.given:
		return usage("--as-of: the past can only be read, leave out --limit")
	case v.Name == "":
		return usage("--limit: name the budget to set, as in `virtuous6 budget all --limit %s`", v.Limit)
	case strings.HasPrefix(v.Name, commands.GoalBudget("")):
		return usage("the budget of a goal is set by `virtuous6 goals`")
	}
	limit, err := events.ParseUSD(v.Limit)
	if err != nil {
		return usage("--limit: %w", err)
	}
	var marks []int
	for _, text := range names(v.Marks) {
		mark, err := strconv.Atoi(text)
		if err != nil {
			return usage("--marks: %q is no percentage", text)
		}
		marks = append(marks, mark)
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	_, err = a.dispatcher().Dispatch(ctx, commands.SetBudget{
		Meta: a.meta(""), Budget: v.Name, Period: events.BudgetPeriod(v.Period), LimitNanos: limit, Marks: marks, Fails: v.AtLimit == "fail",
	})
	return err
}
