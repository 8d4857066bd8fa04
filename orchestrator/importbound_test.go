package orchestrator

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
)

// heldBytes counts the bytes of records that were read, and are not in the log yet.
type heldBytes struct {
	eventstore.Store
	now, most atomic.Int64
}

func (u *heldBytes) add(n int64) { u.most.Store(max(u.most.Load(), u.now.Add(n))) }

func (u *heldBytes) Submit(ctx context.Context, chain *eventstore.Chain, stream string, expected eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	size := 0
	for _, e := range batch {
		size += len(e.Data)
	}
	wait := u.Store.Submit(ctx, chain, stream, expected, batch)
	return func() (eventstore.Appended, error) {
		defer u.now.Add(-int64(size))
		return wait()
	}
}

// TestAnImportHoldsNoMoreThanItsBound imports records that take many times as much together, and one that is larger alone.
func TestAnImportHoldsNoMoreThanItsBound(t *testing.T) {
	t.Parallel()
	const bound, prompt, runs = 1 << 20, 100 << 10, 60
	store := &heldBytes{Store: eventstore.NewMemory(time.Now)}
	records := func(yield func(ingest.Record, error) bool) {
		n := 0
		for r := range (ingest.Simulation{Seed: 3, Runs: runs}).Records() {
			size := prompt
			if n++; n == runs/2 {
				size = 2 * bound
			}
			start := r.Run[0].(commands.StartRun)
			start.Prompt = strings.Repeat("word ", size/5)
			r.Run[0], r.Agents = start, nil
			store.add(int64(size))
			if !yield(r, nil) {
				return
			}
		}
	}
	d := NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	sum, err := importAll(t.Context(), &importing{dispatcher: d, onProblem: func(*ingest.Problem) {}, bound: bound}, records)
	if err != nil || sum.Taken != runs {
		t.Fatalf("%+v, %v", sum, err)
	}
	// Under way, read ahead, and the record that the parser has in hand.
	if most := store.most.Load(); most > 5*bound {
		t.Errorf("%d bytes were held at once", most)
	}
}
