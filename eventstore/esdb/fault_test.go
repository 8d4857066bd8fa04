package esdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

var born = time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)

func fact(name string) events.Envelope {
	return events.Envelope{ID: events.NameID(born, name), Kind: "run.started", Version: 1, OccurredAt: born, Data: []byte(`{"name":"` + name + `"}`)}
}

func facts(name string, n int) []events.Envelope {
	list := make([]events.Envelope, n)
	for i := range list {
		list[i] = fact(fmt.Sprintf("%s-%d", name, i))
	}
	return list
}

func all(t *testing.T, s *Store) (list []events.Envelope) {
	t.Helper()
	for e, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// put appends what must be taken.
func put(t *testing.T, s *Store, stream string, batch ...events.Envelope) eventstore.Appended {
	t.Helper()
	a, err := s.Append(t.Context(), stream, eventstore.Any, batch)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// hasty gives up soon, for tests of what never answers.
var hasty = Config{Timeout: 100 * time.Millisecond, Patience: 400 * time.Millisecond}

func TestAnAppendWhoseReplyIsLostStandsOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		expected eventstore.Expected
		forget   bool
		size     int
	}{
		{"a new stream", eventstore.NoStream, false, 3},
		{"a new stream, ids forgotten", eventstore.NoStream, true, 3},
		{"any", eventstore.Any, false, 1},
		{"any, ids forgotten", eventstore.Any, true, 1},
		{"any of several, ids forgotten", eventstore.Any, true, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := start(t, esdbtest.Config{})
			s := open(t, server.URL(), Config{Wait: func(ctx context.Context, _ time.Duration) error {
				if c.forget {
					server.ForgetIDs()
				}
				return ctx.Err()
			}})
			server.DropReplies(2)
			batch := facts("a", c.size)
			got, err := s.Append(t.Context(), "run-1", c.expected, batch)
			log := all(t, s)
			if err != nil || len(log) != c.size || got.Position != log[c.size-1].Position || got.Revision != uint64(c.size-1) {
				t.Fatalf("got %+v, %v, and %d events", got, err, len(log))
			}
			server.DropReplies(1)
			wait := s.Submit(t.Context(), nil, "run-1", eventstore.Exactly(got.Revision), facts("b", 2))
			if next, err := wait(); err != nil || next.Revision != got.Revision+2 {
				t.Fatalf("submit: %+v, %v", next, err)
			}
			if n := server.Events(); n != c.size+2 {
				t.Errorf("%d events stand, want %d", n, c.size+2)
			}
		})
	}
}

// Somebody else appends between the append whose reply is lost and its repeat.
func TestALostReplyIsResolvedBehindAnother(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	other := open(t, server.URL(), Config{})
	once := sync.OnceFunc(func() {
		if _, err := other.Append(context.Background(), "run-1", eventstore.Exists, facts("other", 1)); err != nil {
			t.Error(err)
		}
		server.ForgetIDs()
	})
	s := open(t, server.URL(), Config{Wait: func(ctx context.Context, _ time.Duration) error {
		once()
		return ctx.Err()
	}})
	said(t, s, "run-1")
	server.DropReplies(1)
	got, err := s.Append(t.Context(), "run-1", eventstore.Any, facts("a", 2))
	if err != nil || got.Revision != 1 || server.Events() != 3 {
		t.Fatalf("got %+v, %v, %d events", got, err, server.Events())
	}
}

func TestANodeThatIsNotReadyIsAskedAgain(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	for name, f := range map[string]func() error{
		"append": func() error {
			_, err := s.Append(t.Context(), "run-1", eventstore.Any, facts("a", 2))
			return err
		},
		"head": func() error {
			_, err := s.Head(t.Context())
			return err
		},
	} {
		server.Unavailable(3)
		if err := f(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAServerThatIsGone(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), hasty)
	server.Stop()
	batch := facts("a", 2)
	_, appending := s.Append(t.Context(), "run-1", eventstore.Any, batch)
	_, submitting := s.Submit(t.Context(), nil, "run-1", eventstore.Any, facts("b", 1))()
	_, heading := s.Head(t.Context())
	_, opening := Open(t.Context(), server.URL(), hasty)
	for what, err := range map[string]error{"append": appending, "submit": submitting, "head": heading, "open": opening} {
		if !errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), server.Address()) {
			t.Errorf("%s: got %v, want ErrUnavailable with the address", what, err)
		}
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Append(t.Context(), "run-1", eventstore.Any, batch); err != nil || got.Revision != 1 {
		t.Errorf("after it came back: %+v, %v", got, err)
	}
}

// A call ends with its context, whatever the server does.
func TestAServerThatIsSilent(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	impatient := open(t, server.URL(), hasty)
	server.Silence(true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, appending := s.Append(ctx, "run-1", eventstore.Any, facts("a", 1))
	_, heading := s.Head(ctx)
	var subscribing error
	for _, err := range s.Subscribe(ctx, 0) {
		subscribing = err
	}
	for what, err := range map[string]error{"append": appending, "head": heading, "subscribe": subscribing} {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want the context's error", what, err)
		}
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("calls outlived their context by %s", took)
	}
	if _, err := impatient.Head(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the store's own time-out: got %v, want ErrUnavailable", err)
	}
	server.Silence(false)
	if _, err := s.Head(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestASubscriptionOutlivesItsConnections(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"22.10.0", "24.10.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			server := start(t, esdbtest.Config{Version: version})
			s := open(t, server.URL(), Config{})
			const rounds, size = 8, 25
			var got []events.Envelope
			marks, round := 0, 0
			for m, err := range s.Subscribe(t.Context(), 0) {
				if err != nil {
					t.Fatal(err)
				}
				if !m.CaughtUp {
					if got = append(got, m.Event); len(got)%size == size/2 {
						if err := server.Restart(); err != nil { // in the middle of a batch
							t.Fatal(err)
						}
					}
					continue
				}
				marks++
				if len(got) != round*size {
					t.Fatalf("caught up after %d events, %d are there", len(got), round*size)
				}
				if round == rounds {
					break
				}
				if round++; round%2 == 0 {
					if err := server.Restart(); err != nil { // while it waits
						t.Fatal(err)
					}
				}
				if _, err := s.Append(t.Context(), fmt.Sprintf("run-%d", round%3), eventstore.Any, facts(fmt.Sprint(round), size)); err != nil {
					t.Fatal(err)
				}
			}
			log := all(t, s)
			if len(got) != rounds*size || len(log) != len(got) || marks != rounds+1 {
				t.Fatalf("got %d events and %d marks; the log has %d", len(got), marks, len(log))
			}
			for i := range got {
				if got[i].ID != log[i].ID || got[i].Position != log[i].Position {
					t.Fatalf("event %d is %+v, want %+v", i, got[i], log[i])
				}
			}
		})
	}
}

// The server judges an append by events that it does not show to readers yet.
func TestAnIndexThatLagsBehind(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	other := open(t, server.URL(), Config{})
	waits := 0
	s := open(t, server.URL(), Config{Wait: func(ctx context.Context, _ time.Duration) error {
		if waits++; waits%3 == 0 {
			server.Hide(0)
		}
		return ctx.Err()
	}})
	for _, append := range []struct {
		expected eventstore.Expected
		conflict bool
	}{{eventstore.Any, false}, {eventstore.NoStream, true}} {
		name := "run-" + append.expected.String()
		if _, err := other.Append(t.Context(), name, eventstore.Any, facts(name, 2)); err != nil {
			t.Fatal(err)
		}
		server.Hide(2)
		got, err := s.Append(t.Context(), name, append.expected, facts("more "+name, 1))
		var conflict *eventstore.ConflictError
		switch {
		case append.conflict && (!errors.As(err, &conflict) || conflict.Actual != 1):
			t.Errorf("%s: got %v, want a conflict with revision 1", name, err)
		case !append.conflict && (err != nil || got.Revision != 2):
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		server.Hide(0)
	}
	if waits == 0 {
		t.Error("it never waited: the test shows nothing")
	}
}

func TestWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{MaxAppend: 10_000})
	s := open(t, server.URL(), Config{})
	large := fact("large")
	large.Data = []byte(`"` + strings.Repeat("x", 10_000) + `"`)
	system := fact("system")
	system.Kind = "$metadata"
	for _, c := range []struct {
		stream string
		event  events.Envelope
		advice string
	}{
		{"run-1", large, "MaxAppendSize"},
		{"run-1", system, "kinds that start with $"},
		{"$settings", fact("a"), "starts with $"},
		{"$$run-1", fact("a"), "starts with $"},
	} {
		if _, err := s.Append(t.Context(), c.stream, eventstore.Any, []events.Envelope{c.event}); !errors.Is(err, eventstore.ErrInvalid) || !strings.Contains(err.Error(), c.advice) {
			t.Errorf("%s to %s: got %v, want ErrInvalid with %q", c.event.Kind, c.stream, err, c.advice)
		}
	}
	for _, err := range s.ReadStream(t.Context(), "$settings", eventstore.StreamOptions{}) {
		if !errors.Is(err, eventstore.ErrNoStream) {
			t.Errorf("a stream of the server's own: %v", err)
		}
	}
	if n := server.Events(); n != 0 {
		t.Errorf("%d events stand", n)
	}
	old := start(t, esdbtest.Config{Version: "5.0.11"})
	if _, err := Open(t.Context(), old.URL(), hasty); !errors.Is(err, eventstore.ErrSchema) {
		t.Errorf("an old server: %v, want ErrSchema", err)
	}
}

// A connection that breaks while a batch is on its way leaves no part of it. gRPC may begin a call anew on its own, with
// what was sent until then: the server must never take that for the whole.
func TestNoBatchIsCutInTwo(t *testing.T) {
	t.Parallel()
	const rounds, size = 30, 200
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	for round := range rounds {
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				if _, err := s.Append(t.Context(), fmt.Sprintf("run-%d", w), eventstore.Any, facts(fmt.Sprintf("%d/%d", w, round), size)); err != nil {
					t.Error(err)
				}
			})
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if n := server.Events(); n != 4*size*(round+1) {
			t.Fatalf("round %d: %d events stand, want %d", round, n, 4*size*(round+1))
		}
	}
}
