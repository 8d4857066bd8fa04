package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

func (s *suite) appending() []test {
	return []test{
		{"expected revisions", s.expectedRevisions},
		{"an empty batch checks and changes nothing", s.emptyBatch},
		{"every field comes back", s.everyField},
		{"payloads from empty to huge", s.payloads},
		{"stream names of all scripts", s.streamNames},
		{"what breaks the contract is refused", s.refusals},
		{"the caller may use its batch again", s.ownership},
		{"an empty log has no head", s.emptyLog},
	}
}

func (s *suite) expectedRevisions(t *testing.T, ctx context.Context) {
	const none = eventstore.NoStream
	store, cases := s.open(t), 0
	for _, c := range []struct {
		given    int // events in the stream
		expected eventstore.Expected
		actual   eventstore.Expected // of the conflict; Any where it is taken
	}{
		{0, eventstore.Any, eventstore.Any},
		{0, eventstore.NoStream, eventstore.Any},
		{0, eventstore.Exists, none},
		{0, eventstore.Exactly(0), none},
		{0, eventstore.Exactly(7), none},
		{1, eventstore.Any, eventstore.Any},
		{1, eventstore.NoStream, eventstore.Exactly(0)},
		{1, eventstore.Exists, eventstore.Any},
		{1, eventstore.Exactly(0), eventstore.Any},
		{1, eventstore.Exactly(1), eventstore.Exactly(0)},
		{3, eventstore.Exactly(0), eventstore.Exactly(2)},
		{3, eventstore.Exactly(1), eventstore.Exactly(2)},
		{3, eventstore.Exactly(2), eventstore.Any},
		{3, eventstore.Exactly(3), eventstore.Exactly(2)},
		{3, eventstore.Exactly(math.MaxInt64), eventstore.Exactly(2)},
	} {
		for _, size := range []int{0, 1, 3} {
			cases++
			name := fmt.Sprintf("%d events given, %d appended, expecting %s", c.given, size, c.expected)
			streamName := fmt.Sprintf("run-%d", cases)
			before := eventstore.Appended{}
			if c.given > 0 {
				before = put(t, ctx, store, streamName, facts(fmt.Sprintf("given-%d", cases), c.given)...)
			}
			head, err := store.Head(ctx)
			if err != nil {
				t.Fatal(err)
			}
			a, err := store.Append(ctx, streamName, c.expected, facts(fmt.Sprintf("new-%d", cases), size))
			log := all(t, ctx, store, eventstore.ReadOptions{From: head})
			switch {
			case c.actual != eventstore.Any:
				wantConflict(t, err, streamName, c.expected, c.actual)
				if len(log) > 0 {
					t.Errorf("%s: %d events were appended", name, len(log))
				}
			case err != nil:
				t.Errorf("%s: %v", name, err)
			case len(log) != size:
				t.Errorf("%s: %d events were appended", name, len(log))
			case size == 0 && a != before:
				t.Errorf("%s: got %+v, the stream is at %+v", name, a, before)
			case size > 0 && (a.Revision != uint64(c.given+size-1) || log[size-1].Revision != a.Revision || log[size-1].Position != a.Position):
				t.Errorf("%s: got %+v, the log's last is at revision %d, position %d", name, a, log[size-1].Revision, log[size-1].Position)
			}
		}
	}
	rising(t, all(t, ctx, store, eventstore.ReadOptions{}))
}

func wantConflict(t *testing.T, err error, stream string, expected, actual eventstore.Expected) {
	t.Helper()
	var conflict *eventstore.ConflictError
	if !errors.Is(err, eventstore.ErrConflict) || !errors.As(err, &conflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	if want := (eventstore.ConflictError{Stream: stream, Expected: expected, Actual: actual}); *conflict != want {
		t.Fatalf("got %+v, want %+v", *conflict, want)
	}
}

func (s *suite) emptyBatch(t *testing.T, ctx context.Context) {
	store := s.open(t)
	for _, expected := range []eventstore.Expected{eventstore.Any, eventstore.NoStream} {
		if a, err := store.Append(ctx, "run-1", expected, nil); err != nil || a != (eventstore.Appended{}) {
			t.Errorf("expecting %s: got %+v, %v", expected, a, err)
		}
	}
	for _, err := range store.ReadStream(ctx, "run-1", eventstore.StreamOptions{}) {
		if !errors.Is(err, eventstore.ErrNoStream) {
			t.Errorf("an empty append made a stream: %v", err)
		}
	}
}

func (s *suite) everyField(t *testing.T, ctx context.Context) {
	zone := time.FixedZone("far", 9*3600)
	full := fact("full")
	full.OccurredAt = time.Date(2026, 11, 22, 3, 4, 5, 987_654_321, zone)
	full.Version = 42
	full.Kind = "kind.of its own"
	// What the log assigns is ignored in what is given.
	full.Revision, full.Position, full.RecordedAt, full.Stream = 77, 99, born, "run-elsewhere"
	bare := events.Envelope{ID: events.NameID(born, "bare"), Kind: "k", Version: 1, OccurredAt: time.Unix(0, 0)}
	early, late := fact("early"), fact("late")
	early.OccurredAt, late.OccurredAt = time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)
	odd := fact("odd")
	odd.Correlation, odd.Actor, odd.Workspace = "ränder 'quoted' \"twice\"", "user:안나\n", strings.Repeat("w", eventstore.MaxName)
	sent := []events.Envelope{full, bare, early, late, odd}

	store := s.open(t)
	put(t, ctx, store, "run-1", sent...)
	for _, got := range [][]events.Envelope{
		stream(t, ctx, store, "run-1", eventstore.StreamOptions{}),
		all(t, ctx, store, eventstore.ReadOptions{}),
	} {
		same(t, "read", got, sent)
		rising(t, got)
		for i, e := range got {
			want := sent[i]
			if !e.OccurredAt.Equal(want.OccurredAt) || e.OccurredAt.Location() != time.UTC {
				t.Errorf("%d occurred at %v, want %v in UTC", i, e.OccurredAt, want.OccurredAt)
			}
			if e.RecordedAt.IsZero() || e.RecordedAt.Equal(born) || e.RecordedAt.Location() != time.UTC {
				t.Errorf("%d was recorded at %v, want the log's own time in UTC", i, e.RecordedAt)
			}
			if !bytes.Equal(e.Data, want.Data) {
				t.Errorf("%d holds %q, want %q", i, e.Data, want.Data)
			}
			if e.Stream != "run-1" {
				t.Errorf("%d is in stream %q", i, e.Stream)
			}
			e.Stream, e.Revision, e.Position, e.RecordedAt, e.OccurredAt, e.Data = want.Stream, want.Revision, want.Position, want.RecordedAt, want.OccurredAt, nil
			want.Data = nil
			if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want) {
				t.Errorf("got %+v\nwant %+v", e, want)
			}
		}
	}
}

func (s *suite) payloads(t *testing.T, ctx context.Context) {
	store := s.open(t)
	sizes := []int{0, 1, 2, 4095, 4096, 4097, 65_535, 65_536, 65_537, s.payload, 0, 3}
	batch := facts("sized", len(sizes))
	for i, n := range sizes {
		batch[i].Data = []byte(strings.Repeat(`{"key":"value \\"}`, n/16+1)[:n])
	}
	for _, e := range batch { // one by one: an engine may bound what an append holds
		put(t, ctx, store, "run-1", e)
	}
	got := all(t, ctx, store, eventstore.ReadOptions{})
	same(t, "read", got, batch)
	for i := range got {
		if !bytes.Equal(got[i].Data, batch[i].Data) {
			t.Errorf("payload of %d bytes came back changed, with %d", len(batch[i].Data), len(got[i].Data))
		}
	}
	// Envelopes belong to the caller: writing into one, or behind it, changes no other.
	for i := range got {
		for k := range got[i].Data {
			got[i].Data[k] = 'x'
		}
	}
	for i := range got {
		got[i].Data = append(got[i].Data, "yyyyyyyy"...)
	}
	for i, e := range got {
		if len(e.Data) != sizes[i]+8 || bytes.IndexByte(e.Data[:sizes[i]], 'y') >= 0 {
			t.Errorf("payload %d shares its bytes with another", i)
		}
	}
	for i, e := range stream(t, ctx, store, "run-1", eventstore.StreamOptions{}) {
		if !bytes.Equal(e.Data, batch[i].Data) {
			t.Errorf("payload %d changed in the log when a reader changed its own copy", i)
		}
	}
}

func (s *suite) streamNames(t *testing.T, ctx context.Context) {
	store := s.open(t)
	names := []string{
		"run-1", "run-10", "RUN-1", "run", "-", "run-", " ", "run-ü", "run-u\u0308", "run-ラン🏃", "run-'; DROP TABLE events;--",
		"run-%", "run-_", "run-\\", "run-a/b:c?d=e#f", "run-\t\n", "run-" + strings.Repeat("long", 200),
	}
	for i, name := range names {
		put(t, ctx, store, name, fact(fmt.Sprintf("first-%d", i)))
	}
	for i, name := range names {
		put(t, ctx, store, name, fact(fmt.Sprintf("second-%d", i)))
	}
	for i, name := range names {
		got := stream(t, ctx, store, name, eventstore.StreamOptions{})
		same(t, name, got, []events.Envelope{fact(fmt.Sprintf("first-%d", i)), fact(fmt.Sprintf("second-%d", i))})
		for _, e := range got {
			if e.Stream != name {
				t.Errorf("an event of %q says that it is of %q", name, e.Stream)
			}
		}
	}
	rising(t, all(t, ctx, store, eventstore.ReadOptions{}))
}

func (s *suite) refusals(t *testing.T, ctx context.Context) {
	change := func(f func(*events.Envelope)) []events.Envelope {
		batch := facts("bad", 3)
		f(&batch[1])
		return batch
	}
	store := s.open(t)
	for _, c := range []struct {
		name, stream string
		expected     eventstore.Expected
		batch        []events.Envelope
	}{
		{"no stream", "", eventstore.Any, facts("bad", 1)},
		{"no stream, no events", "", eventstore.Any, nil},
		{"stream with NUL", "run-\x00", eventstore.Any, facts("bad", 1)},
		{"stream that is not UTF-8", "run-\xff", eventstore.Any, facts("bad", 1)},
		{"stream with too long a name", "run-" + strings.Repeat("x", eventstore.MaxName), eventstore.Any, facts("bad", 1)},
		{"no such expectation", "run-1", -4, facts("bad", 1)},
		{"no id", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.ID = uuid.Nil })},
		{"no kind", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.Kind = "" })},
		{"kind that is not UTF-8", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.Kind = "\xc3" })},
		{"no schema version", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.Version = 0 })},
		{"no time", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.OccurredAt = time.Time{} })},
		{"time beyond nanoseconds", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.OccurredAt = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) })},
		{"actor with NUL", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.Actor = "user:\x00" })},
		{"workspace that is too long", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.Workspace = strings.Repeat("x", eventstore.MaxName+1) })},
		{"correlation that is not UTF-8", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.Correlation = "\xf0\x28" })},
		{"data with NUL", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.Data = []byte("{\x00}") })},
		{"data that is not UTF-8", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.Data = []byte("\"\xff\"") })},
		{"the same id twice", "run-1", eventstore.Any, change(func(e *events.Envelope) { e.ID = fact("bad-0").ID })},
		{"the same id first and last", "run-1", eventstore.Any, append(facts("bad", 3), fact("bad-0"))},
	} {
		if _, err := store.Append(ctx, c.stream, c.expected, c.batch); !errors.Is(err, eventstore.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", c.name, err)
		}
	}
	if got := all(t, ctx, store, eventstore.ReadOptions{}); len(got) != 0 {
		t.Errorf("%d events were appended nevertheless", len(got))
	}
	put(t, ctx, store, "run-1", facts("bad", 3)...)
}

func (s *suite) ownership(t *testing.T, ctx context.Context) {
	store := s.open(t)
	batch := facts("mine", 2)
	put(t, ctx, store, "run-1", batch...)
	copy(batch[0].Data, "########")
	batch[1] = fact("another")
	put(t, ctx, store, "run-1", batch[1])
	want := append(facts("mine", 2), fact("another"))
	got := stream(t, ctx, store, "run-1", eventstore.StreamOptions{})
	same(t, "read", got, want)
	if !bytes.Equal(got[0].Data, want[0].Data) {
		t.Errorf("the log holds %q, which the caller wrote after its append", got[0].Data)
	}
}

func (s *suite) emptyLog(t *testing.T, ctx context.Context) {
	store := s.open(t)
	if head, err := store.Head(ctx); err != nil || head != 0 {
		t.Errorf("got head %d, %v", head, err)
	}
	for _, d := range []eventstore.Direction{eventstore.Forwards, eventstore.Backwards} {
		for _, from := range []uint64{0, 5, math.MaxUint64} {
			if got := all(t, ctx, store, eventstore.ReadOptions{Direction: d, From: from}); len(got) != 0 {
				t.Errorf("read %d events", len(got))
			}
		}
	}
	a := put(t, ctx, store, "run-1", facts("first", 3)...)
	if head, err := store.Head(ctx); err != nil || head != a.Position {
		t.Errorf("got head %d, %v, want %d", head, err, a.Position)
	}
}
