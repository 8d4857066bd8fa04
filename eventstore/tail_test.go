package eventstore

import (
	"context"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// An outage is no reason not to tell of the end of the log, once it is there again.
func TestATailTellsCaughtUpAfterAnOutage(t *testing.T) {
	t.Parallel()
	ticks := make(chan time.Time, 2)
	ticks <- time.Time{}
	calls := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tail := Tail{Grown: new(Broadcast), Ticks: ticks, Closed: make(chan struct{}), Page: func(ctx context.Context) ([]events.Envelope, error) {
		switch calls++; {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case calls == 1:
			return nil, ErrUnavailable
		case calls > 2:
			cancel()
			return nil, ctx.Err()
		}
		ticks <- time.Time{}
		return nil, nil
	}}
	told := false
	tail.Follow(ctx, func(m Message, err error) bool {
		told = told || err == nil && m.CaughtUp
		return err == nil && !m.CaughtUp
	})
	if !told {
		t.Error("caught up was never told")
	}
}
