package slack

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// Propose shows a proposal in the channel for them: it is posted once, and changed when something comes of it.
func (d *Door) Propose(ctx context.Context, w managers.SlackProposal) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	row, known, err := d.improvement(ctx, w.Improvement)
	if err != nil {
		return err
	}
	now, err := d.agentOf(ctx, row)
	if err != nil {
		return err
	}
	channel, ts, reason := w.Channel, w.TS, ""
	switch {
	case !known:
		reason = "nobody knows it any more"
	case w.TS != "":
		reason, err = d.change(ctx, w, proposalMessage(row, now, w.As == managers.Expired))
	case row.Status != projections.Proposed || d.Now().Sub(w.ProposedAt) > managers.ProposalFor:
		channel, reason = d.Proposals, "it waited for nobody here any more"
	default:
		channel = d.Proposals
		as := managers.SlackRun{Workspace: w.Workspace, Run: w.Improvement, StartedAt: w.ProposedAt}
		ts, err = d.post(ctx, as, channel, "", "proposal", proposalMessage(row, now, false)...)
		var refused api.SlackErrorResponse
		if errors.As(err, &refused) {
			reason, err = refused.Err, nil
			d.Log.Error("a proposal could not be posted: `slack.proposals` in the configuration names the channel, and the app must be in it", "channel", channel, "reason", reason)
		}
	}
	if err != nil {
		return err
	}
	return d.proposed(ctx, w, channel, ts, reason)
}

// ProposeGaveUp ends what could not be shown.
func (d *Door) ProposeGaveUp(ctx context.Context, w managers.SlackProposal, reason string) error {
	d.Log.Error("a proposal could not be shown", "improvement", w.Improvement, "reason", reason)
	channel := w.Channel
	if channel == "" {
		channel = d.Proposals
	}
	return d.proposed(ctx, w, channel, w.TS, reason)
}

// change puts a proposal as it is now into its message.
func (d *Door) change(ctx context.Context, w managers.SlackProposal, options []api.MsgOption) (reason string, err error) {
	err = d.limits.call(ctx, "chat.update", w.Channel, func(ctx context.Context) error {
		_, _, _, err := d.API.UpdateMessageContext(ctx, w.Channel, w.TS, options...)
		return err
	})
	var refused api.SlackErrorResponse
	if errors.As(err, &refused) {
		return refused.Err, nil
	}
	return "", err
}

func (d *Door) proposed(ctx context.Context, w managers.SlackProposal, channel, ts, reason string) error {
	post := w.Post()
	run := managers.SlackRun{Workspace: w.Workspace}
	_, err := d.Dispatch(ctx, commands.RecordSlackPost{
		Meta: d.postMeta(run, events.NameID(w.ProposedAt, "the post of "+post)), Post: post, Channel: channel, TS: ts, Reason: clip(reason, 500),
	})
	if err != nil && d.Refused(err) {
		return nil // another process has told it
	}
	return err
}

// proposalMessage is a proposal as a message. One that has expired there is decided elsewhere.
func proposalMessage(row projections.ImprovementRow, now projections.AgentRow, expired bool) []api.MsgOption {
	blocks := proposalBlocks(row, now)
	if expired && row.Status == projections.Proposed {
		blocks = append(blocks[:len(blocks)-1:len(blocks)-1], small(":hourglass: Expired here. My Home and `virtuous6 improvements` have what still waits."))
	}
	return []api.MsgOption{api.MsgOptionText("A proposal: "+inert(clip(oneLine(row.Reason), 300)), false), api.MsgOptionBlocks(blocks...)}
}

// expired tells of a tap in a message that is too old to decide by.
func (d *Door) expired(r Request) bool {
	seconds, _, _ := strings.Cut(r.Message, ".")
	at, err := strconv.ParseInt(seconds, 10, 64)
	return err == nil && d.Now().Sub(time.Unix(at, 0)) > managers.ProposalFor
}

func (d *Door) improvement(ctx context.Context, id string) (row projections.ImprovementRow, known bool, err error) {
	rows, err := d.Reader.Improvements(ctx, "")
	if i := slices.IndexFunc(rows, func(row projections.ImprovementRow) bool { return row.Improvement == id }); err == nil && i >= 0 {
		return rows[i], true, nil
	}
	return row, false, err
}

// agentOf is the agent that a proposal would change, as it is now.
func (d *Door) agentOf(ctx context.Context, row projections.ImprovementRow) (projections.AgentRow, error) {
	if row.Change.Config == nil {
		return projections.AgentRow{}, nil
	}
	rows, err := d.Reader.Agents(ctx)
	if i := slices.IndexFunc(rows, func(a projections.AgentRow) bool { return a.Agent == row.Change.Agent }); err == nil && i >= 0 {
		return rows[i], nil
	}
	return projections.AgentRow{}, err
}
