package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

func (s *suite) reading() []test {
	return []test{
		{"a stream from everywhere", s.readStream},
		{"a stream that does not exist", s.noStream},
		{"the log from everywhere", s.readAll},
		{"the log by kind", s.readKinds},
		{"the log without what a fold leaves alone", s.readBrief},
		{"more than an engine holds in memory", s.readLong},
		{"events that fill a page each", s.readLarge},
		{"a consumer may use the store", s.readNested},
		{"an iterator may be used again", s.readTwice},
		{"a done context ends a read", s.readCancelled},
	}
}

// cut is what a read of list must yield, the slow and plain way.
func cut(list []events.Envelope, d eventstore.Direction, limit int, wanted func(events.Envelope) bool) []events.Envelope {
	var out []events.Envelope
	for _, e := range list {
		if wanted(e) {
			out = append(out, e)
		}
	}
	if d == eventstore.Backwards {
		slices.Reverse(out)
	}
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

func (s *suite) readStream(t *testing.T, ctx context.Context) {
	store := s.open(t)
	want := facts("mine", 7)
	for i, e := range want {
		put(t, ctx, store, "run-1", e)
		put(t, ctx, store, "run-2", fact(fmt.Sprintf("other-%d", i)))
	}
	for i := range want {
		want[i].Revision = uint64(i)
	}
	at := func(r uint64) *uint64 { return &r }
	for _, d := range []eventstore.Direction{eventstore.Forwards, eventstore.Backwards} {
		for _, limit := range []int{-1, 0, 1, 3, 7, 8, math.MaxInt} {
			for _, from := range []*uint64{nil, at(0), at(1), at(3), at(6), at(7), at(8), at(math.MaxInt64), at(math.MaxUint64)} {
				o := eventstore.StreamOptions{From: from, Direction: d, Limit: limit}
				name := fmt.Sprintf("backwards %t, limit %d", d, limit)
				if from != nil {
					name += fmt.Sprintf(", from %d", *from)
				}
				same(t, name, stream(t, ctx, store, "run-1", o), cut(want, d, limit, func(e events.Envelope) bool {
					return from == nil || d == eventstore.Forwards && e.Revision >= *from || d == eventstore.Backwards && e.Revision <= *from
				}))
			}
		}
	}
}

func (s *suite) noStream(t *testing.T, ctx context.Context) {
	store := s.open(t)
	put(t, ctx, store, "run-1", fact("a"))
	zero := uint64(0)
	for _, name := range []string{"run-2", "run", "run-1 ", "", "run-\x00", "run-\xff"} {
		for _, o := range []eventstore.StreamOptions{{}, {Direction: eventstore.Backwards}, {From: &zero, Limit: 1}} {
			n := 0
			for e, err := range store.ReadStream(ctx, name, o) {
				n++
				if !errors.Is(err, eventstore.ErrNoStream) {
					t.Errorf("%q: got %s, %v, want ErrNoStream", name, e.ID, err)
				}
			}
			if n != 1 {
				t.Errorf("%q: yielded %d times, want the error once", name, n)
			}
		}
	}
}

// mixed fills a log with three streams and three kinds.
func mixed(t *testing.T, ctx context.Context, s eventstore.Store, n int) []events.Envelope {
	t.Helper()
	for i, e := range facts("mixed", n) {
		e.Kind = fmt.Sprintf("kind.%d", i%3)
		put(t, ctx, s, fmt.Sprintf("run-%d", i/2%3), e)
	}
	log := all(t, ctx, s, eventstore.ReadOptions{})
	same(t, "the whole log", log, facts("mixed", n))
	rising(t, log)
	return log
}

func (s *suite) readAll(t *testing.T, ctx context.Context) {
	store := s.open(t)
	log := mixed(t, ctx, store, 13)
	head := log[12].Position
	for _, d := range []eventstore.Direction{eventstore.Forwards, eventstore.Backwards} {
		for _, limit := range []int{-1, 0, 1, 5, 13, 14, math.MaxInt} {
			for _, from := range []uint64{0, 1, log[0].Position, log[5].Position, head - 1, head, head + 1, math.MaxInt64, math.MaxUint64} {
				o := eventstore.ReadOptions{From: from, Direction: d, Limit: limit}
				same(t, fmt.Sprintf("%+v", o), all(t, ctx, store, o), cut(log, d, limit, func(e events.Envelope) bool {
					return d == eventstore.Forwards && e.Position > from || d == eventstore.Backwards && (from == 0 || e.Position < from)
				}))
			}
		}
	}
}

func (s *suite) readKinds(t *testing.T, ctx context.Context) {
	store := s.open(t)
	log := mixed(t, ctx, store, 20)
	for _, d := range []eventstore.Direction{eventstore.Forwards, eventstore.Backwards} {
		for _, limit := range []int{0, 1, 4, 20} {
			for _, from := range []uint64{0, log[4].Position, log[19].Position} {
				for _, kinds := range [][]string{{"kind.0"}, {"kind.1", "kind.2"}, {"kind.2", "kind.2", "unheard.of"}, {"unheard.of"}, {""}, {"kind"}, {"kind.%"}} {
					o := eventstore.ReadOptions{From: from, Direction: d, Limit: limit, Kinds: kinds}
					same(t, fmt.Sprintf("%+v", o), all(t, ctx, store, o), cut(log, d, limit, func(e events.Envelope) bool {
						after := d == eventstore.Forwards && e.Position > from || d == eventstore.Backwards && (from == 0 || e.Position < from)
						return after && slices.Contains(kinds, e.Kind)
					}))
				}
			}
		}
	}
}

func (s *suite) readLong(t *testing.T, ctx context.Context) {
	const size, batch = 3_000, 250
	store := s.open(t)
	want := facts("long", size)
	for i := range want {
		if i%1_000 == 999 {
			want[i].Kind = "seldom"
		}
	}
	for i := 0; i < size; i += batch {
		put(t, ctx, store, fmt.Sprintf("run-%d", i/batch%2), want[i:i+batch]...)
	}
	log := all(t, ctx, store, eventstore.ReadOptions{})
	rising(t, log)
	same(t, "forwards", log, want)
	same(t, "backwards", all(t, ctx, store, eventstore.ReadOptions{Direction: eventstore.Backwards}),
		cut(log, eventstore.Backwards, 0, func(events.Envelope) bool { return true }))
	for _, d := range []eventstore.Direction{eventstore.Forwards, eventstore.Backwards} {
		same(t, "of a seldom kind", all(t, ctx, store, eventstore.ReadOptions{Direction: d, Kinds: []string{"seldom"}, Limit: 2}),
			cut(log, d, 2, func(e events.Envelope) bool { return e.Kind == "seldom" }))
		same(t, "of one stream", stream(t, ctx, store, "run-1", eventstore.StreamOptions{Direction: d, Limit: size/2 - 1}),
			cut(log, d, size/2-1, func(e events.Envelope) bool { return e.Stream == "run-1" }))
	}
	// What is appended while a read is under way is read, too: the end is where the read reaches it.
	n := 0
	for _, err := range store.ReadAll(ctx, eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			put(t, ctx, store, "run-late", fact("late"))
		}
	}
	if n != size+1 {
		t.Errorf("read %d events, want %d", n, size+1)
	}
}

// readLarge has reads begin at, before and behind events that are larger than what an engine reads at a time.
func (s *suite) readLarge(t *testing.T, ctx context.Context) {
	store := s.open(t)
	want := facts("large", 5)
	for i := range want {
		if i%3 > 0 { // two of them side by side
			want[i].Data = []byte(`"` + strings.Repeat("x", s.payload-2) + `"`)
		}
		want[i].Revision = uint64(i)
		put(t, ctx, store, "run-1", want[i])
	}
	var at [5]uint64
	n := 0
	for m, err := range store.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.CaughtUp {
			break
		}
		if m.Event.ID != want[n].ID || len(m.Event.Data) != len(want[n].Data) {
			t.Fatalf("subscribed to %s with %d bytes, want %s with %d", m.Event.ID, len(m.Event.Data), want[n].ID, len(want[n].Data))
		}
		at[n] = m.Position
		n++
	}
	same(t, "forwards", all(t, ctx, store, eventstore.ReadOptions{}), want)
	for i := range want {
		same(t, "one from each", all(t, ctx, store, eventstore.ReadOptions{From: at[i], Limit: 1}), want[i+1:min(i+2, len(want))])
	}
	everything := func(events.Envelope) bool { return true }
	backwards := cut(want, eventstore.Backwards, 0, everything)
	same(t, "backwards", all(t, ctx, store, eventstore.ReadOptions{Direction: eventstore.Backwards}), backwards)
	same(t, "a stream", stream(t, ctx, store, "run-1", eventstore.StreamOptions{}), want)
	same(t, "a stream backwards", stream(t, ctx, store, "run-1", eventstore.StreamOptions{Direction: eventstore.Backwards}), backwards)
}

// readNested has consumers within consumers, deeper than any pool of connections.
func (s *suite) readNested(t *testing.T, ctx context.Context) {
	store := s.open(t)
	put(t, ctx, store, "run-1", fact("a"))
	var deeper func(depth int)
	deeper = func(depth int) {
		for range store.ReadAll(ctx, eventstore.ReadOptions{Limit: 1}) {
			for range store.ReadStream(ctx, "run-1", eventstore.StreamOptions{Limit: 1}) {
				if _, err := store.Head(ctx); err != nil {
					t.Error(err)
				}
				put(t, ctx, store, "run-deep", fact(fmt.Sprintf("depth-%d", depth)))
				if depth < 20 {
					deeper(depth + 1)
				}
			}
		}
	}
	deeper(0)
	if n := len(stream(t, ctx, store, "run-deep", eventstore.StreamOptions{})); n != 21 {
		t.Errorf("%d events were appended, want 21", n)
	}
}

func (s *suite) readTwice(t *testing.T, ctx context.Context) {
	store := s.open(t)
	put(t, ctx, store, "run-1", facts("a", 5)...)
	log, one := store.ReadAll(ctx, eventstore.ReadOptions{Limit: 4}), store.ReadStream(ctx, "run-1", eventstore.StreamOptions{Limit: 4})
	for range 2 {
		for name, seq := range map[string]func(func(events.Envelope, error) bool){"log": log, "stream": one} {
			n := 0
			for e, err := range seq {
				if err != nil || e.Revision != uint64(n) {
					t.Fatalf("%s: got revision %d, %v, want %d", name, e.Revision, err, n)
				}
				n++
			}
			if n != 4 {
				t.Errorf("%s: got %d events, want 4", name, n)
			}
		}
	}
}

func (s *suite) readCancelled(t *testing.T, _ context.Context) {
	store := s.open(t)
	put(t, t.Context(), store, "run-1", facts("a", 50)...)
	for name, read := range map[string]func(context.Context) func(func(events.Envelope, error) bool){
		"log": func(ctx context.Context) func(func(events.Envelope, error) bool) {
			return store.ReadAll(ctx, eventstore.ReadOptions{})
		},
		"stream": func(ctx context.Context) func(func(events.Envelope, error) bool) {
			return store.ReadStream(ctx, "run-1", eventstore.StreamOptions{})
		},
	} {
		for _, after := range []int{0, 3} {
			ctx, cancel := context.WithCancel(t.Context())
			if after == 0 {
				cancel()
			}
			n, last := 0, error(nil)
			for _, err := range read(ctx) {
				if n++; n == after {
					cancel()
				}
				last = err
			}
			if !errors.Is(last, context.Canceled) || n > 50 {
				t.Errorf("%s cancelled after %d: ended after %d with %v", name, after, n, last)
			}
			cancel()
		}
	}
}
