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
func budgetBlocks(row projections.BudgetRow, starting string, w managers.SlackCard) (text string, blocks []api.Block) {
	name := strings.NewReplacer("*", "", "`", "'").Replace(inert(clip(oneLine(row.Budget), 80)))
	goal, ofGoal := strings.CutPrefix(name, "goal:")
	limit := limitOf(row)
	what := "The budget *" + name + "*"
	if ofGoal {
		what = "The budget of the goal `" + goal + "`"
	}
	if w.As == managers.Raised {
		text = fmt.Sprintf(":arrow_forward: %s has a new limit of %s: runs are served again.", what, limit)
		blocks = []api.Block{section(text)}
		if strings.HasPrefix(w.By, "user:") {
			blocks = append(blocks, small("Decided by "+person(w.By)+" "+moment(w.At)))
		}
		return text, blocks
	}
	text = ":double_vertical_bar: " + what + " of " + limit
	meanwhile := "wait"
	if row.Fails {
		meanwhile = "fail"
	}
	switch {
	case ofGoal:
		text += " is used up. The goal is paused."
	case row.Period == events.Total:
		text += " is used up. Runs that count to it " + meanwhile + "."
	default:
		text += fmt.Sprintf(" a %s is used up (since %s UTC). Runs %s until the next %s.", row.Period, inert(starting), meanwhile, row.Period)
	}
	blocks = []api.Block{section(text), raiseBlock(row)}
	if spent := row.Spent(); !spent.Whole() {
		blocks = append(blocks, small("Beside it "+spent.Lacks()+"."))
	}
	return text, blocks
}

// Exhausted shows that a budget is used up in the channel for what waits for a decision.
func (d *Door) Exhausted(ctx context.Context, w managers.SlackBudget) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	name, starting := w.Budget()
	row, known, err := d.budget(ctx, w.Workspace, name)
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
		c.text, c.blocks = budgetBlocks(row, starting, w.SlackCard)
		c.text = bare(c.text)
	}
	return d.show(ctx, w.SlackCard, c)
}

// ExhaustedGaveUp ends what could not be shown.
func (d *Door) ExhaustedGaveUp(ctx context.Context, w managers.SlackBudget, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}
