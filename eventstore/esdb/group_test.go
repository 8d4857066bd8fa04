package esdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

func group(t *testing.T, s *Store, o GroupOptions) *Group {
	t.Helper()
	g := s.Group("workers")
	if err := g.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return g
}

func put(t *testing.T, s *Store, stream string, batch ...events.Envelope) eventstore.Appended {
	t.Helper()
	a, err := s.Append(t.Context(), stream, eventstore.Any, batch)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestGroupsShareTheWork(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	g := group(t, s, GroupOptions{})
	const size, workers = 60, 3
	put(t, s, "run-1", facts("a", size/2)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	done := make(map[string]int)
	by := make([]int, workers)
	var wg, busy sync.WaitGroup
	busy.Add(workers)
	for w := range workers {
		wg.Go(func() {
			for d, err := range g.Consume(ctx, 2) {
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return
				}
				if ctx.Err() != nil {
					return // all is done; what was acknowledged just before the end may come again
				}
				if by[w]++; by[w] == 1 {
					busy.Done()
					busy.Wait() // every worker has something to do
				}
				if err := d.Ack(); err != nil {
					t.Error(err)
				}
				mu.Lock()
				done[d.Event.ID.String()]++
				if len(done) == size {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	put(t, s, "run-2", facts("b", size/2)...)
	wg.Wait()
	if len(done) != size {
		t.Fatalf("%d events were done, want %d", len(done), size)
	}
	for id, n := range done {
		if n != 1 {
			t.Errorf("%s was done %d times", id, n)
		}
	}
}

func TestGroupsRetryAndPark(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	other := fact("other")
	other.Kind = "run.startedX" // what a pattern that is not quoted and bounded would let pass
	g := group(t, s, GroupOptions{Kinds: []string{"run.started"}, Retries: 2})
	put(t, s, "run-1", facts("a", 4)...)
	put(t, s, "run-1", other)
	put(t, s, "run-1", fact("last"))
	log := ""
	for d, err := range g.Consume(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		name := string(d.Event.Data[9 : len(d.Event.Data)-2])
		log += fmt.Sprintf("%s/%d ", name, d.Retries)
		switch {
		case name == "a-1" && d.Retries == 0, name == "a-2":
			err = d.Retry("again")
		case name == "a-3" && server.Events() == 6:
			err = d.Park("aside")
		default:
			err = d.Ack()
		}
		if err != nil {
			t.Fatal(err)
		}
		if name == "last" {
			break
		}
	}
	if want := "a-0/0 a-1/0 a-1/1 a-2/0 a-2/1 a-2/2 a-3/0 last/0 "; log != want {
		t.Errorf("got %s, want %s", log, want)
	}
	put(t, s, "run-2", fact("x")) // from now on, nothing is parked
	if err := g.ReplayParked(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for d, err := range g.Consume(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Ack(); err != nil {
			t.Fatal(err)
		}
		if seen[string(d.Event.Data)] = true; seen[`{"name":"a-2"}`] && seen[`{"name":"a-3"}`] {
			break
		}
	}
}

func TestGroupsOutliveConnections(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	put(t, s, "run-1", facts("before", 3)...)
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g := group(t, s, GroupOptions{From: head})
	put(t, s, "run-1", facts("a", 20)...)
	done := make(map[string]bool)
	for d, err := range g.Consume(t.Context(), 4) {
		if err != nil {
			t.Fatal(err)
		}
		if len(done) == 7 || len(done) == 13 {
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
			done[fmt.Sprint("restart ", len(done))] = true
			continue // this one is not answered
		}
		if d.Ack() == nil {
			done[d.Event.ID.String()] = true
		}
		if len(done) == 22 {
			break
		}
	}
}

func TestGroupErrors(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s := open(t, server.URL(), Config{})
	g := group(t, s, GroupOptions{})
	if err := g.Create(t.Context(), GroupOptions{}); !errors.Is(err, ErrGroupExists) {
		t.Errorf("created twice: %v", err)
	}
	none := s.Group("none")
	var consuming error
	for _, err := range none.Consume(t.Context(), 1) {
		consuming = err
	}
	for what, err := range map[string]error{"delete": none.Delete(t.Context()), "replay": none.ReplayParked(t.Context()), "consume": consuming} {
		if !errors.Is(err, ErrNoGroup) {
			t.Errorf("%s: %v, want ErrNoGroup", what, err)
		}
	}
	if err := g.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range g.Consume(t.Context(), 1) {
		if !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("after Close: %v, want ErrUnavailable", err)
		}
	}
}
