package replay_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
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
		models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- replay.Pump(ctx, hurried{store}, models, models.Apply, nil) }()
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
			for _, err := range replay.Batches(ctx, &closing{after: after % 50, cancel: cancel}, 0, math.MaxUint64, 1+after%3) {
				last = err
			}
			if !errors.Is(last, context.Canceled) {
				t.Fatalf("the last batch came with %v, want %v", last, context.Canceled)
			}
		})
	}
}

// endless is a log to which a kind of fact is appended for ever.
type endless struct {
	eventstore.Store
	kind    string
	size    int
	yielded atomic.Int64
}

func (e *endless) Subscribe(ctx context.Context, after uint64) iter.Seq2[eventstore.Message, error] {
	return func(yield func(eventstore.Message, error) bool) {
		data := make([]byte, e.size)
		for p := after + 1; ctx.Err() == nil; p++ {
			fact := events.Envelope{Stream: "run-r", Revision: p - 1, Position: p, Kind: e.kind, Version: 1, OccurredAt: time.Now(), Data: data}
			if !yield(eventstore.Message{Event: fact, Position: p}, nil) {
				return
			}
			e.yielded.Add(1)
		}
	}
}

// stuck is an engine that, once it is stuck, does not come back from a write before the write is given up.
type stuck struct {
	readmodel.Engine
	is atomic.Bool
}

func (s *stuck) Update(ctx context.Context, f func(readmodel.Tx) error) error {
	if s.is.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Engine.Update(ctx, f)
}

// While the read models wait, no more of the log is held than there is room for.
func TestPumpHoldsABoundedPartOfTheLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       string
		size       int
		atMost     int64
		everything bool
	}{
		{"run.started", 1 << 20, 66, false},
		{"run.started", 100 << 20, 2, false},
		{"run.llm_called", 1 << 20, 8_200, true}, // of which no fold reads the facts
	} {
		synctest.Test(t, func(t *testing.T) {
			engine := &stuck{Engine: readmodel.NewMemory()}
			models, err := projections.Open(t.Context(), engine, readmodel.Options{})
			if err != nil {
				t.Fatal(err)
			}
			engine.is.Store(true)
			store := &endless{Store: eventstore.NewMemory(time.Now), kind: c.kind, size: c.size}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- replay.Pump(ctx, store, models, models.Apply, nil) }()
			synctest.Wait()
			if n := store.yielded.Load(); n > c.atMost || c.everything && n < 4_000 {
				t.Errorf("%d facts of %s with %d bytes were taken in, want %d at most", n, c.kind, c.size, c.atMost)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// whole is an endless log that is read from its beginning.
type whole struct{ endless }

func (e *whole) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		for m := range e.Subscribe(ctx, o.From) {
			if !yield(m.Event, nil) {
				return
			}
		}
	}
}

// While the first batch is folded, no more of the log is read ahead than there is room for.
func TestBatchesHoldABoundedPartOfTheLog(t *testing.T) {
	t.Parallel()
	for size, atMost := range map[int]int64{16: 130_000, 1 << 20: 60, 100 << 20: 2} {
		synctest.Test(t, func(t *testing.T) {
			store := &whole{endless{kind: "run.started", size: size}}
			for _, err := range replay.Batches(t.Context(), store, 0, math.MaxUint64, replay.MaxBatch) {
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				break
			}
			if n := store.yielded.Load(); n > atMost {
				t.Errorf("%d facts of %d bytes were read ahead, want %d at most", n, size, atMost)
			}
		})
	}
}
