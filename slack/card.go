package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// card is how something stands, as a message.
type card struct {
	// channel and thread are where it is posted first.
	channel, thread string
	text            string
	blocks          []api.Block
	// opens is the conversation whose thread it begins, empty for none.
	opens string
	// late tells why it is not posted any more, where it never was.
	late string
}

// show posts a card, or changes its message to how it stands now, and records that.
func (d *Door) show(ctx context.Context, w managers.SlackCard, c card) error {
	if w.Workspace != d.Workspace { // those here are not to see it
		return d.shown(ctx, w, noChannel, "", "", "it is of another workspace")
	}
	text := api.MsgOptionText(c.text, false)
	as := managers.SlackRun{Workspace: w.Workspace, Run: w.Of, StartedAt: w.Since}
	channel, ts, reason := w.Channel, w.TS, ""
	var err error
	switch {
	case ts != "":
		err = d.withBlocks(c.blocks, func(blocks api.MsgOption) error {
			return d.limits.call(ctx, "chat.update", channel, func(ctx context.Context) error {
				_, _, _, err := d.API.UpdateMessageContext(ctx, channel, ts, text, blocks)
				return err
			})
		})
	case c.channel == "":
	case c.late != "":
		// Who posted it may have died before it was recorded: it is put right then.
		channel = c.channel
		if ts, err = d.earlier(ctx, as, channel, c.thread, cardPart); ts == "" {
			reason = c.late
		}
	default:
		channel = c.channel
		err = d.withBlocks(c.blocks, func(blocks api.MsgOption) error {
			ts, err = d.post(ctx, as, channel, c.thread, cardPart, text, blocks)
			return err
		})
	}
	var refused api.SlackErrorResponse
	if errors.As(err, &refused) {
		reason, err = refused.Err, nil
		d.Log.Error("a message could not be shown", "channel", channel, "of", w.Of, "reason", reason, "remedy", remedy(refused))
	}
	if err != nil {
		return err
	}
	if c.opens != "" && ts != "" && w.TS == "" {
		_, err := d.Dispatch(ctx, commands.OpenSlackThread{
			Meta: d.postMeta(managers.SlackRun{Workspace: w.Workspace, Run: w.Run}, events.NameID(w.Since, "the thread of "+w.Of)),
			Post: w.Of, Run: w.Run, Conversation: c.opens, Channel: channel, Thread: ts,
		})
		if err != nil && !d.Refused(err) { // another process has told it
			return err
		}
	}
	return d.shown(ctx, w, channel, c.thread, ts, reason)
}

// cardPart is the part of a post that a card is.
const cardPart = "card"

// noChannel stands in a record for a channel that there is none of.
const noChannel = "none"

// shown records that a card was posted, changed or given up.
func (d *Door) shown(ctx context.Context, w managers.SlackCard, channel, thread, ts, reason string) error {
	post := w.Post()
	if channel == "" {
		channel, reason = noChannel, "no channel is configured for it"
	}
	_, err := d.Dispatch(ctx, commands.RecordSlackPost{
		Meta: d.postMeta(managers.SlackRun{Workspace: w.Workspace, Run: w.Run}, events.NameID(w.Since, "the post of "+post)),
		Post: post, Run: w.Run, Channel: channel, Thread: thread, TS: ts, Reason: clip(reason, 500),
	})
	if err != nil && d.Refused(err) {
		return nil // another process has told it
	}
	return err
}

// notShown ends a card that could not be shown.
func (d *Door) notShown(ctx context.Context, w managers.SlackCard, reason string) error {
	d.Log.Error("a message could not be shown", "of", w.Of, "reason", reason)
	return d.shown(ctx, w, w.Channel, "", w.TS, reason)
}

// firstOf is the first row for which something holds.
func firstOf[R any](rows []R, err error, holds func(R) bool) (row R, known bool, _ error) {
	if i := slices.IndexFunc(rows, holds); err == nil && i >= 0 {
		return rows[i], true, nil
	}
	return row, false, err
}

// moment is a time as each reader's own clock has it.
func moment(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time}|%s>", t.Unix(), t.UTC().Format(time.RFC3339))
}

// person names a person who did something, as facts call them.
func person(by string) string {
	if _, user := personOf(strings.TrimPrefix(by, "user:")); user != "" {
		return "<@" + user + ">"
	}
	return inert(strings.TrimPrefix(by, "user:"))
}
