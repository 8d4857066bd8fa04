package slack

import (
	"context"
	"errors"
	"fmt"
	"time"

	api "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/sync/errgroup"
)

// maxFrame bounds what a socket may bring at once, in bytes.
const maxFrame = 4 << 20

// errToken tells of an app token that Slack does not know.
var errToken = errors.New("the app token is unknown to Slack: make one with the scope connections:write, and set SLACK_APP_TOKEN")

// Listen takes what Slack sends by a socket, which it opens itself, until ctx is done. client calls Slack with the app's token.
func (d *Door) Listen(ctx context.Context, client *api.Client) error {
	for {
		err := d.listen(ctx, client)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, errToken) {
			return err
		}
		d.Log.Warn("the socket to Slack ended: it is opened again", "error", err)
		if err := sleep(ctx, 5*time.Second); err != nil {
			return nil
		}
	}
}

func (d *Door) listen(ctx context.Context, client *api.Client) error {
	socket := socketmode.New(client, socketmode.OptionReadLimit(maxFrame))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return socket.RunContext(ctx) })
	taking := make(chan struct{}, workers)
	group.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case event := <-socket.Events:
				switch event.Type {
				case socketmode.EventTypeInvalidAuth:
					return errToken
				case socketmode.EventTypeConnected:
					d.Log.Info("listening to Slack by a socket")
				case socketmode.EventTypeConnectionError:
					d.Log.Warn("Slack can't be reached by a socket", "error", fmt.Sprint(event.Data))
				}
				if event.Request == nil || event.Request.EnvelopeID == "" {
					continue
				}
				// One slow delivery keeps no other from being acknowledged.
				select {
				case taking <- struct{}{}:
				case <-ctx.Done():
					return nil
				}
				group.Go(func() error {
					defer func() { <-taking }()
					d.takeFrom(ctx, socket, *event.Request)
					return nil
				})
			}
		}
	})
	return group.Wait()
}

// takeFrom takes a delivery of a socket. What could not be taken is not acknowledged: Slack brings it again.
func (d *Door) takeFrom(ctx context.Context, socket *socketmode.Client, request socketmode.Request) {
	delivery := Delivery{Payload: request.Payload, Envelope: request.EnvelopeID}
	switch request.Type {
	case socketmode.RequestTypeSlashCommands:
		delivery.Kind = SlashDelivery
	case socketmode.RequestTypeEventsAPI:
		delivery.Kind = EventDelivery
	case socketmode.RequestTypeInteractive:
		delivery.Kind = InteractionDelivery
	default:
		d.Log.Debug("the socket brought something unknown", "type", request.Type)
	}
	var answer any
	var err error
	if delivery.Kind != "" {
		answer, err = d.Take(ctx, delivery)
	}
	switch {
	case errors.Is(err, ErrMalformed):
		d.Log.Warn("the socket brought what can't be read", "type", request.Type, "error", err)
	case err != nil:
		return
	}
	if err := socket.AckCtx(ctx, request.EnvelopeID, answer); err != nil && ctx.Err() == nil {
		d.Log.Warn("a delivery could not be acknowledged", "envelope", request.EnvelopeID, "error", err)
	}
}
