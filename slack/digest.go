package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/managers"
)

// maxLines is how many lines of a kind a digest shows.
const maxLines = 5

// reviewBlocks is the check of a day, or the review of a week.
func reviewBlocks(r answers.Review) (title string, blocks []api.Block) {
	title = "What the day came to: " + r.Since
	if r.Period == answers.Weekly {
		title = "What the week came to: " + r.Since + " to " + r.Until
	}
	blocks = []api.Block{header(title), section(checkLines(r.Checks))}
	add := func(name string, lines []string) {
		if len(lines) == 0 {
			return
		}
		if left := len(lines) - maxLines; left > 0 {
			lines = append(lines[:maxLines:maxLines], fmt.Sprintf("and %d more", left))
		}
		blocks = append(blocks, section("*"+name+"*\n"+strings.Join(lines, "\n")))
	}
	if r.Period != answers.Weekly {
		return title, append(blocks, small("`virtuous6 report daily` has it whole."))
	}
	add("What worked", saidLines(r.Worked))
	add("What did not", saidLines(r.DidNot))
	var blockers, milestones []string
	for _, b := range r.Blockers {
		blockers = append(blockers, "• "+inert(clip(oneLine(b.What+": "+b.Action+" ("+b.Owner+")"), 400)))
	}
	for _, m := range r.Milestones {
		milestones = append(milestones, ":tada: "+inert(clip(oneLine(m.Name+", "+m.Effect), 400)))
	}
	add("Blockers", blockers)
	add("What comes next", saidLines(r.Next))
	add("Milestones", milestones)
	if len(r.Targets) > 0 {
		blocks = append(blocks, section("*Against the targets*\n"+checkLines(r.Targets)))
	}
	return title, append(blocks, small("`virtuous6 report weekly` has it whole."))
}

// checkLines are figures beside what is wanted of them.
func checkLines(checks []answers.Check) string {
	var lines []string
	for _, c := range checks {
		mark := "•"
		if c.Met != nil {
			mark = map[bool]string{true: ":white_check_mark:", false: ":x:"}[*c.Met]
		}
		line := mark + " " + inert(clip(oneLine(c.Name), 80)) + ": *" + strings.ReplaceAll(inert(clip(oneLine(c.Actual), 120)), "*", "") + "*"
		if c.Target != "" {
			line += " (" + inert(clip(oneLine(c.Target), 80)) + ")"
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return "There are no figures yet."
	}
	return strings.Join(lines, "\n")
}

func saidLines(said []answers.Line) (lines []string) {
	for _, l := range said {
		lines = append(lines, "• "+Mrkdwn(clip(oneLine(l.Text), 400)))
	}
	return lines
}

// Digest posts what a day came to, and on a Monday what the week came to that ended with it.
func (d *Door) Digest(ctx context.Context, w managers.SlackDigest) error {
	day, err := w.Day()
	if err != nil {
		return err
	}
	if err := d.Reach(ctx); err != nil {
		return err
	}
	c := card{channel: d.Digests}
	if d.Now().Sub(day) > 4*24*time.Hour {
		c.late = "the day is long over"
		return d.show(ctx, w.SlackCard, c)
	}
	period := answers.Daily
	if day.Weekday() == time.Sunday {
		period = answers.Weekly
	}
	review, err := answers.NewReview(ctx, d.Reader.In(w.Workspace), period, day, d.Targets)
	if err != nil {
		return err
	}
	c.text, c.blocks = reviewBlocks(review)
	return d.show(ctx, w.SlackCard, c)
}

// DigestGaveUp ends what could not be posted.
func (d *Door) DigestGaveUp(ctx context.Context, w managers.SlackDigest, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}
