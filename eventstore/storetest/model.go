package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// model does random appends and reads, and expects what a plain list would have answered. All rounds share one log.
func (s *suite) model(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	store := s.open(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		head, err := store.Head(ctx)
		if err != nil {
			rt.Fatal(err)
		}
		m := &model{ctx: ctx, store: store, round: round, start: head, foreign: !s.idsPerStream, repeated: s.repeated}
		rt.Repeat(map[string]func(*rapid.T){
			"append":      m.append,
			"repeat":      m.repeat,
			"read stream": m.readStream,
			"read all":    m.readAll,
			"head":        m.head,
		})
	})
}

type model struct {
	ctx     context.Context
	store   eventstore.Store
	round   int
	start   uint64
	foreign bool
	// repeated checks the answer of a repeat.
	repeated func(got, want eventstore.Appended) bool
	fresh    int
	log      []events.Envelope // with revisions and positions
}

func (m *model) name(t *rapid.T) string {
	return fmt.Sprintf("run-%d-%d", m.round, rapid.IntRange(0, 2).Draw(t, "stream"))
}

func (m *model) of(stream string) (list []events.Envelope) {
	for _, e := range m.log {
		if e.Stream == stream {
			list = append(list, e)
		}
	}
	return list
}

func (m *model) append(t *rapid.T) {
	batch := make([]events.Envelope, rapid.IntRange(0, 3).Draw(t, "size"))
	for i := range batch {
		m.fresh++
		batch[i] = fact(fmt.Sprintf("model-%d-%d", m.round, m.fresh))
		batch[i].Kind = rapid.SampledFrom([]string{"kind.a", "kind.b"}).Draw(t, "kind")
	}
	m.expect(t, m.name(t), batch)
}

// repeat appends events of which at least one stands somewhere already.
func (m *model) repeat(t *rapid.T) {
	if len(m.log) == 0 {
		t.Skip("nothing to repeat")
	}
	standing := rapid.SampledFrom(m.log).Draw(t, "standing")
	name := standing.Stream
	if m.foreign && rapid.Bool().Draw(t, "elsewhere") {
		name = m.name(t)
	}
	of := m.of(standing.Stream)
	from := rapid.IntRange(0, int(standing.Revision)).Draw(t, "from")
	batch := append([]events.Envelope(nil), of[from:standing.Revision+1]...)
	if rapid.IntRange(0, 3).Draw(t, "fresh too") == 0 {
		m.fresh++
		at := rapid.IntRange(0, len(batch)).Draw(t, "at")
		batch = append(batch[:at:at], append([]events.Envelope{fact(fmt.Sprintf("model-%d-%d", m.round, m.fresh))}, batch[at:]...)...)
	}
	m.expect(t, name, batch)
}

// expect appends, and compares the answer with what the contract says.
func (m *model) expect(t *rapid.T, name string, batch []events.Envelope) {
	of := m.of(name)
	expected := rapid.OneOf(
		rapid.SampledFrom([]eventstore.Expected{eventstore.Any, eventstore.NoStream, eventstore.Exists}),
		rapid.Just(eventstore.Expected(max(len(of)-1, 0))),
		rapid.Custom(func(t *rapid.T) eventstore.Expected {
			return eventstore.Expected(rapid.IntRange(0, 6).Draw(t, "revision"))
		}),
	).Draw(t, "expected")
	actual := eventstore.NoStream
	if len(of) > 0 {
		actual = eventstore.Exactly(uint64(len(of) - 1))
	}
	got, err := m.store.Append(m.ctx, name, expected, batch)

	standing, foreign := 0, false
	var last events.Envelope
	for _, e := range batch {
		for _, old := range m.log {
			if old.ID == e.ID {
				standing, foreign, last = standing+1, foreign || old.Stream != name, old
			}
		}
	}
	holds := expected == eventstore.Any || expected == actual || expected == eventstore.Exists && len(of) > 0
	switch {
	case foreign:
		if !errors.Is(err, eventstore.ErrTaken) {
			t.Fatalf("append to %s: got %v, want ErrTaken", name, err)
		}
	case standing > 0 && standing == len(batch):
		if want := (eventstore.Appended{Revision: last.Revision, Position: last.Position}); err != nil || !m.repeated(got, want) {
			t.Fatalf("repeat on %s: got %+v, %v, want %+v", name, got, err, want)
		}
	case standing > 0 || !holds:
		var conflict *eventstore.ConflictError
		if !errors.As(err, &conflict) || conflict.Actual != actual || conflict.Expected != expected || conflict.Stream != name {
			t.Fatalf("append to %s: got %v, want a conflict with %s", name, err, actual)
		}
	case err != nil:
		t.Fatalf("append to %s: %v", name, err)
	case len(batch) == 0:
		if want := (eventstore.Appended{}); len(of) == 0 && got != want || len(of) > 0 && got.Position != of[len(of)-1].Position {
			t.Fatalf("empty append to %s: got %+v", name, got)
		}
	default:
		m.learn(t, name, of, batch, got)
	}
}

// learn takes over a batch that was stored. Which positions an engine gives is its own affair, as long as they rise.
func (m *model) learn(t *rapid.T, name string, of, batch []events.Envelope, got eventstore.Appended) {
	from := uint64(len(of))
	i := 0
	for e, err := range m.store.ReadStream(m.ctx, name, eventstore.StreamOptions{From: &from}) {
		last := m.start
		if n := len(m.log); n > 0 {
			last = m.log[n-1].Position
		}
		if err != nil || i >= len(batch) || e.ID != batch[i].ID || e.Revision != from+uint64(i) || e.Position <= last {
			t.Fatalf("behind revision %d of %s: got %+v, %v after position %d", len(of), name, e, err, last)
		}
		m.log = append(m.log, e)
		i++
	}
	if last := m.log[len(m.log)-1]; i != len(batch) || got.Revision != last.Revision || got.Position != last.Position {
		t.Fatalf("append to %s: got %+v, the stream ends at revision %d, position %d", name, got, last.Revision, last.Position)
	}
}

func (m *model) readStream(t *rapid.T) {
	name := m.name(t)
	of := m.of(name)
	o := eventstore.StreamOptions{
		Direction: eventstore.Direction(rapid.Bool().Draw(t, "backwards")),
		Limit:     rapid.IntRange(0, 5).Draw(t, "limit"),
	}
	if rapid.Bool().Draw(t, "from a revision") {
		from := rapid.Uint64Range(0, uint64(len(of)+1)).Draw(t, "from")
		o.From = &from
	}
	var got []events.Envelope
	for e, err := range m.store.ReadStream(m.ctx, name, o) {
		if len(of) == 0 && errors.Is(err, eventstore.ErrNoStream) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	m.compare(t, got, cut(of, o.Direction, o.Limit, func(e events.Envelope) bool {
		return o.From == nil || o.Direction == eventstore.Forwards && e.Revision >= *o.From || o.Direction == eventstore.Backwards && e.Revision <= *o.From
	}))
}

func (m *model) readAll(t *rapid.T) {
	o := eventstore.ReadOptions{
		Direction: eventstore.Direction(rapid.Bool().Draw(t, "backwards")),
		Limit:     rapid.IntRange(0, 5).Draw(t, "limit"),
		From:      m.start,
	}
	if len(m.log) > 0 && (o.Direction == eventstore.Backwards || rapid.Bool().Draw(t, "from within")) {
		o.From = rapid.SampledFrom(m.log).Draw(t, "from").Position
	}
	if rapid.Bool().Draw(t, "by kind") {
		o.Kinds = []string{rapid.SampledFrom([]string{"kind.a", "kind.b", "run.started"}).Draw(t, "kind")}
	}
	if o.Direction == eventstore.Backwards && o.From <= 1 {
		o.Direction = eventstore.Forwards
	}
	var got []events.Envelope
	for e, err := range m.store.ReadAll(m.ctx, o) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Position <= m.start {
			break // what rounds before this one left
		}
		got = append(got, e)
	}
	m.compare(t, got, cut(m.log, o.Direction, o.Limit, func(e events.Envelope) bool {
		after := o.Direction == eventstore.Forwards && e.Position > o.From || o.Direction == eventstore.Backwards && e.Position < o.From
		return after && (len(o.Kinds) == 0 || o.Kinds[0] == e.Kind)
	}))
}

func (m *model) head(t *rapid.T) {
	want := m.start
	if n := len(m.log); n > 0 {
		want = m.log[n-1].Position
	}
	if head, err := m.store.Head(m.ctx); err != nil || head != want {
		t.Fatalf("head %d, %v, want %d", head, err, want)
	}
}

func (m *model) compare(t *rapid.T, got, want []events.Envelope) {
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Fatalf("got\n%+v\nwant\n%+v", got, want)
	}
}
