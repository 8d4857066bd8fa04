package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// budgetBlocks tells that a budget is used up, or that it was raised after that.
func budgetBlocks(row projections.BudgetRow, starting string, raised bool) (text string, blocks []api.Block) {
	name := strings.NewReplacer("*", "", "`", "'").Replace(inert(clip(oneLine(row.Budget), 80)))
	goal, ofGoal := strings.CutPrefix(name, "goal:")
	what := "The budget *" + name + "*"
	if ofGoal {
		what = "The budget of the goal `" + goal + "`"
	}
	if raised {
		text = fmt.Sprintf(":arrow_forward: %s has a new limit of %s: runs are served again.", what, dollars(row.LimitNanos))
		return text, []api.Block{section(text)}
	}
	text = ":double_vertical_bar: " + what + " of " + dollars(row.LimitNanos)
	says := "Runs go on with a higher limit: `virtuous6 budget " + name + " --limit USD --period " + string(row.Period) + "`."
	switch row.Period {
	case events.Daily, events.Monthly:
		meanwhile := "wait"
		if row.Fails {
			meanwhile = "fail"
		}
		text += fmt.Sprintf(" a %s is used up (since %s UTC). Runs %s until the next %s.", row.Period, inert(starting), meanwhile, row.Period)
	case events.Total:
		text, says = text+" is used up. The goal is paused.", "`virtuous6 goals resume "+goal+" --limit USD` goes on with it."
	}
	if spent := row.Spent(); !spent.Whole() {
		says += " Beside it " + spent.Lacks() + "."
	}
	return text, []api.Block{section(text), small(says)}
}

// Exhausted shows that a budget is used up in the channel for what waits for a decision.
func (d *Door) Exhausted(ctx context.Context, w managers.SlackBudget) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	name, starting := w.Budget()
	rows, err := d.Reader.In(w.Workspace).Budgets(ctx)
	row, known, err := firstOf(rows, err, func(row projections.BudgetRow) bool { return row.Budget == name })
	if err != nil {
		return err
	}
	c := card{channel: d.Proposals}
	switch {
	case !known:
		c.late = "nobody knows it any more"
	case d.Now().Sub(w.Since) > 24*time.Hour || w.As == managers.Raised:
		c.late = "it is over"
	}
	if known {
		c.text, c.blocks = budgetBlocks(row, starting, w.As == managers.Raised)
		c.text = bare(c.text)
	}
	return d.show(ctx, w.SlackCard, c)
}

// ExhaustedGaveUp ends what could not be shown.
func (d *Door) ExhaustedGaveUp(ctx context.Context, w managers.SlackBudget, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}
