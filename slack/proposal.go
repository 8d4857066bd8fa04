package slack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// digest tells what exactly a proposal would change, and why: a decision counts for that and for nothing else.
func digest(row projections.ImprovementRow) string {
	data, err := json.Marshal([]any{row.Change, row.Reason, row.Evidence})
	if err != nil {
		panic("slack: a proposal can't be written: " + err.Error()) // it was read from JSON
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// changeText is what exactly a proposal would change in an agent, what was struck through.
func changeText(changes []answers.Changed) string {
	var lines []string
	for _, c := range changes {
		line := "*" + c.Key + "*: "
		if c.Was != "" {
			line += "~" + strings.ReplaceAll(inert(clip(oneLine(c.Was), 600)), "~", "-") + "~ → "
		}
		lines = append(lines, line+inert(clip(oneLine(cmp.Or(c.Is, "none")), 600)))
	}
	return strings.Join(lines, "\n")
}

// proposalBlocks is a proposal with what decides on it, or with what became of it. now is the agent that it would change.
func proposalBlocks(row projections.ImprovementRow, now projections.AgentRow) []api.Block {
	what := strings.ToUpper(row.Kind[:min(1, len(row.Kind))]) + strings.ReplaceAll(row.Kind[min(1, len(row.Kind)):], "_", " ")
	about := ""
	for _, name := range []string{row.Workflow, row.Agent} {
		if name != "" {
			about += " · " + inert(clip(oneLine(name), 80))
		}
	}
	text := "*" + inert(what) + "*" + about + "\n" + Mrkdwn(clip(row.Reason, 1500))
	if row.Change.Instruction != "" {
		text += "\n>" + strings.ReplaceAll(inert(clip(row.Change.Instruction, 800)), "\n", "\n>")
	}
	if row.Worth != nil && row.Status == projections.Proposed {
		text += "\nMay bring " + promised(row.Worth) + "."
	}
	blocks := []api.Block{section(text)}
	if diff := changeText(answers.ChangesOf(row.Change, now)); diff != "" && row.Status == projections.Proposed {
		blocks = append(blocks, section(diff))
	}
	if row.Status != projections.Proposed {
		return append(blocks, small(becameOf(row)))
	}
	value := digest(row) + ":" + row.Improvement
	approve := button(decideAction+string(Approve), value, "Approve").WithStyle(api.StylePrimary)
	reject := button(decideAction+string(Reject), value, "Reject").WithStyle(api.StyleDanger)
	return append(blocks, api.NewActionBlock("", approve, reject, button(decideAction+string(Later), value, "Later"), button(decideAction+string(Evidence), value, "Show evidence")))
}

// promised is what a proposal may bring, with its units.
func promised(w *events.Worth) string {
	if w.Unit == events.MoreSuccesses {
		return fmt.Sprintf("%.1f points more success (%.1f to %.1f), about %s more successful runs a month", w.Points, w.PointsLow, w.PointsHigh, answers.Amount(w, w.Month))
	}
	return answers.Gain(w)
}

// awaited is the effect that an analyst foresees, in the units of what it is measured by.
func awaited(x events.Expected) string {
	metric, unit, scale := strings.ReplaceAll(x.Metric, "_", " "), "", 1.0
	switch x.Metric {
	case "success_rate":
		metric, unit, scale = "success", " points", 100
	case "cost_usd_per_run":
		metric, unit = "cost of a run", " dollars"
	case "duration_seconds":
		metric, unit = "time of a run", " s"
	}
	return fmt.Sprintf("Expected of it: %s %+.3g%s, between %+.3g and %+.3g.", inert(metric), scale*x.Change, unit, scale*x.Low, scale*x.High)
}

// becameOf tells who decided on a proposal, and when.
func becameOf(row projections.ImprovementRow) string {
	says := map[string]string{
		"approved": ":white_check_mark: Approved", "rejected": ":x: Rejected", "withdrawn": ":arrow_down: Withdrawn, since the evidence is gone",
		"applied": ":white_check_mark: Applied", "rolled_back": ":leftwards_arrow_with_hook: Taken back",
	}[row.Status]
	if says == "" {
		says = inert(row.Status)
	}
	if row.DecidedBy != "" {
		says += " by " + person(row.DecidedBy)
	}
	return says + " " + moment(row.UpdatedAt)
}

// evidenceReply is what a proposal rests on.
func evidenceReply(row projections.ImprovementRow) *Reply {
	e := row.Evidence
	text := fmt.Sprintf("%s\nMeasured over *%d runs*: %.3g, between %.3g and %.3g (%.0f %% sure), by the %s.", Mrkdwn(clip(row.Reason, 1500)), e.N, e.Value, e.Low, e.High, 100*e.Confidence, inert(e.Statistic))
	var lines []string
	for name, n := range e.Counts {
		lines = append(lines, fmt.Sprintf("• %s: %d", inert(strings.ReplaceAll(name, "_", " ")), n))
	}
	slices.Sort(lines)
	where := fmt.Sprintf("Log positions %d to %d; worth a look: %s. `virtuous6 events --after N` shows them.", e.From, e.To, strings.Trim(fmt.Sprint(e.Positions), "[]"))
	blocks := []api.Block{section(text)}
	if len(lines) > 0 {
		blocks = append(blocks, section(strings.Join(lines, "\n")))
	}
	return &Reply{Text: "What the proposal rests on", Blocks: append(blocks, section(awaited(row.Expected)), small(clip(where, 2000)))}
}

// decide records a person's decision on a proposal, where they may decide and it is still what they were shown.
func (d *Door) decide(ctx context.Context, r Request, id uuid.UUID, w Decide) (done, error) {
	row, known, err := d.improvement(ctx, w.Improvement)
	if err != nil {
		return done{}, err
	}
	if !known {
		return refusal("I know no such proposal any more."), nil
	}
	switch w.Verdict {
	case Evidence:
		return done{outcome: events.SlackAnswered, reply: evidenceReply(row)}, nil
	case Later:
		return done{outcome: events.SlackRecorded, reply: &Reply{Text: "It stays open: my Home lists what waits."}}, nil
	case Approve, Reject:
	}
	allowed, err := d.groups.may(ctx, r.User, d.Approvers)
	switch {
	case err != nil:
		return done{}, err
	case !allowed:
		return notApprover(), nil
	case row.Status != "proposed":
		return done{outcome: events.SlackRefused, reason: "decided already", reply: &Reply{Text: "That is decided already.", Blocks: []api.Block{section("That is decided already."), small(becameOf(row))}}}, nil
	case d.expired(r):
		return done{outcome: events.SlackRefused, reason: "expired", reply: &Reply{Text: "This has expired here. My Home has what still waits, as it is now."}}, nil
	case row.Analyst == r.person():
		return refusal("Somebody else has to decide on what you proposed."), nil
	case digest(row) != w.Digest:
		return refusal("The proposal has changed since this message: look at it again in my Home."), nil
	}
	says, repeated, err := d.dispatchDecision(ctx, r, id, w)
	if err != nil {
		return done{}, err
	}
	return done{outcome: events.SlackRecorded, repeated: repeated, reply: &Reply{Text: says}}, nil
}

// dispatchDecision records a decision. The message that was tapped in is changed by what comes of it.
func (d *Door) dispatchDecision(ctx context.Context, r Request, id uuid.UUID, w Decide) (says string, repeated bool, err error) {
	by := "user:" + r.person()
	if w.Verdict == Reject {
		receipt, err := d.Dispatch(ctx, commands.RejectImprovement{Meta: d.meta(r, id, 0, ""), Improvement: w.Improvement, By: by, Reason: "in Slack"})
		return "Rejected.", receipt.Repeated, err
	}
	if d.Approve == nil {
		return "", false, errors.New("slack: nobody makes what is approved")
	}
	made, repeated, err := d.Approve(ctx, commands.ApproveImprovement{Meta: d.meta(r, id, 0, ""), Improvement: w.Improvement, By: by, Note: "in Slack"})
	if made {
		return "Approved, and made: runs that start from now on have it.", repeated, err
	}
	return "Approved. The change is yours to make.", repeated, err
}
