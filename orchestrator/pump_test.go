package orchestrator_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// hurried is a log whose subscriptions never catch up, as where events come as fast as they are read.
type hurried struct{ eventstore.Store }

func (h hurried) Subscribe(ctx context.Context, after uint64) iter.Seq2[eventstore.Message, error] {
	return func(yield func(eventstore.Message, error) bool) {
		for m, err := range h.Store.Subscribe(ctx, after) {
			if !m.CaughtUp && !yield(m, err) {
				return
			}
		}
	}
}

func TestPumpDoesNotWaitForTheEndOfTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := eventstore.NewMemory(time.Now)
		models, err := projections.Open(t.Context(), projections.NewMemory(), projections.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- orchestrator.Pump(ctx, hurried{store}, models) }()
		for _, run := range []string{"a", "b", "c"} {
			kind, version, data, err := events.Encode(events.RunStarted{Run: run, Workflow: "w"})
			if err != nil {
				t.Fatal(err)
			}
			at, err := store.Append(t.Context(), "run-"+run, eventstore.NoStream, []events.Envelope{{
				ID: orchestrator.NewID(), Kind: kind, Version: version, Data: data, OccurredAt: time.Now(), Actor: "user:anna",
			}})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if p, err := models.Position(t.Context()); err != nil || p != at.Position {
				t.Fatalf("the read models are at %d (%v), the log is at %d", p, err, at.Position)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// closing is a log whose reader ends with ctx, as every engine's does, but reads what it had before.
type closing struct {
	eventstore.Store
	after  int
	cancel context.CancelFunc
}

func (c *closing) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		for i := 0; ; i++ {
			if i == c.after {
				c.cancel()
			}
			if !yield(events.Envelope{Position: uint64(i + 1), Kind: "run.started", Version: 1, Data: []byte("{}")}, nil) {
				return
			}
		}
	}
}

// Whatever the reader, the decoders and the consumer were doing when ctx ended, all of them come back.
func TestBatchesEndWithTheirContext(t *testing.T) {
	t.Parallel()
	for after := range 2_000 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var last error
			for _, err := range orchestrator.Batches(ctx, &closing{after: after % 50, cancel: cancel}, 0, math.MaxUint64, 1+after%3) {
				last = err
			}
			if !errors.Is(last, context.Canceled) {
				t.Fatalf("the last batch came with %v, want %v", last, context.Canceled)
			}
		})
	}
}
