// Package storetest is the contract of eventstore.Store as tests. Every engine runs it, the in-memory twin included:
//
//	func TestConformance(t *testing.T) { // not parallel itself: it looks for goroutines that are left
//		storetest.Run(t, func(t *testing.T) eventstore.Store { … })
//	}
//
// It asks for nothing that an engine of another make can't give: positions rise strictly but may have gaps, revisions
// count from 0 without gaps. What the port's words leave open is settled here:
//
//   - An id that stands in another stream is ErrTaken, an id that comes twice in a batch ErrInvalid. Ids alone make a
//     repeat: the content of what stands is neither compared nor changed.
//   - A batch whose ids all stand in the stream, each behind the one before it, is a repeat, also where other events
//     stand between them and behind them.
//   - An empty append to a stream that does not exist, where that is expected, returns the zero Appended.
//   - A limit below 1 is no limit.
//
// Beside tests of one thing at a time, clients do a random mix of everything at once, and what they were told is checked
// for linearizability (history.go). What that check is worth is shown on stores with faults (mutant_test.go).
package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// patience is how long anything may take before a test calls it hung.
const patience = time.Minute

// Option tells the suite what an engine can do.
type Option func(*suite)

// WithReopen lets the suite test that a log outlives its store. reopen is given a store that was closed, and opens the
// same log again.
func WithReopen(reopen func(t *testing.T, closed eventstore.Store) eventstore.Store) Option {
	return func(s *suite) { s.reopen = reopen }
}

// WithPeer lets the suite test that several stores on one log hold the contract together. peer opens another store on
// the log of s, as another process would, and closes it when the test ends.
func WithPeer(peer func(t *testing.T, s eventstore.Store) eventstore.Store) Option {
	return func(s *suite) { s.peer = peer }
}

// WithCut lets the suite test that a store finds back by itself. cut breaks every connection that s has to its log, as a
// network would, and returns when the log can be reached again.
func WithCut(cut func(t *testing.T, s eventstore.Store)) Option {
	return func(s *suite) { s.cut = cut }
}

// WithIDsPerStream tells that the engine recognises an id only within its stream.
func WithIDsPerStream() Option {
	return func(s *suite) { s.idsPerStream = true }
}

// WithSilentRepeats tells that the engine does not always know that an append was a repeat.
func WithSilentRepeats() Option {
	return func(s *suite) { s.silentRepeats = true }
}

// WithPayload sets the size of the huge payload in bytes. The default is 1 MiB.
func WithPayload(size int) Option {
	return func(s *suite) { s.payload = size }
}

type suite struct {
	open         func(t *testing.T) eventstore.Store
	reopen       func(t *testing.T, closed eventstore.Store) eventstore.Store
	peer         func(t *testing.T, s eventstore.Store) eventstore.Store
	cut          func(t *testing.T, s eventstore.Store)
	idsPerStream bool
	// silentRepeats tells that Appended.Repeated may be false for a repeat.
	silentRepeats bool
	payload       int
}

// repeated checks the answer of a repeat, where want tells its place.
func (s *suite) repeated(got, want eventstore.Appended) bool {
	want.Repeated = got.Repeated || !s.silentRepeats
	return got == want
}

// Run holds an engine to the contract. open returns a store on an empty log of its own, and closes it when the test
// ends; that it may be closed by then is no error.
func Run(t *testing.T, open func(t *testing.T) eventstore.Store, options ...Option) {
	s := &suite{open: open, payload: 1 << 20}
	for _, o := range options {
		o(s)
	}
	t.Run("no goroutine is left", s.noGoroutineIsLeft) // alone, before those that run side by side
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"append", s.appending()},
		{"submit", s.submitting()},
		{"repeat", s.repeating()},
		{"read", s.reading()},
		{"subscribe", s.subscribing()},
		{"concurrent", s.concurrent()},
		{"lifetime", s.lifetime()},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					test.run(t, ctx)
				})
			}
		})
	}
	t.Run("model", func(t *testing.T) {
		t.Parallel()
		s.model(t)
	})
}

type test struct {
	name string
	run  func(t *testing.T, ctx context.Context)
}

// born is when all sample events occurred, more or less.
var born = time.Date(2026, 11, 1, 9, 30, 0, 123_456_789, time.UTC)

// fact is a sample event of that name, with every field filled in that a caller fills in. The same name gives the same
// event.
func fact(name string) events.Envelope {
	return events.Envelope{
		ID:          events.NameID(born, name),
		Kind:        "run.started",
		Version:     1,
		OccurredAt:  born.Add(time.Duration(len(name)) * time.Nanosecond),
		Causation:   events.NameID(born, "cause of "+name),
		Correlation: "run of " + name,
		Actor:       "user:anna",
		Workspace:   "north",
		Data:        []byte(`{"name":"` + name + `"}`),
	}
}

// facts are n sample events, named after the first argument and their index.
func facts(name string, n int) []events.Envelope {
	list := make([]events.Envelope, n)
	for i := range list {
		list[i] = fact(fmt.Sprintf("%s-%d", name, i))
	}
	return list
}

// put appends what must be taken.
func put(t *testing.T, ctx context.Context, s eventstore.Store, stream string, batch ...events.Envelope) eventstore.Appended {
	t.Helper()
	a, err := s.Append(ctx, stream, eventstore.Any, batch)
	if err != nil {
		t.Fatalf("append %d events to %s: %v", len(batch), stream, err)
	}
	return a
}

// all reads the whole log.
func all(t *testing.T, ctx context.Context, s eventstore.Store, o eventstore.ReadOptions) []events.Envelope {
	t.Helper()
	var list []events.Envelope
	for e, err := range s.ReadAll(ctx, o) {
		if err != nil {
			t.Fatalf("read all %+v: %v", o, err)
		}
		list = append(list, e)
	}
	return list
}

// stream reads a stream.
func stream(t *testing.T, ctx context.Context, s eventstore.Store, name string, o eventstore.StreamOptions) []events.Envelope {
	t.Helper()
	var list []events.Envelope
	for e, err := range s.ReadStream(ctx, name, o) {
		if err != nil {
			t.Fatalf("read stream %.60s %+v: %v", name, o, err)
		}
		list = append(list, e)
	}
	return list
}

// ids are what tells events apart, for messages and comparisons.
func ids(list []events.Envelope) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "%s\n", e.ID)
	}
	return b.String()
}

func same(t *testing.T, what string, got, want []events.Envelope) {
	t.Helper()
	if len(got) != len(want) || ids(got) != ids(want) {
		t.Fatalf("%s: got %d events\n%swant %d\n%s", what, len(got), ids(got), len(want), ids(want))
	}
}

// rising checks what ordered checks.
func rising(t *testing.T, log []events.Envelope) {
	t.Helper()
	if err := ordered(log); err != nil {
		t.Fatal(err)
	}
}

// ordered tells whether positions rise strictly, each stream's revisions count from 0 without gaps, and no event stands
// twice.
func ordered(log []events.Envelope) error {
	next := make(map[string]uint64)
	seen := make(map[uuid.UUID]bool, len(log))
	var last uint64
	for _, e := range log {
		if e.Position <= last {
			return fmt.Errorf("position %d comes after %d", e.Position, last)
		}
		if e.Revision != next[e.Stream] {
			return fmt.Errorf("%s: revision %d at position %d, want %d", e.Stream, e.Revision, e.Position, next[e.Stream])
		}
		if seen[e.ID] {
			return fmt.Errorf("event %s stands twice, again at position %d", e.ID, e.Position)
		}
		last, next[e.Stream], seen[e.ID] = e.Position, e.Revision+1, true
	}
	return nil
}
