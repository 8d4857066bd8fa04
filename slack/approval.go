package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// approvalBlocks is a call that an agent wants to make, with what decides on it or with what was decided. It shows the whole
// call: what nobody sees nobody approves.
func approvalBlocks(row projections.ApprovalRow, prompt string) []api.Block {
	text := fmt.Sprintf(":raised_hand: *%s* wants to call *%s*", inert(clip(oneLine(row.Agent), 80)), inert(clip(oneLine(row.Tool), 80)))
	if prompt != "" {
		text += "\n>" + inert(clip(oneLine(prompt), 200))
	}
	blocks := []api.Block{section(text)}
	arguments, most := legible(row.Arguments), maxSection-100
	if strings.ContainsAny(arguments, "&<>`") {
		most = maxEscaped
	}
	for _, part := range pieces(arguments, most) {
		blocks = append(blocks, section("```"+fencedOff(part)+"```"))
	}
	if row.Status != projections.ApprovalAsked {
		return append(blocks, small(answerOf(row)))
	}
	approve := button(callAction+string(Approve), row.Approval, "Approve").WithStyle(api.StylePrimary)
	reject := button(callAction+string(Reject), row.Approval, "Reject").WithStyle(api.StyleDanger)
	return append(blocks, api.NewActionBlock("", approve, reject), small("For this very call. The run waits; it expires "+moment(row.ExpiresAt)+"  ·  run `"+inert(row.Run)+"`"))
}

// maxEscaped is how much of a text a section surely holds once it is escaped.
const maxEscaped = maxSection/5 - 10

// maxIndented bounds what is indented: deep JSON grows by that.
const maxIndented = 4096

// legible is the arguments of a call as a person reads them. What can't be seen is spelled out, as JSON spells it.
func legible(arguments string) string {
	var indented bytes.Buffer
	if json.Indent(&indented, []byte(arguments), "", "  ") == nil && indented.Len() <= maxIndented {
		arguments = indented.String()
	}
	var b strings.Builder
	for _, r := range cmp.Or(arguments, "{}") {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// fencedOff is a text that can't end the code that it stands in.
func fencedOff(text string) string { return strings.ReplaceAll(inert(text), "```", "`\u2060`\u2060`") }

// answerOf tells what was decided on a call, by whom and when.
func answerOf(row projections.ApprovalRow) string {
	says := map[string]string{
		string(events.ApprovalGranted): ":white_check_mark: Approved", string(events.ApprovalRejected): ":x: Rejected", string(events.ApprovalExpired): ":hourglass: Expired",
		string(events.ApprovalWithdrawn): ":no_entry_sign: Withdrawn",
	}[row.Status]
	why := map[string]string{
		string(events.ApprovalExpired): ": nobody decided in time, and it was not called", string(events.ApprovalWithdrawn): ": the run has ended",
	}[row.Status]
	if row.AnsweredBy != "" {
		says += " by " + person(row.AnsweredBy)
	}
	return cmp.Or(says, inert(row.Status)) + " " + moment(row.AnsweredAt) + why
}

// Permit shows a call that waits for a person where its run was asked for, and what was decided.
func (d *Door) Permit(ctx context.Context, w managers.SlackApproval) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	reader := d.Reader.In(w.Workspace)
	row, err := reader.Approval(ctx, w.Of)
	if err != nil {
		return err
	}
	run, _, err := reader.Run(ctx, w.Run)
	if err != nil {
		return err
	}
	if err := d.Texts(ctx, &run); err != nil {
		return err
	}
	c := card{channel: d.Proposals, text: fmt.Sprintf("%s wants to call %s: a person has to let it", inert(clip(oneLine(row.Agent), 80)), inert(clip(oneLine(row.Tool), 80)))}
	channel, thread, err := d.threadOf(ctx, run)
	if err != nil {
		return err
	}
	quoted := run.Prompt
	if _, user := personOf(run.Requester); thread != "" {
		// Who decides must be able to see it.
		if channel[0] != 'D' || d.Proposals == "" || d.groups.surely(ctx, user, d.deciders()) {
			c.channel, c.thread, quoted = channel, thread, ""
		}
	}
	c.blocks = approvalBlocks(row, quoted)
	if row.Status != projections.ApprovalAsked {
		c.late = "it was decided before"
	}
	if thread != "" {
		// It comes first: once the card is recorded nobody wants this any more.
		if err := d.session(ctx, channel, thread, "", w.Workspace, w.Run); err != nil {
			return err
		}
	}
	return d.show(ctx, w.SlackCard, c)
}

// PermitGaveUp ends what could not be shown.
func (d *Door) PermitGaveUp(ctx context.Context, w managers.SlackApproval, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}

// deciders are those who may let calls be made.
func (d *Door) deciders() []string {
	if len(d.ToolApprovers) > 0 {
		return d.ToolApprovers
	}
	return d.Approvers
}

// threadOf is the thread that a run is answered in, nowhere for one that did not come from Slack.
func (d *Door) threadOf(ctx context.Context, run projections.RunRow) (channel, thread string, err error) {
	at, err := events.ParseSlackThread(run.Conversation)
	if err != nil {
		return "", "", nil //nolint:nilerr // it did not come from Slack
	}
	if at.TS != "" {
		return at.Channel, at.TS, nil
	}
	return d.begun(ctx, run.Workspace, run.Conversation)
}

// session tells how the session of a run's thread stands, and its title where there is one: suspended while a person is to decide or money is missing, over with the run.
func (d *Door) session(ctx context.Context, channel, thread, title, workspace, run string) error {
	reader, told := d.Reader.In(workspace), ""
	for {
		row, _, err := reader.Run(ctx, run)
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return err
		}
		status := "processing"
		if err == nil && row.Outcome != projections.Running {
			status = "active"
		} else if err == nil && row.Suspended != "" {
			status = "suspended"
		} else {
			asked, err := reader.Approvals(ctx, projections.ApprovalAsked)
			if err != nil {
				return err
			}
			for _, a := range asked {
				if a.Run == run {
					status = "suspended"
				}
			}
		}
		// The run may have gone on while that was told.
		if status == told {
			return nil
		}
		d.titled(ctx, channel, thread, status, title)
		told = status
	}
}

// permit records a person's decision on a call, where they may decide.
func (d *Door) permit(ctx context.Context, r Request, id uuid.UUID, w Permit) (done, error) {
	if d.AnswerApproval == nil {
		return done{}, errors.New("slack: nobody answers approvals")
	}
	if err := d.reach(ctx); err != nil {
		return done{}, err
	}
	row, err := d.Reader.Approval(ctx, w.Approval)
	if errors.Is(err, projections.ErrNotFound) {
		return refusal("I know no such call any more."), nil
	}
	if err != nil {
		return done{}, err
	}
	allowed, err := d.groups.may(ctx, r.User, d.deciders())
	switch {
	case err != nil:
		return done{}, err
	case !allowed:
		return refusal("You are not among those who may let calls be made. `slack.tool_approvers` in the configuration names them."), nil
	case row.Status != projections.ApprovalAsked:
		return done{
			outcome: events.SlackRefused, run: row.Run, reason: "decided already",
			reply: &Reply{Text: "That is decided already.", Blocks: []api.Block{section("That is decided already."), small(answerOf(row))}},
		}, nil
	case !d.Now().Before(row.ExpiresAt):
		return refusal("This has expired: nobody decided in time, and it was not called."), nil
	}
	answer, says := events.ApprovalRejected, "Rejected: the agent is told so, and goes on."
	if w.Grant {
		answer, says = events.ApprovalGranted, "Approved: the run goes on."
	}
	_, err = d.AnswerApproval(ctx, d.meta(r, id, 0, row.Run), row.Approval, answer, "user:"+r.person(), "in Slack")
	return done{outcome: events.SlackRecorded, run: row.Run, reply: &Reply{Text: says}}, err
}
