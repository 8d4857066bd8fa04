package slack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// ErrBusy tells of a delivery that could not be taken now: Slack should bring it again.
var ErrBusy = errors.New("too much to do at the moment")

// Reply is what somebody is told.
type Reply struct {
	// Text is what is read aloud, and shown where blocks are not.
	Text   string
	Blocks []api.Block
	// Open shows it to everyone there, not only to who asked.
	Open bool
}

// ack is the body of an acknowledgement that tells something at once.
type ack struct {
	ResponseType string `json:"response_type"`
	Text         string `json:"text"`
}

// done is what came of a request.
type done struct {
	outcome events.SlackOutcome
	run     string
	reason  string
	// reply is what is told, nil for nothing.
	reply *Reply
	// repeated tells that it had been done before: nobody is told again.
	repeated bool
}

func refusal(format string, args ...any) done {
	says := fmt.Sprintf(format, args...)
	return done{outcome: events.SlackRefused, reason: says, reply: &Reply{Text: says}}
}

// Take carries out what a delivery wants. It returns soon: what changes something is in the log by then, what only reads is
// answered afterwards. body is what the acknowledgement says, nil for nothing. An error means that nothing was done, and that
// Slack should bring it again; only ErrMalformed stays what it is.
func (d *Door) Take(ctx context.Context, delivery Delivery) (body any, err error) {
	arrived := d.Now()
	r, err := Parse(delivery)
	if err != nil {
		return nil, err
	}
	d = d.of(r.Team)
	if why, none := r.Wish.(Nothing); none {
		d.Log.Debug("a delivery is not for the agent", "type", r.Type, "reason", why.Why)
		return nil, nil
	}
	if ask, ok := r.Wish.(Ask); ok && !ask.Overheard {
		if q, understood := answers.Understand(ask.Text, arrived); understood {
			r.Wish = Know{q}
		}
	}
	id := r.id()
	if d.taken.known(id.String()) {
		return nil, nil
	}
	r.Wish = d.worded(ctx, r, arrived)
	if perform := d.reading(r); perform != nil {
		ok := d.taken.first(id.String()) && d.later(func(ctx context.Context) {
			result := perform(ctx)
			d.tell(ctx, r, result)
			d.record(ctx, r, id, arrived, result)
		})
		if !ok && !d.taken.known(id.String()) {
			return nil, ErrBusy
		}
		return nil, nil
	}
	ctx, stop := context.WithTimeout(ctx, d.AckWithin)
	defer stop()
	result, err := d.perform(ctx, r, id)
	switch {
	case err != nil && d.Refused(err):
		result = refusal("%s", firstUpper(err.Error()))
	case err != nil:
		d.Log.Error("a delivery from Slack could not be carried out", "type", r.Type, "wish", r.Wish.wish(), "error", err)
		if r.Type == "slash" {
			// Slack does not bring a command again: who gave it should know.
			return ack{ResponseType: "ephemeral", Text: "That did not work, nothing was recorded. Please try again in a moment."}, nil
		}
		return nil, err
	}
	if !d.taken.first(id.String()) || result.repeated || result.outcome == "" {
		return nil, nil
	}
	if result.reply != nil && result.reply.Blocks == nil && r.Type == "slash" {
		body, result.reply = ack{ResponseType: "ephemeral", Text: inert(result.reply.Text)}, nil
	}
	told := d.later(func(ctx context.Context) {
		d.tell(ctx, r, result)
		d.renew(ctx, r)
		d.record(ctx, r, id, arrived, result)
	})
	if !told {
		d.Log.Warn("too much to do: an answer and its record are left out", "type", r.Type, "wish", r.Wish.wish())
	}
	return body, nil
}

// renew shows the Home anew after a tap in it.
func (d *Door) renew(ctx context.Context, r Request) {
	if !r.Home {
		return
	}
	err := d.reach(ctx)
	if err == nil {
		_, err = d.home(ctx, r)
	}
	if err != nil && ctx.Err() == nil {
		d.Log.Warn("the Home is not shown anew", "error", err)
	}
}

// meta is that of a command that a request leads to, the nth of it.
func (d *Door) meta(r Request, id uuid.UUID, n int, run string) commands.Meta {
	return commands.Meta{ID: events.DeriveID(id, n), At: d.Now().UTC(), Actor: "user:" + r.person(), Workspace: d.Workspace, Correlation: run}
}

// recordSlot is the place of the record among a request's commands.
const recordSlot = 99

// record keeps what came of a request.
func (d *Door) record(ctx context.Context, r Request, id uuid.UUID, arrived time.Time, result done) {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	meta := d.meta(r, id, recordSlot, result.run)
	_, err := d.Dispatch(ctx, commands.RecordInteraction{
		Meta: meta, Interaction: meta.ID.String(), User: r.person(), Channel: r.Channel, Thread: r.Thread, Type: r.Type,
		Name: r.Wish.wish(), Run: result.run, Outcome: result.outcome, Reason: clip(result.reason, 500), TookNanos: int64(d.Now().Sub(arrived)),
	})
	if err != nil && !d.Refused(err) && ctx.Err() == nil {
		d.Log.Error("an interaction was not recorded", "interaction", meta.ID, "error", err)
	}
}

// tell answers a request where it came from.
func (d *Door) tell(ctx context.Context, r Request, result done) {
	if result.reply == nil {
		return
	}
	options := []api.MsgOption{api.MsgOptionText(inert(result.reply.Text), false)}
	if len(result.reply.Blocks) > 0 {
		options = append(options, api.MsgOptionBlocks(result.reply.Blocks...))
	}
	method, channel := "chat.postEphemeral", r.Channel
	switch {
	case r.ResponseURL != "":
		kind := api.ResponseTypeEphemeral
		if result.reply.Open {
			kind = api.ResponseTypeInChannel
		}
		method = "response_url"
		options = append(options, api.MsgOptionResponseURL(r.ResponseURL, kind))
	case r.Home:
		// What was refused, or read, has no other place than the messages of the app.
		method, channel = "chat.postMessage", r.User
	case r.Channel == "":
		return
	case result.reply.Open || r.Channel[0] == 'D':
		method = "chat.postMessage"
		options = append(options, api.MsgOptionTS(r.Thread), partOf(r.id().String(), "reply"))
	default:
		if r.Thread != "" {
			options = append(options, api.MsgOptionTS(r.Thread))
		}
		options = append(options, api.MsgOptionPostEphemeral(r.User))
	}
	err := d.limits.call(ctx, method, channel, func(ctx context.Context) error {
		_, _, err := d.API.PostMessageContext(ctx, channel, options...)
		return err
	})
	if err != nil && ctx.Err() == nil {
		d.learn(method, err)
		d.Log.Warn("Slack did not take an answer", "method", method, "channel", channel, "error", err)
	}
}
