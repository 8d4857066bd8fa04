package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// Tail is a subscription of an engine that reads its log page by page.
type Tail struct {
	// After is the position it begins behind.
	After uint64
	// Page reads what comes next, nothing at the end of the log. What it returns is not used any more when it is called
	// again. While it fails with ErrUnavailable it is called again at every tick.
	Page func(context.Context) ([]events.Envelope, error)
	// Grown is woken when the log has grown.
	Grown *Broadcast
	// Ticks are when to look at the log although nobody woke it.
	Ticks <-chan time.Time
	// Closed ends with the store. Page then fails.
	Closed <-chan struct{}
}

// Follow yields what Store.Subscribe does, until yield is false, ctx ends, the store is closed, or Page fails for good.
func (t Tail) Follow(ctx context.Context, yield func(Message, error) bool) {
	for at, told := t.After, false; ; {
		grown := t.Grown.Next()
		page, err := t.Page(ctx)
		switch {
		case err != nil && (!errors.Is(err, ErrUnavailable) || t.closed()):
			yield(Message{}, fmt.Errorf("subscribe: %w", err))
			return
		case err != nil: // for now
		case len(page) > 0:
			for i := range page {
				if err := ctx.Err(); err != nil {
					yield(Message{}, fmt.Errorf("subscribe: %w", err))
					return
				}
				at, told = page[i].Position, false
				if !yield(Message{Event: page[i], Position: at}, nil) {
					return
				}
			}
			// Only a page without any event tells that the end is reached: more can have come since this one was read.
			continue
		case !told:
			if !yield(Message{CaughtUp: true, Position: at}, nil) {
				return
			}
			told = true
		}
		select {
		case <-grown:
		case <-t.Ticks:
		case <-ctx.Done():
		case <-t.Closed:
		}
	}
}

func (t Tail) closed() bool {
	select {
	case <-t.Closed:
		return true
	default:
		return false
	}
}
