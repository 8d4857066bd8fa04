package esdb

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// gathered waits until that many appends are under way.
func gathered(server *esdbtest.Server, n int) {
	for server.Gathered() < n {
		// gRPC's own goroutines are at work.
	}
}

// Chains of their own go side by side, and so do callers, up to the bound. Which wait for others on one stream take no place.
func TestChainsGoSideBySide(t *testing.T) {
	t.Parallel()
	const lanes = 8
	server := start(t, esdbtest.Config{})
	s := open(t, fmt.Sprintf("%s&lanes=%d", server.URL(), lanes), Config{})
	said(t, s, "run", "run-0", "late")
	server.Gather(lanes + 1)
	var waits []func() (eventstore.Appended, error)
	for range 2 * lanes { // of one stream: one of them at a time
		waits = append(waits, s.Submit(t.Context(), new(eventstore.Chain), "run", eventstore.Any, facts(fmt.Sprint(len(waits)), 1)))
	}
	gathered(server, 1)
	for i := range 2 * lanes {
		waits = append(waits, s.Submit(t.Context(), new(eventstore.Chain), fmt.Sprintf("run-%d", i), eventstore.Any, facts(fmt.Sprint(len(waits)), 1)))
	}
	gathered(server, lanes)
	if _, err := s.Head(t.Context()); err != nil { // reads have no lanes
		t.Fatal(err)
	}
	alone, leave := context.WithCancel(t.Context())
	late := s.Submit(alone, new(eventstore.Chain), "late", eventstore.Any, facts("late", 1))
	leave()
	if n := server.Gathered(); n != lanes || server.Events() > 0 {
		t.Errorf("%d appends are under way, want %d; %d events stand", n, lanes, server.Events())
	}
	server.Gather(0)
	for i, wait := range waits {
		if _, err := wait(); err != nil {
			t.Errorf("append %d: %v", i, err)
		}
	}
	// It was on its way, or was not.
	if _, err := late(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Where a server tells the position of a batch's last event, none is read back; where that was not seen, it is.
func TestWhatAServerTellsIsNotReadBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version string
		reads   int
	}{{"23.10.5", 1}, {"23.10.6", 0}, {"24.2.0", 0}, {"22.10.9", 1}, {"25.0.0-rc.1", 0}} {
		server := start(t, esdbtest.Config{Version: c.version})
		s := open(t, server.URL(), Config{})
		put(t, s, "run-0", facts("first", 3)...) // it asks for the version
		before := server.Counts()
		at := put(t, s, "run-1", facts("a", 3)...)
		if n := server.Counts().Since(before).Reads - 1; n != c.reads { // Any reads the stream first
			t.Errorf("%s: %d reads behind the append, want %d", c.version, n, c.reads)
		}
		server.DropReplies(1)
		again := put(t, s, "run-2", facts("b", 3)...) // its answer is that of a repeat
		log := all(t, s)
		if at.Position != log[5].Position || again.Position != log[8].Position {
			t.Errorf("%s: told %d and %d, want %d and %d", c.version, at.Position, again.Position, log[5].Position, log[8].Position)
		}
	}
}
