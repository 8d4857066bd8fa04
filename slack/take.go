package slack

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
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

// Take carries out what a delivery wants. It returns within AckWithin, whatever hangs: what changes something is in the log by then, what only
// reads is answered afterwards. body is what the acknowledgement says, nil for nothing. An error means that nothing was done as far as
// is known, and that Slack should bring it again; only ErrMalformed stays what it is.
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
	ctx, stop := context.WithTimeout(ctx, d.AckWithin)
	t := &taking{Door: d, r: r, id: id, arrived: arrived, settled: make(chan struct{})}
	select {
	case d.takes <- func() { defer stop(); t.settle(ctx) }:
	case <-ctx.Done():
		stop()
		return t.failed(ErrBusy)
	}
	select {
	case <-t.settled:
	case <-ctx.Done():
		if t.acknowledged.CompareAndSwap(false, true) {
			// What comes of it after all is told then.
			return t.failed(context.Cause(ctx))
		}
		<-t.settled
	}
	return t.body, t.err
}

// taking is a request on its way to what comes of it.
type taking struct {
	*Door
	r       Request
	id      uuid.UUID
	arrived time.Time
	// acknowledged tells that it is settled what the acknowledgement says: by what came of the request, or by the time.
	acknowledged atomic.Bool
	settled      chan struct{}
	body         any
	err          error
}

// failed is what is said of a request of which nothing came in time. Slack does not bring a command again: who gave it should know.
func (t *taking) failed(err error) (body any, _ error) {
	t.Log.Error("a delivery from Slack could not be carried out", "type", t.r.Type, "wish", t.r.Wish.wish(), "error", err)
	if t.r.Type != "slash" {
		return nil, err
	}
	says := "That did not work, nothing was recorded. Please try again in a moment."
	if errors.Is(err, context.DeadlineExceeded) {
		says = "That takes longer than it should. If nothing comes of it within a minute, please try again."
	}
	return ack{ResponseType: "ephemeral", Text: says}, nil
}

// settle carries the request out.
func (t *taking) settle(ctx context.Context) {
	defer func() {
		t.acknowledged.Store(true)
		close(t.settled)
	}()
	r := t.r
	r.Wish = t.worded(ctx, r, t.arrived)
	if perform := t.reading(r); perform != nil {
		if ctx.Err() != nil {
			t.err = ctx.Err()
			return // who asked was told so
		}
		if !t.taken.first(t.id.String()) {
			return
		}
		read := t.later(func(ctx context.Context) {
			result := soon(ctx, perform)
			t.tell(ctx, r, result)
			t.record(ctx, r, t.id, t.arrived, result)
		})
		if !read {
			t.taken.forget(t.id.String())
			t.err = ErrBusy
		}
		return
	}
	result, err := t.perform(ctx, r, t.id)
	var unknown unknownGroup
	switch {
	case errors.As(err, &unknown):
		result = refusal("%s", unknown.says())
	case err != nil && t.Refused(err):
		result = refusal("%s", firstUpper(err.Error()))
	case err != nil:
		if t.acknowledged.CompareAndSwap(false, true) {
			t.body, t.err = t.failed(err)
		}
		return
	}
	if !t.taken.first(t.id.String()) || result.repeated || result.outcome == "" {
		return
	}
	inTime := t.acknowledged.CompareAndSwap(false, true)
	if inTime && result.reply != nil && result.reply.Blocks == nil && r.Type == "slash" {
		t.body, result.reply = ack{ResponseType: "ephemeral", Text: inert(result.reply.Text)}, nil
	}
	told := t.later(func(ctx context.Context) {
		t.tell(ctx, r, result)
		t.renew(ctx, r)
		t.record(ctx, r, t.id, t.arrived, result)
	})
	if !told {
		t.Log.Warn("too much to do: an answer and its record are left out", "type", r.Type, "wish", r.Wish.wish())
	}
}

// toldWithin bounds how long an answer to a request is on its way: Slack may be down, others wait behind it, and nobody waits for it any more.
const toldWithin = time.Minute

// soon does something that ends by then.
func soon[T any](ctx context.Context, f func(context.Context) T) T {
	ctx, stop := context.WithTimeout(ctx, toldWithin)
	defer stop()
	return f(ctx)
}

// renew shows the Home anew after a tap in it.
func (d *Door) renew(ctx context.Context, r Request) {
	if !r.Home {
		return
	}
	err := soon(ctx, func(ctx context.Context) error { return d.showAnew(ctx, r) })
	if err != nil && ctx.Err() == nil {
		d.Log.Warn("the Home is not shown anew", "error", err)
	}
}

func (d *Door) showAnew(ctx context.Context, r Request) error {
	err := d.reach(ctx)
	if err == nil {
		_, err = d.home(ctx, r)
	}
	return err
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
	err := soon(ctx, func(ctx context.Context) error {
		return d.limits.call(ctx, method, channel, func(ctx context.Context) error {
			_, _, err := d.API.PostMessageContext(ctx, channel, options...)
			return err
		})
	})
	if err != nil && ctx.Err() == nil {
		d.learn(method, err)
		d.Log.Warn("Slack did not take an answer", "method", method, "channel", channel, "error", err, "remedy", remedy(err))
	}
}
