package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

func (s *suite) submitting() []test {
	return []test{
		{"in the order of submission", s.submitInOrder},
		{"each submitter's order is kept", s.submitTogether},
		{"a refused one stops no other", s.submitRefused},
		{"a refused one stops those behind it in its chain", s.submitChained},
		{"chains keep their order side by side", func(t *testing.T, ctx context.Context) { s.submitChains(t, ctx, s.open(t), nil) }},
		{"what can't be taken is told by wait", s.submitInvalid},
		{"closing finishes what was submitted", s.submitAndClose},
	}
}

type waiting struct {
	batch []events.Envelope
	wait  func() (eventstore.Appended, error)
}

// submitInOrder waits for nothing before all is submitted, and then for the last first.
func (s *suite) submitInOrder(t *testing.T, ctx context.Context) {
	const size, streams = 300, 4
	store := s.open(t)
	var submitted []waiting
	var want []events.Envelope
	next := make([]eventstore.Expected, streams)
	for i := range next {
		next[i] = eventstore.NoStream
	}
	for i := range size {
		batch, at := facts(fmt.Sprintf("s%d", i), 1+i%3), i%streams
		// Each expects what the one before it will have left.
		submitted = append(submitted, waiting{batch, store.Submit(ctx, nil, fmt.Sprintf("run-%d", at), next[at], batch)})
		want = append(want, batch...)
		next[at] = max(next[at], -1) + eventstore.Expected(len(batch))
	}
	last := uint64(0)
	for i := len(submitted) - 1; i >= 0; i-- {
		a, err := submitted[i].wait()
		if err != nil {
			t.Fatalf("submission %d: %v", i, err)
		}
		if last > 0 && a.Position >= last {
			t.Fatalf("submission %d is at position %d, the one after it at %d", i, a.Position, last)
		}
		last = a.Position
	}
	log := all(t, ctx, store, eventstore.ReadOptions{})
	rising(t, log)
	same(t, "the log", log, want)
}

func (s *suite) submitTogether(t *testing.T, ctx context.Context) {
	const submitters, size = 6, 60
	store := s.open(t)
	var wg sync.WaitGroup
	for g := range submitters {
		wg.Go(func() {
			var submitted []waiting
			for i := range size {
				batch := facts(fmt.Sprintf("g%d-%d", g, i), 1)
				submitted = append(submitted, waiting{batch, store.Submit(ctx, nil, fmt.Sprintf("run-%d", (g+i)%5), eventstore.Any, batch)})
			}
			last := uint64(0)
			for i := range submitted {
				a, err := submitted[i].wait()
				if err != nil || a.Position <= last {
					t.Errorf("submission %d of %d: position %d after %d, %v", i, g, a.Position, last, err)
				}
				last = a.Position
			}
		})
	}
	wg.Wait()
	log := all(t, ctx, store, eventstore.ReadOptions{})
	rising(t, log)
	if len(log) != submitters*size {
		t.Errorf("the log holds %d events, want %d", len(log), submitters*size)
	}
}

func (s *suite) submitRefused(t *testing.T, ctx context.Context) {
	store := s.open(t)
	first := store.Submit(ctx, nil, "run-1", eventstore.NoStream, facts("a", 2))
	second := store.Submit(ctx, nil, "run-1", eventstore.NoStream, facts("b", 2))
	third := store.Submit(ctx, nil, "run-1", eventstore.Exactly(1), facts("c", 1))
	again := store.Submit(ctx, nil, "run-1", eventstore.NoStream, facts("a", 2))
	a, err := first()
	if err != nil || a.Revision != 1 {
		t.Errorf("the first: %+v, %v", a, err)
	}
	_, err = second()
	wantConflict(t, err, "run-1", eventstore.NoStream, eventstore.Exactly(1))
	if c, err := third(); err != nil || c.Revision != 2 {
		t.Errorf("the one after the refused one: %+v, %v", c, err)
	}
	if repeated, err := again(); err != nil || !s.repeated(repeated, a) {
		t.Errorf("the repeat: %+v, %v, want %+v", repeated, err, a)
	}
	same(t, "the log", all(t, ctx, store, eventstore.ReadOptions{}), append(facts("a", 2), facts("c", 1)...))
}

// submitChained refuses one in the middle of a chain. What another chain, or none, holds stands.
func (s *suite) submitChained(t *testing.T, ctx context.Context) {
	const size, refused = 60, 20
	store := s.open(t)
	var broken, whole eventstore.Chain
	var one, other, apart []waiting
	var want int
	for i := range size {
		expected := eventstore.NoStream
		if i == refused {
			expected = eventstore.Exactly(7)
		}
		submit := func(chain *eventstore.Chain, name string, expected eventstore.Expected) waiting {
			batch := facts(fmt.Sprintf("%s%d", name, i), 2)
			return waiting{batch, store.Submit(ctx, chain, fmt.Sprintf("run-%s%d", name, i), expected, batch)}
		}
		one = append(one, submit(&broken, "one", expected))
		other = append(other, submit(&whole, "other", eventstore.NoStream))
		apart = append(apart, submit(nil, "apart", eventstore.NoStream))
		want += 4
	}
	for i := range size {
		_, err := one[i].wait()
		switch {
		case i < refused:
			want += 2
			if err != nil {
				t.Errorf("submission %d, before the refused one: %v", i, err)
			}
		case i == refused:
			wantConflict(t, err, fmt.Sprintf("run-one%d", i), eventstore.Exactly(7), eventstore.NoStream)
		case !errors.Is(err, eventstore.ErrBroken):
			t.Errorf("submission %d, behind the refused one: %v", i, err)
		}
		for _, w := range []waiting{other[i], apart[i]} {
			if _, err := w.wait(); err != nil {
				t.Errorf("submission %d of another chain or none: %v", i, err)
			}
		}
	}
	if _, err := store.Submit(ctx, &broken, "run-late", eventstore.NoStream, facts("late", 1))(); !errors.Is(err, eventstore.ErrBroken) {
		t.Errorf("later: %v", err)
	}
	log := all(t, ctx, store, eventstore.ReadOptions{})
	if len(log) != want {
		t.Errorf("the log holds %d events, want %d", len(log), want)
	}
	if _, counted := store.(eventstore.Counted); counted && log[len(log)-1].Position != uint64(want) {
		t.Errorf("the last of %d events is at position %d: what was refused left a gap", want, log[len(log)-1].Position)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := store.Submit(done, &whole, "run-done", eventstore.NoStream, facts("done", 1))(); !errors.Is(err, context.Canceled) {
		t.Errorf("done context: %v", err)
	}
	if _, err := store.Submit(ctx, &whole, "run-late", eventstore.NoStream, facts("late", 1))(); !errors.Is(err, eventstore.ErrBroken) {
		t.Errorf("behind a done context: %v", err)
	}
}

// submitChains has chains go side by side, each over streams of its own and one that all share. The first fact of each rests
// on one in the middle of the chain before it, whose caller waits for that. No fact may stand before one that it rests on,
// also where calls are lost and made again.
func (s *suite) submitChains(t *testing.T, ctx context.Context, store eventstore.Store, disturb func()) {
	const chains, size, middle = 8, 40, 5
	chain := make([]eventstore.Chain, chains)
	settled := make([][]func() error, chains)
	batches := make([][][]events.Envelope, chains)
	for c := range chains {
		if c > 0 {
			for i, settle := range settled[c-1][:middle+1] {
				if err := settle(); err != nil {
					t.Fatalf("submission %d of chain %d: %v", i, c-1, err)
				}
			}
		}
		for i := range size {
			name, expected := fmt.Sprintf("run-%d-%d", c, i%4), eventstore.NoStream
			switch {
			case i%5 == 4:
				name, expected = "shared", eventstore.Any
			case i >= 4:
				expected = eventstore.Any
			}
			batch := facts(fmt.Sprintf("c%d-%d", c, i), 1+i%3)
			wait := store.Submit(ctx, &chain[c], name, expected, batch)
			batches[c] = append(batches[c], batch)
			settled[c] = append(settled[c], sync.OnceValue(func() error {
				_, err := wait()
				for disturb != nil && ctx.Err() == nil && (errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrBroken)) {
					_, err = store.Append(ctx, name, expected, batch) // as who was told so does
				}
				return err
			}))
			if disturb != nil && i%10 == 7 {
				disturb()
			}
		}
	}
	at := make(map[uuid.UUID]uint64)
	for _, e := range all(t, ctx, store, eventstore.ReadOptions{}) {
		at[e.ID] = e.Position // of those that stand by now
	}
	for c := range chains {
		for i, settle := range settled[c] { // in order: what is made again too
			if err := settle(); err != nil {
				t.Fatalf("submission %d of chain %d: %v", i, c, err)
			}
		}
	}
	log := all(t, ctx, store, eventstore.ReadOptions{})
	rising(t, log)
	for _, e := range log {
		if before, stood := at[e.ID]; stood && before != e.Position {
			t.Errorf("an event moved from position %d to %d", before, e.Position)
		}
		at[e.ID] = e.Position
	}
	for c := range chains {
		last := uint64(0)
		if c > 0 {
			last = at[batches[c-1][middle][0].ID]
		}
		for i, batch := range batches[c] {
			for k, e := range batch {
				if at[e.ID] <= last {
					t.Fatalf("event %d of submission %d of chain %d is at position %d, what it rests on at %d", k, i, c, at[e.ID], last)
				}
				last = at[e.ID]
			}
		}
	}
}

func (s *suite) submitInvalid(t *testing.T, ctx context.Context) {
	store := s.open(t)
	if _, err := store.Submit(ctx, nil, "", eventstore.Any, facts("a", 1))(); !errors.Is(err, eventstore.ErrInvalid) {
		t.Errorf("no stream: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := store.Submit(done, nil, "run-1", eventstore.Any, facts("a", 1))(); !errors.Is(err, context.Canceled) {
		t.Errorf("done context: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Submit(ctx, nil, "run-1", eventstore.Any, facts("a", 1))(); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("closed store: %v", err)
	}
}

func (s *suite) submitAndClose(t *testing.T, ctx context.Context) {
	store := s.open(t)
	var submitted []waiting
	for i := range 100 {
		batch := facts(fmt.Sprintf("s%d", i), 2)
		submitted = append(submitted, waiting{batch, store.Submit(ctx, nil, "run-1", eventstore.Any, batch)})
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range submitted {
		if a, err := submitted[i].wait(); err != nil || a.Revision != uint64(2*i+1) {
			t.Fatalf("submission %d: %+v, %v", i, a, err)
		}
	}
	if s.reopen == nil {
		return
	}
	if n := len(stream(t, ctx, s.reopen(t, store), "run-1", eventstore.StreamOptions{})); n != 200 {
		t.Errorf("the stream holds %d events, want 200", n)
	}
}
