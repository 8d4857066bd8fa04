package slack

import (
	"context"
	"strconv"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// Propose shows a proposal in the channel for them: it is posted once, and changed when something comes of it.
func (d *Door) Propose(ctx context.Context, w managers.SlackProposal) error {
	if err := d.Reach(ctx); err != nil {
		return err
	}
	row, known, err := d.improvement(ctx, w.Of)
	if err != nil {
		return err
	}
	now, err := d.agentOf(ctx, row)
	if err != nil {
		return err
	}
	c := card{channel: d.Proposals, text: "A proposal: " + inert(clip(oneLine(row.Reason), 300))}
	switch {
	case !known:
		return d.shown(ctx, w.SlackCard, d.Proposals, "", w.TS, "nobody knows it any more")
	case row.Status != projections.Proposed || d.Now().Sub(w.Since) > managers.ProposalFor:
		c.late = "it waited for nobody here any more"
	}
	c.blocks = proposalBlocks(row, now)
	if w.As == managers.Expired && row.Status == projections.Proposed {
		c.blocks = expiredBlocks(c.blocks)
	}
	return d.show(ctx, w.SlackCard, c)
}

// expiredBlocks are those of a proposal that has expired here, which is decided elsewhere: without its buttons.
func expiredBlocks(blocks []api.Block) []api.Block {
	return append(blocks[:len(blocks)-1:len(blocks)-1], small(":hourglass: Expired here. My Home and `virtuous6 improvements` have what still waits."))
}

// ProposeGaveUp ends what could not be shown.
func (d *Door) ProposeGaveUp(ctx context.Context, w managers.SlackProposal, reason string) error {
	return d.notShown(ctx, w.SlackCard, reason)
}

// expired tells of a tap in a message that is too old to decide by.
func (d *Door) expired(r Request) bool {
	seconds, _, _ := strings.Cut(r.Message, ".")
	at, err := strconv.ParseInt(seconds, 10, 64)
	return err == nil && d.Now().Sub(time.Unix(at, 0)) > managers.ProposalFor
}

func (d *Door) improvement(ctx context.Context, id string) (row projections.ImprovementRow, known bool, err error) {
	rows, err := d.Reader.Improvements(ctx, "")
	return firstOf(rows, err, func(row projections.ImprovementRow) bool { return row.Improvement == id })
}

// agentOf is the agent that a proposal would change, as it is now.
func (d *Door) agentOf(ctx context.Context, row projections.ImprovementRow) (projections.AgentRow, error) {
	if row.Change.Config == nil {
		return projections.AgentRow{}, nil
	}
	rows, err := d.Reader.Agents(ctx)
	agent, _, err := firstOf(rows, err, func(a projections.AgentRow) bool { return a.Agent == row.Change.Agent })
	return agent, err
}
