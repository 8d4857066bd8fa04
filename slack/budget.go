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

// budgetBlocks tells that a budget is used up, that it has too little for what waits, or that it was raised after that.
func budgetBlocks(row projections.BudgetRow, starting string, w managers.SlackBudget) (text string, blocks []api.Block) {
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
	_, lacks, _ := strings.Cut(w.Reason, ": ") // without the name of the error
	lacks = inert(clip(oneLine(lacks), 300))
	text = ":double_vertical_bar: " + what + " of " + limit
	meanwhile := "wait"
	if row.Fails {
		meanwhile = "fail"
	}
	switch {
	case w.As == managers.Short && row.Period == events.Total:
		text += " has too little left for the next call of a run, which waits: " + lacks + "."
	case w.As == managers.Short:
		text += fmt.Sprintf(" a %s has too little left for the next call of a run, which waits until the next %[1]s: %s.", row.Period, lacks)
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
		c.text, c.blocks = budgetBlocks(row, starting, w)
		c.text = bare(c.text)
	}
	return d.show(ctx, w.SlackCard, c)
}

// Wait has the session of a run's thread show whether it waits for money.
func (d *Door) Wait(ctx context.Context, w managers.SlackWait) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	run, _, err := d.Reader.In(w.Workspace).Run(ctx, w.Run)
	if err != nil || w.Workspace != d.Workspace {
		return err
	}
	channel, thread, err := d.threadOf(ctx, run)
	if err != nil || thread == "" {
		return err
	}
	return d.session(ctx, channel, thread, "", w.Workspace, w.Run)
}

// WaitGaveUp ends what could not be told.
func (d *Door) WaitGaveUp(_ context.Context, w managers.SlackWait, reason string) error {
	d.Log.Error("it could not be told in Slack that a run waits", "run", w.Run, "reason", reason)
	return nil
}

// ExhaustedGaveUp ends what could not be shown.
func (d *Door) ExhaustedGaveUp(ctx context.Context, w managers.SlackBudget, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}
