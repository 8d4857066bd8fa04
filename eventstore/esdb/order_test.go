package esdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// What was submitted waits for what was submitted before it, an append does not, and what a caller writes into its batch
// after Submit is not sent.
func TestSubmissionsStayInOrder(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	paused, release := make(chan struct{}), make(chan struct{})
	pause := sync.OnceFunc(func() { close(paused) })
	s := open(t, server.URL(), Config{Wait: func(ctx context.Context, _ time.Duration) error {
		pause()
		<-release
		return ctx.Err()
	}})
	server.Unavailable(1)
	first := s.Submit(t.Context(), nil, "run-1", eventstore.Any, facts("a", 1))
	<-paused
	batch := facts("b", 1)
	second := s.Submit(t.Context(), nil, "run-2", eventstore.Any, batch)
	copy(batch[0].Data, "########")
	var chain eventstore.Chain
	chained := s.Submit(t.Context(), &chain, "run-4", eventstore.Any, facts("d", 1))
	_, err3 := s.Append(t.Context(), "run-3", eventstore.Any, facts("c", 1))
	_, err4 := chained()
	close(release)
	_, err1 := first()
	_, err2 := second()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	log := all(t, s)
	if len(log) != 4 || log[2].Stream != "run-1" || log[3].Stream != "run-2" {
		t.Errorf("the log holds %+v", log)
	}
	if string(log[3].Data) != string(facts("b", 1)[0].Data) {
		t.Errorf("the log holds %s, which the caller wrote after Submit", log[3].Data)
	}
}

// A subscription may begin after any number: a person may have typed it.
func TestSubscriptionsBeginAnywhere(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		server := start(t, esdbtest.Config{OldPositions: old})
		s := open(t, server.URL(), Config{})
		for i := range 6 {
			put(t, s, fmt.Sprintf("run-%d", i%2), facts(fmt.Sprint(i), 2)...)
		}
		log := all(t, s)
		for i := range log {
			for _, after := range []uint64{log[i].Position - 1, log[i].Position, log[i].Position + 1} {
				at := after
				n := 0
				for m, err := range s.Subscribe(t.Context(), after) {
					if err != nil {
						t.Fatal(err)
					}
					if m.CaughtUp {
						break
					}
					if n++; m.Position <= at {
						t.Fatalf("after %d: position %d comes behind %d", after, m.Position, at)
					}
					at = m.Position
				}
				want := len(log) - i - 1
				if after < log[i].Position {
					want++
				}
				if n != want {
					t.Errorf("after %d: got %d events, want %d", after, n, want)
				}
			}
		}
	}
}

// What others write moves the server's checkpoints on, and tells no consumer again that it has caught up.
func TestCaughtUpIsToldOnce(t *testing.T) {
	t.Parallel()
	server := start(t, esdbtest.Config{})
	s, other := open(t, server.URL()+"&prefix=ours/", Config{}), open(t, server.URL()+"&prefix=theirs/", Config{})
	var wg sync.WaitGroup
	defer wg.Wait()
	seen := ""
	for m, err := range s.Subscribe(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if !m.CaughtUp {
			seen += "e"
			continue
		}
		if seen += "|"; len(seen) >= 3 {
			break
		}
		if seen == "|" {
			wg.Go(func() {
				for i := range 8 {
					if _, err := other.Append(context.Background(), "run-1", eventstore.Any, facts(fmt.Sprint(i), searchWindow/2)); err != nil {
						t.Error(err)
					}
				}
				if _, err := s.Append(context.Background(), "run-1", eventstore.Any, facts("ours", 1)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if seen != "|e|" {
		t.Errorf("got %s, want |e|", seen)
	}
}
