package slack

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// alertBlocks tell that an agent does worse than it did, or that it is over.
func alertBlocks(w managers.SlackAlert) (text string, blocks []api.Block) {
	agent := "*" + strings.ReplaceAll(inert(clip(oneLine(w.Agent), 80)), "*", "") + "*"
	share := func(t managers.Tally) string { return fmt.Sprintf("%d of %d", t.Good, t.Runs) }
	text = fmt.Sprintf(":warning: %s succeeds less often than it did: in %s of its latest runs, in %s before.", agent, share(w.Latest), share(w.Before))
	next := "You are told once, until it is over. “Why did you change the " + inert(clip(oneLine(w.Agent), 80)) + " agent?” tells what was changed."
	if w.As == managers.Recovered {
		text = fmt.Sprintf(":white_check_mark: %s is over: it succeeded in %s of its latest runs, as it did before.", agent+"'s worse time", share(w.Latest))
		next = "It began " + moment(w.Since) + "."
	}
	return text, []api.Block{section(text), small(fmt.Sprintf("%s  ·  log position %d  ·  `virtuous6 runs --agent %s` lists its runs", next, w.Position, inert(clip(oneLine(w.Agent), 80))))}
}

// markBlocks tell that a budget has reached one of its marks.
func markBlocks(w managers.SlackAlert, row projections.BudgetRow) (text string, blocks []api.Block) {
	what := "budget *" + strings.ReplaceAll(inert(clip(oneLine(w.Budget), 80)), "*", "") + "*"
	if goal, ofGoal := strings.CutPrefix(w.Budget, "goal:"); ofGoal {
		what = "budget of the goal `" + inert(clip(oneLine(goal), 80)) + "`"
	}
	text = fmt.Sprintf(":warning: %d %% of the %s are spent: %s of %s", w.Percent, what, spentOf(row), limitOf(row))
	if row.Period != events.Total {
		text += fmt.Sprintf(" a %s (since %s UTC)", row.Period, inert(row.Starting))
	}
	text += "."
	return text, []api.Block{section(text), raiseBlock(row)}
}

// Alert tells that something goes wrong, or that it is over.
func (d *Door) Alert(ctx context.Context, w managers.SlackAlert) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	c := card{channel: cmp.Or(d.Alerts, d.Proposals)}
	if w.Budget == "" {
		c.text, c.blocks = alertBlocks(w)
	} else {
		row, known, err := d.budget(ctx, w.Workspace, w.Budget)
		switch {
		case err != nil:
			return err
		case !known:
			c.late = "nobody knows it any more"
		default:
			c.text, c.blocks = markBlocks(w, row)
		}
	}
	if d.Now().Sub(w.Since) > 24*time.Hour || w.As == managers.Recovered {
		c.late = cmp.Or(c.late, "it is over")
	}
	c.text = bare(c.text)
	return d.show(ctx, w.SlackCard, c)
}

// AlertGaveUp ends what could not be shown.
func (d *Door) AlertGaveUp(ctx context.Context, w managers.SlackAlert, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}

// milestoneBlocks tell that something happened for the first time.
func milestoneBlocks(m answers.Milestone) (text string, blocks []api.Block) {
	text = ":tada: *A milestone: " + inert(m.Name) + "*"
	blocks = []api.Block{section(text + "\n" + inert(clip(oneLine(m.Effect), 600)))}
	says := "Reached " + moment(m.At)
	if m.Position > 0 {
		says += fmt.Sprintf("  ·  log position %d", m.Position)
	}
	return text, append(blocks, small(says))
}

// Milestone tells that something happened for the first time.
func (d *Door) Milestone(ctx context.Context, w managers.SlackMilestone) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	reader := d.Reader.In(w.Workspace)
	improvements, err := reader.Improvements(ctx, "")
	if err != nil {
		return err
	}
	experiments, err := reader.Experiments(ctx, "")
	if err != nil {
		return err
	}
	feedback, err := reader.Feedback(ctx, "")
	if err != nil {
		return err
	}
	c := card{channel: d.Digests}
	reached := answers.Milestones(improvements, experiments, feedback)
	i := slices.IndexFunc(reached, func(m answers.Milestone) bool { return m.Of == w.Milestone() })
	switch {
	case i < 0:
		c.late = "it was taken back"
	case d.Now().Sub(w.Since) > 4*24*time.Hour:
		c.late = "it was long ago"
	default:
		c.text, c.blocks = milestoneBlocks(reached[i])
		c.text = bare(c.text)
	}
	return d.show(ctx, w.SlackCard, c)
}

// MilestoneGaveUp ends what could not be shown.
func (d *Door) MilestoneGaveUp(ctx context.Context, w managers.SlackMilestone, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}

// spentOf is what was used of a budget, in words.
func spentOf(row projections.BudgetRow) string {
	if limitOf(row) == row.Limits() {
		return row.Used()
	}
	return spent(row.Spent())
}
