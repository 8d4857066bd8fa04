package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

func (s *suite) repeating() []test {
	return []test{
		{"a batch that stands is a success", s.repeats},
		{"a batch that stands in part is a conflict", s.parts},
		{"an id of another stream is refused", s.foreign},
		{"a refused batch leaves nothing behind", s.nothingBehind},
	}
}

// expectations are some of each sort.
var expectations = []eventstore.Expected{
	eventstore.Any, eventstore.NoStream, eventstore.Exists, eventstore.Exactly(0), eventstore.Exactly(1),
	eventstore.Exactly(2), eventstore.Exactly(5), eventstore.Exactly(99),
}

func (s *suite) repeats(t *testing.T, ctx context.Context) {
	store := s.open(t)
	a, b := facts("a", 3), facts("b", 2)
	first := put(t, ctx, store, "run-1", a...)
	put(t, ctx, store, "run-2", facts("other", 4)...)
	second := put(t, ctx, store, "run-1", b...)
	before := all(t, ctx, store, eventstore.ReadOptions{})
	standing := stream(t, ctx, store, "run-1", eventstore.StreamOptions{})
	changed := append([]events.Envelope(nil), a...)
	changed[1].Data = []byte(`{"changed":true}`)
	for _, c := range []struct {
		name  string
		batch []events.Envelope
		want  eventstore.Appended
	}{
		{"the last batch", b, second},
		{"a batch with others behind it", a, first},
		{"its first event", a[:1], eventstore.Appended{Revision: 0, Position: standing[0].Position}},
		{"its last event", a[2:], first},
		{"both as one", append(facts("a", 3), b...), second},
		{"with others between", []events.Envelope{a[0], b[1]}, second},
		{"with other content", changed, first},
	} {
		for _, expected := range expectations {
			got, err := store.Append(ctx, "run-1", expected, c.batch)
			if err != nil || !s.repeated(got, c.want) {
				t.Errorf("%s, expecting %s: got %+v, %v, want %+v", c.name, expected, got, err, c.want)
			}
		}
	}
	after := all(t, ctx, store, eventstore.ReadOptions{})
	same(t, "after the repeats", after, before)
	if string(after[1].Data) != string(a[1].Data) {
		t.Errorf("a repeat changed history to %s", after[1].Data)
	}
	put(t, ctx, store, "run-1", fact("next"))
	rising(t, all(t, ctx, store, eventstore.ReadOptions{}))
}

func (s *suite) parts(t *testing.T, ctx context.Context) {
	store := s.open(t)
	a := facts("a", 3)
	put(t, ctx, store, "run-1", a...)
	before := all(t, ctx, store, eventstore.ReadOptions{})
	x, y := fact("x"), fact("y")
	for _, c := range []struct {
		name  string
		batch []events.Envelope
	}{
		{"new behind old", []events.Envelope{a[2], x}},
		{"new before old", []events.Envelope{x, a[0]}},
		{"old between new", []events.Envelope{x, a[1], y}},
		{"new between old", []events.Envelope{a[0], x, a[2]}},
		{"all and one more", []events.Envelope{a[0], a[1], a[2], x}},
		{"in another order", []events.Envelope{a[1], a[0]}},
	} {
		for _, expected := range expectations {
			_, err := store.Append(ctx, "run-1", expected, c.batch)
			if err == nil {
				t.Fatalf("%s, expecting %s: it was taken", c.name, expected)
			}
			wantConflict(t, err, "run-1", expected, eventstore.Exactly(2))
		}
	}
	same(t, "after the conflicts", all(t, ctx, store, eventstore.ReadOptions{}), before)
	put(t, ctx, store, "run-1", x, y)
	rising(t, all(t, ctx, store, eventstore.ReadOptions{}))
}

func (s *suite) foreign(t *testing.T, ctx context.Context) {
	if s.idsPerStream {
		t.Skip("the engine recognises an id only within its stream")
	}
	store := s.open(t)
	a := facts("a", 2)
	put(t, ctx, store, "run-1", a...)
	put(t, ctx, store, "run-2", fact("b"))
	before := all(t, ctx, store, eventstore.ReadOptions{})
	for _, name := range []string{"run-2", "run-new"} {
		for _, batch := range [][]events.Envelope{a, a[:1], {fact("x"), a[1]}, {a[0], fact("x")}} {
			for _, expected := range expectations {
				if _, err := store.Append(ctx, name, expected, batch); !errors.Is(err, eventstore.ErrTaken) {
					t.Errorf("append %d of run-1 to %s, expecting %s: got %v, want ErrTaken", len(batch), name, expected, err)
				}
			}
		}
	}
	same(t, "afterwards", all(t, ctx, store, eventstore.ReadOptions{}), before)
}

// nothingBehind has a refused batch bring a stream, a kind and an event first, and then uses each of them.
func (s *suite) nothingBehind(t *testing.T, ctx context.Context) {
	if s.idsPerStream {
		t.Skip("the engine recognises an id only within its stream")
	}
	store := s.open(t)
	put(t, ctx, store, "run-1", fact("a"))
	x := fact("x")
	x.Kind = "kind.never_seen"
	for range 2 {
		if _, err := store.Append(ctx, "run-new", eventstore.Any, []events.Envelope{x, fact("a")}); !errors.Is(err, eventstore.ErrTaken) {
			t.Fatalf("got %v, want ErrTaken", err)
		}
		for _, err := range store.ReadStream(ctx, "run-new", eventstore.StreamOptions{}) {
			if !errors.Is(err, eventstore.ErrNoStream) {
				t.Fatalf("got %v, want ErrNoStream", err)
			}
		}
	}
	if a, err := store.Append(ctx, "run-new", eventstore.NoStream, []events.Envelope{x}); err != nil || a.Revision != 0 {
		t.Fatalf("got %+v, %v", a, err)
	}
	y := fact("y")
	y.Kind = x.Kind
	put(t, ctx, store, "run-1", y)
	got := all(t, ctx, store, eventstore.ReadOptions{Kinds: []string{x.Kind}})
	same(t, "of the new kind", got, []events.Envelope{x, y})
	rising(t, all(t, ctx, store, eventstore.ReadOptions{}))
}
