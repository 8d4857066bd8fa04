package esdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// said has a log say what streams it has, so that what follows is about something else.
func said(t *testing.T, s *Store, streams ...string) {
	t.Helper()
	for _, stream := range streams {
		if err := s.sayName(t.Context(), stream); err != nil {
			t.Fatal(err)
		}
	}
}

// process is a program on the log, and what it has read of it.
type process struct {
	*Store
	read []events.Envelope
}

// Programs of several versions share a log: each begins streams that the others have never heard of, while others read on
// from anywhere. What the server leaves out is never the log's.
func TestNoStreamIsPassedOver(t *testing.T) {
	t.Parallel()
	streams := []string{"run-1", "run-2", "run@team:1", "goal-1", "goal@team:1", "run", "runner-1", "vision", "-", "@x:1"}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		server := start(t, esdbtest.Config{})
		all := []*process{{Store: open(t, server.URL(), Config{})}}
		var log []events.Envelope
		last := uint64(0)
		write := func(p *process) {
			stream := streams[random.IntN(len(streams))]
			for _, e := range facts(fmt.Sprint(seed, "/", len(log)), 1+random.IntN(3)) {
				last = put(t, p.Store, stream, e).Position
				e.Stream = stream
				log = append(log, e)
			}
		}
		// While one reads, others write.
		read := func(p *process, o eventstore.ReadOptions) (got []events.Envelope) {
			for e, err := range p.ReadAll(t.Context(), o) {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, e); o.Direction == eventstore.Forwards && random.IntN(8) == 0 {
					write(all[random.IntN(len(all))])
				}
			}
			return got
		}
		same := func(what string, got []events.Envelope) {
			t.Helper()
			if !slices.EqualFunc(got, log, func(a, b events.Envelope) bool { return a.ID == b.ID && a.Stream == b.Stream }) {
				t.Fatalf("seed %d: %s gives %d events, want %d", seed, what, len(got), len(log))
			}
		}
		for range 20 {
			p := all[random.IntN(len(all))]
			switch random.IntN(8) {
			case 0, 1:
				write(p)
			case 2:
				server.Share(1 + 80*random.IntN(2))
			case 3:
				from := uint64(0)
				if n := len(p.read); n > 0 {
					from = p.read[n-1].Position
				}
				p.read = append(p.read, read(p, eventstore.ReadOptions{From: from})...)
				same("reading on", p.read)
			case 4: // from where another one is, whose streams this one may not know
				p.read = slices.Clone(all[random.IntN(len(all))].read)
			case 5:
				if len(all) < 4 {
					all = append(all, &process{Store: open(t, server.URL(), Config{})})
				}
			case 6:
				same("the whole log", read(p, eventstore.ReadOptions{}))
			case 7:
				got := read(p, eventstore.ReadOptions{Direction: eventstore.Backwards})
				slices.Reverse(got)
				same("the log backwards", got)
			}
			if head, err := all[random.IntN(len(all))].Head(t.Context()); err != nil || head != last {
				t.Fatalf("seed %d: the head is %d, %v, want %d", seed, head, err, last)
			}
		}
		for _, p := range all {
			same("in the end the log", read(p, eventstore.ReadOptions{}))
		}
	}
}

// Who follows the log is told of streams that begin in a new way meanwhile.
func TestAFollowerHearsOfNewStreams(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	follower, writer := open(t, server.URL(), Config{}), open(t, server.URL(), Config{})
	put(t, writer, "run-1", facts("run", 1)...)
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for m, err := range follower.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if !m.CaughtUp {
			got = append(got, m.Event.Stream)
			continue
		}
		if len(got) == 4 {
			break
		}
		server.Share(100)
		put(t, writer, fmt.Sprintf("%s-1", strings.Repeat("x", len(got))), facts(fmt.Sprint(len(got)), 1)...)
	}
	if want := []string{"run-1", "x-1", "xx-1", "xxx-1"}; !slices.Equal(got, want) {
		t.Errorf("heard of %q, want %q", got, want)
	}
}

// Who goes on from where another one is, or looks for the log's end, knows what streams there are by then. The server writes
// events of its own between: where none comes, nothing but that tells of the new streams.
func TestWhoDidNotReadKnowsTheStreams(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	follower, looker, writer := open(t, server.URL(), Config{}), open(t, server.URL(), Config{}), open(t, server.URL(), Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	head := func() (at uint64) {
		t.Helper()
		at, err := looker.Head(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for i := range 30 {
		if i == 5 {
			all(t, looker)
		}
		kind := strings.Repeat("x", i+1)
		after := put(t, writer, kind+"-1", facts(kind+"1", 1)...).Position
		if at := head(); at != after {
			t.Errorf("%d: the head is %d, want %d", i, at, after)
		}
		last := put(t, writer, kind+"-2", facts(kind+"2", 1)...).Position
		for m, err := range follower.Subscribe(ctx, after) {
			if err != nil || m.CaughtUp || m.Position != last {
				t.Errorf("%d: it hears %+v, %v", i, m, err)
			}
			break
		}
		server.Share(1)
		if at := head(); at != last {
			t.Errorf("%d: the head is %d, want %d", i, at, last)
		}
	}
}

// A log that began before its streams' names were noted, and one with names of too many kinds, are read whole.
func TestALogWithoutNamesIsReadWhole(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	put(t, open(t, server.URL(), Config{}), "run-1", facts("a", 2)...)
	server.Tamper(func(all []esdbtest.Stored) []esdbtest.Stored {
		return slices.DeleteFunc(all, func(e esdbtest.Stored) bool { return e.Stream == namesStream })
	})
	server.Share(10)
	s := open(t, server.URL(), Config{})
	put(t, s, "goal-1", facts("b", 2)...)
	for name, s := range map[string]*Store{"the writer": s, "another": open(t, server.URL(), Config{})} {
		if got := all(t, s); len(got) != 4 || got[0].Stream != "run-1" || got[3].Stream != "goal-1" {
			t.Errorf("%s reads %d events", name, len(got))
		}
	}
	// Where some of the notes are gone, as by a $maxCount, nobody knows what they said.
	part := start(t, esdbtest.Config{})
	whole, writer := open(t, part.URL(), Config{}), open(t, part.URL(), Config{})
	for i, kind := range []string{"run", "goal", "task"} {
		put(t, writer, kind+"-1", facts(kind, 1)...)
		if n := len(all(t, whole)); n != i+1 {
			t.Errorf("%d events are read, want %d", n, i+1)
		}
	}
	whole.names.lose(whole.names.next)
	put(t, whole, "other-1", facts("other", 1)...)
	for name, s := range map[string]*Store{"who lacks some": whole, "the writer": writer, "another": open(t, part.URL(), Config{})} {
		if got := all(t, s); len(got) != 4 || s.names.prefixes() != nil {
			t.Errorf("%s reads %d events, and asks for %q", name, len(got), s.names.prefixes())
		}
	}
	for _, kept := range []string{`["task-"]`, "none"} {
		part.Tamper(func(all []esdbtest.Stored) []esdbtest.Stored {
			return slices.DeleteFunc(all, func(e esdbtest.Stored) bool {
				return e.Stream == namesStream && string(e.Data) != `{"begins":`+kept+"}"
			})
		})
		fresh := open(t, part.URL(), Config{})
		if got := all(t, fresh); len(got) != 4 || fresh.names.lost != (kept != "none") {
			t.Errorf("with %s kept of the notes %d events are read", kept, len(got))
		}
	}
	many := start(t, esdbtest.Config{})
	s, early := open(t, many.URL(), Config{}), open(t, many.URL(), Config{})
	for i := range maxNames + 20 {
		put(t, s, fmt.Sprintf("kind%d-1", i), facts(fmt.Sprint(i), 1)...)
		if i == 10 {
			if n := len(all(t, early)); n != 11 {
				t.Errorf("%d events are read, want 11", n)
			}
		}
	}
	for name, s := range map[string]*Store{"the writer": s, "an early reader": early, "another": open(t, many.URL(), Config{})} {
		if n := len(all(t, s)); n != maxNames+20 {
			t.Errorf("%s reads %d events", name, n)
		}
	}
	if begins := early.names.prefixes(); begins != nil {
		t.Errorf("a server is asked to compare with %d names", len(begins))
	}
	if _, err := s.Append(t.Context(), namesStream, eventstore.Any, facts("c", 1)); err == nil {
		t.Error("an append to the names was taken")
	}
}
