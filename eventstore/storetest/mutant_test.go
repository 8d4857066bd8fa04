package storetest

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// fault is what a mutant does wrong.
type fault int

const (
	sound fault = iota
	// early acknowledges an append that nobody sees until some time later.
	early
	// sequence takes an append's position at its start and shows it at its end, as a table with a sequence does. Within
	// a stream there is one append at a time.
	sequence
	// forgetful does not know an event again.
	forgetful
	// stale reads streams from a replica that is behind.
	stale
	// racy looks at the expected revision before it appends, not while it does.
	racy
	// torn shows a batch event by event.
	torn
)

// mutant is a log with a fault, over the memory twin. It runs in a synctest bubble: every call takes some of the fake
// time, so that calls overlap, and always do so in the same way.
type mutant struct {
	eventstore.Store
	fault fault

	mu    sync.Mutex
	since map[uint64]time.Time    // when a position became visible
	given map[uuid.UUID]uuid.UUID // what a forgetful one calls an event, to its id
	turns map[string]chan struct{}
}

func newMutant(f fault) *mutant {
	m := &mutant{
		Store: eventstore.NewMemory(time.Now), fault: f,
		since: make(map[uint64]time.Time), given: make(map[uuid.UUID]uuid.UUID), turns: make(map[string]chan struct{}),
	}
	for _, name := range streams {
		m.turns[name] = make(chan struct{}, 1)
	}
	return m
}

// session is one client's connection to a mutant, with delays of its own: what one client does moves no other's.
type session struct {
	*mutant
	rng *rand.Rand
}

func (s session) delay() time.Duration {
	return time.Duration(1 + s.rng.Int64N(int64(time.Millisecond)))
}

func (s session) Append(ctx context.Context, stream string, expected eventstore.Expected, batch []events.Envelope) (eventstore.Appended, error) {
	time.Sleep(s.delay())
	a, err := s.append(ctx, stream, expected, batch)
	time.Sleep(s.delay())
	if err == nil {
		err = ctx.Err() // too late: it stands, and its caller has gone
	}
	return a, err
}

func (s session) append(ctx context.Context, stream string, expected eventstore.Expected, batch []events.Envelope) (eventstore.Appended, error) {
	visible, step := time.Now(), time.Duration(0)
	switch s.fault {
	case early:
		visible = visible.Add(5 * s.delay())
	case sequence:
		visible = visible.Add(5 * s.delay())
		s.turns[stream] <- struct{}{}
		defer func() {
			time.Sleep(time.Until(visible))
			<-s.turns[stream]
		}()
	case torn:
		step = s.delay()
	case racy:
		if _, err := s.Store.Append(ctx, stream, expected, nil); err != nil {
			return eventstore.Appended{}, err
		}
		time.Sleep(s.delay())
		expected = eventstore.Any
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == forgetful {
		batch = s.disguise(batch)
	}
	a, err := s.Store.Append(ctx, stream, expected, batch)
	for i := range batch {
		if p := a.Position - uint64(len(batch)-1-i); err == nil && s.since[p].IsZero() {
			s.since[p] = visible.Add(time.Duration(i) * step)
		}
	}
	return a, err
}

// disguise gives each event an id that the twin does not know.
func (m *mutant) disguise(batch []events.Envelope) []events.Envelope {
	list := append([]events.Envelope(nil), batch...)
	for i := range list {
		list[i].ID = events.NameID(born, fmt.Sprintf("disguise %d", len(m.given)))
		m.given[list[i].ID] = batch[i].ID
	}
	return list
}

// Submit implements Store. The append goes on by itself.
func (s session) Submit(ctx context.Context, chain *eventstore.Chain, stream string, expected eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	own := session{s.mutant, rand.New(rand.NewPCG(s.rng.Uint64(), 0))}
	done := make(chan struct{})
	var a eventstore.Appended
	var err error
	go func() {
		defer close(done)
		a, err = own.Append(ctx, stream, expected, batch)
	}()
	return func() (eventstore.Appended, error) {
		<-done
		return a, err
	}
}

// shown are the events of a read that are visible, up to a limit.
func (s session) shown(read iter.Seq2[events.Envelope, error], limit int, behind time.Duration) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		time.Sleep(s.delay())
		n, now := 0, time.Now().Add(-behind)
		var list []events.Envelope
		for e, err := range read {
			if err != nil {
				yield(e, err)
				return
			}
			s.mu.Lock()
			visible := !s.since[e.Position].After(now)
			if id, ok := s.given[e.ID]; ok {
				e.ID = id
			}
			s.mu.Unlock()
			if visible && (limit < 1 || n < limit) {
				n, list = n+1, append(list, e)
			}
		}
		time.Sleep(s.delay())
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (s session) ReadStream(ctx context.Context, stream string, o eventstore.StreamOptions) iter.Seq2[events.Envelope, error] {
	behind := time.Duration(0)
	if s.fault == stale {
		behind = 2 * time.Millisecond
	}
	return func(yield func(events.Envelope, error) bool) {
		limit, some := o.Limit, false
		o.Limit = 0
		for e, err := range s.shown(s.Store.ReadStream(ctx, stream, o), limit, behind) {
			some = true
			if !yield(e, err) {
				return
			}
		}
		if !some && o.From == nil {
			yield(events.Envelope{}, eventstore.ErrNoStream)
		}
	}
}

func (s session) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	limit := o.Limit
	o.Limit = 0
	return s.shown(s.Store.ReadAll(ctx, o), limit, 0)
}

// Subscribe yields no more than up to the first mark, which is all that a history asks for.
func (s session) Subscribe(ctx context.Context, after uint64) iter.Seq2[eventstore.Message, error] {
	return func(yield func(eventstore.Message, error) bool) {
		for e, err := range s.ReadAll(ctx, eventstore.ReadOptions{From: after}) {
			after = e.Position
			if !yield(eventstore.Message{Event: e, Position: after}, err) {
				return
			}
		}
		yield(eventstore.Message{CaughtUp: true, Position: after}, nil)
	}
}

func (s session) Head(ctx context.Context) (head uint64, err error) {
	for e, failed := range s.ReadAll(ctx, eventstore.ReadOptions{Direction: eventstore.Backwards, Limit: 1}) {
		head, err = e.Position, failed
	}
	return head, err
}

// recorded is the history of a mutant in fake time.
func recorded(t *testing.T, f fault, seed uint64) (h *history) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMutant(f)
		stores := make([]eventstore.Store, historyClients)
		for i := range stores {
			stores[i] = session{m, rand.New(rand.NewPCG(seed, uint64(i)))} //nolint:gosec // chance that can be repeated
		}
		var err error
		if h, err = record(t.Context(), seed, nil, stores...); err != nil {
			t.Fatal(err)
		}
	})
	return h
}

// TestMutants: what is wrong with a store is found in its history, each fault where it shows, and nothing is found in
// the history of a sound one.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fault   fault
		want    string // within the error, "" for none
		wantNot string // not within it
	}{
		{"sound", sound, "", ""},
		{"acknowledges before it commits", early, "the log: its", ""},
		{"positions from a sequence", sequence, "the log: its", "run-1: its"}, // streams are in order
		{"no idempotence", forgetful, "stands twice", ""},
		{"stale reads of streams", stale, "run-1: its", "the log: its"},
		{"expected revision checked too early", racy, "run-1: its", ""},
		{"batches in pieces", torn, "the log: its", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				err := recorded(t, c.fault, seed).check(t.ArtifactDir)
				switch {
				case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
					t.Errorf("seed %d: got %v, want %q", seed, err, c.want)
				case c.wantNot != "" && strings.Contains(err.Error(), c.wantNot):
					t.Errorf("seed %d: got %v, want it without %q", seed, err, c.wantNot)
				}
			}
		})
	}
}

// TestTheSameSeed: what TestMutants finds is no matter of luck. Only who of those that begin at once is the first to call
// is left open.
func TestTheSameSeed(t *testing.T) {
	t.Parallel()
	told := func(h *history) string {
		text := make([]string, historyClients)
		for _, o := range h.operations {
			text[o.ClientId] += fmt.Sprintf("client %d until %d: %s\n", o.ClientId, o.Return, describe(o.Input.(question), o.Output.(reply)))
		}
		return strings.Join(text, "")
	}
	for f := sound; f <= torn; f++ {
		if a, b := told(recorded(t, f, 1)), told(recorded(t, f, 1)); a != b {
			t.Errorf("fault %d: one history is\n%sanother\n%s", f, a, b)
		}
	}
	if a, b := told(recorded(t, sound, 1)), told(recorded(t, sound, 2)); a == b {
		t.Error("two seeds give the same history")
	}
}
