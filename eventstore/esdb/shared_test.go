package esdb

import (
	"fmt"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// A log in a database that other programs share is read for what it is itself, however many events of theirs stand before,
// between and behind its own.
func TestOthersEventsCostNothing(t *testing.T) {
	t.Parallel()
	const runs, size = 200, 10
	others := 100_000
	if racing {
		others = 20_000 // enough for calls and rows, too few for a mark
	}
	fill := func(t *testing.T, prefix string, before, between, behind int) (*esdbtest.Server, func() *Store, uint64) {
		server := start(t, esdbtest.Config{})
		again := func() *Store { return open(t, under(server.URL(), prefix), Config{}) }
		s := again()
		server.Share(before)
		var last eventstore.Appended
		for i := range runs {
			if i == runs/2 {
				server.Share(between)
			}
			last = put(t, s, fmt.Sprintf("run-%d", i), facts(fmt.Sprint(i), size)...)
		}
		server.Share(behind)
		return server, again, last.Position
	}
	// What a verb does that finds nothing new, in a process of its own: whose log is it, where does it end, what is new.
	nothingNew := func(t *testing.T, server *esdbtest.Server, again func() *Store, last uint64) esdbtest.Counts {
		t.Helper()
		before := server.Counts()
		s := again()
		for _, o := range []eventstore.ReadOptions{{Limit: 1}, {From: last}} {
			n := 0
			for _, err := range s.ReadAll(t.Context(), o) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != o.Limit {
				t.Errorf("%+v gives %d events", o, n)
			}
		}
		if head, err := s.Head(t.Context()); err != nil || head != last {
			t.Errorf("the head is %d, %v, want %d", head, err, last)
		}
		return server.Counts().Since(before)
	}
	replay := func(t *testing.T, server *esdbtest.Server, again func() *Store) esdbtest.Counts {
		t.Helper()
		before := server.Counts()
		if n := len(all(t, again())); n != runs*size {
			t.Errorf("the log has %d events, want %d", n, runs*size)
		}
		return server.Counts().Since(before)
	}
	alone, again, _ := fill(t, "north/", 0, 0, 0)
	own := replay(t, alone, again)
	for _, c := range []struct {
		name, prefix            string
		before, between, behind int
	}{
		{"before", "north/", others, 0, 0},
		{"between", "north/", 0, others, 0},
		{"behind", "north/", 0, 0, others},
		{"before, without a prefix", "", others, 0, 0},
		{"between, without a prefix", "", 0, others, 0},
		{"behind, without a prefix", "", 0, 0, others},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if racing && c.prefix == "" {
				t.Skip("with too few events for a mark each reads what others wrote")
			}
			server, again, last := fill(t, c.prefix, c.before, c.between, c.behind)
			// The first one has to look, and marks what it found.
			found := nothingNew(t, server, again, last)
			if c.prefix != "" && (found.Reads > 12 || found.Rows > 200) {
				t.Errorf("the first one makes %+v", found)
			}
			got := nothingNew(t, server, again, last)
			if got.Reads > 12 || got.Rows > 200 || !racing && got.Searched > 1000 {
				t.Errorf("one that finds nothing new makes %+v, the first %+v", got, found)
			}
			if got := replay(t, server, again); 2*got.Reads > 3*own.Reads+2 || 2*got.Rows > 3*own.Rows {
				t.Errorf("a replay makes %+v, alone %+v", got, own)
			}
			t.Logf("first %+v, then %+v", found, got)
		})
	}
}

// Who begins a log among others' events can be told.
func TestACrowdedDatabase(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	crowded := func(prefix string) bool {
		t.Helper()
		told, err := open(t, under(server.URL(), prefix), Config{}).Crowded(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
	if crowded("") {
		t.Error("the server's own events are nobody's")
	}
	server.Share(1)
	if !crowded("") || crowded("north/") {
		t.Error("others' events are told of where there is no prefix")
	}
	put(t, open(t, server.URL(), Config{}), "run-1", facts("a", 1)...)
	if crowded("") {
		t.Error("the log has begun")
	}
}

// A mark that does not fit, and one that someone else wrote, cost time only.
func TestAMarkIsNotBelieved(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	put(t, s, "run-1", facts("a", 3)...)
	server.Share(10)
	last := put(t, s, "run-2", facts("b", 3)...)
	for _, e := range []edges{{First: 1, Last: 2, End: 3}, {First: last.Position, Last: last.Position + 1, End: last.Position + 2}, {Last: 1 << 60, End: 1 << 62}} {
		if err := s.mark(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		again := open(t, server.URL(), Config{})
		if head, err := again.Head(t.Context()); err != nil || head != last.Position {
			t.Errorf("marked %+v: the head is %d, %v, want %d", e, head, err, last.Position)
		}
		if n := len(all(t, again)); n != 6 {
			t.Errorf("marked %+v: %d events", e, n)
		}
	}
	if _, err := s.Append(t.Context(), markStream, eventstore.Any, facts("c", 1)); err == nil {
		t.Error("an append to the marks was taken")
	}
}

// A server whose log was put back to an earlier one, or to another, is read anew.
func TestALogThatWasReplaced(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	for i := range 10 {
		put(t, s, fmt.Sprintf("run-%d", i), facts(fmt.Sprint(i), 3)...)
		server.Share(3)
	}
	log := all(t, s)
	server.Tamper(func(all []esdbtest.Stored) []esdbtest.Stored { return all[:12] })
	got := all(t, s)
	if len(got) != 6 || got[5].ID != log[5].ID {
		t.Fatalf("%d events are left, want 6", len(got))
	}
	if head, err := s.Head(t.Context()); err != nil || head != got[5].Position {
		t.Errorf("the head is %d, %v, want %d", head, err, got[5].Position)
	}
}

// A search may take longer than other calls: the server sends nothing until it found a row.
func TestASearchHasItsOwnTime(t *testing.T) {
	t.Parallel()
	const timeout = 400 * time.Millisecond
	server := start(t, esdbtest.Config{SearchTime: 2 * timeout})
	s := open(t, server.URL(), Config{Timeout: timeout, Patience: timeout})
	last := put(t, s, "run-1", facts("a", 3)...)
	server.Share(1)
	if head, err := s.Head(t.Context()); err != nil || head != last.Position {
		t.Errorf("the head is %d, %v, want %d", head, err, last.Position)
	}
}
