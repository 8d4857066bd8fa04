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

// pair is a cluster of a leader and a follower, and the URL that names both.
func pair(t *testing.T) (leader, follower *esdbtest.Server, url string) {
	t.Helper()
	leader, follower = start(t, esdbtest.Config{}), start(t, esdbtest.Config{})
	follower.Follow(leader.Address())
	return leader, follower, "esdb://" + follower.Address() + "," + leader.Address() + "?tls=false"
}

// begin starts new runs by many callers, as live ones are: each asks for a stream that does not exist.
func begin(t *testing.T, s *Store, name string, runs, callers int) {
	t.Helper()
	var calling sync.WaitGroup
	for c := range callers {
		calling.Go(func() {
			for i := c; i < runs; i += callers {
				run := fmt.Sprintf("run-%s-%d", name, i)
				for _, err := range s.ReadStream(t.Context(), run, eventstore.StreamOptions{}) {
					if !errors.Is(err, eventstore.ErrNoStream) {
						t.Errorf("%s: %v, want ErrNoStream", run, err)
					}
				}
				if _, err := s.Append(t.Context(), run, eventstore.NoStream, facts(run, 2)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calling.Wait()
}

// What is no fault of the node's ends no connection: not a stream that does not exist, not a conflict, not a caller that
// left, and not a call that had no answer in time.
func TestAHealthyConnectionIsKept(t *testing.T) {
	t.Parallel()
	leader, follower, url := pair(t)
	s := open(t, url, Config{})
	before := leader.Counts()
	asked := follower.Counts()
	begin(t, s, "new", 1000, 16)
	if _, err := s.Append(t.Context(), "run-new-1", eventstore.NoStream, facts("other", 1)); !errors.Is(err, eventstore.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	watching, stop := context.WithCancel(t.Context())
	defer stop()
	for m, err := range s.Subscribe(watching, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.CaughtUp {
			break
		}
	}
	impatient := open(t, url, hasty)
	before.Dials++ // that of impatient
	asked.Dials++
	asked.Discoveries++
	leader.Silence(true)
	gone, leave := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer leave()
	if _, err := s.Head(gone); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a caller that left: %v", err)
	}
	if _, err := impatient.Head(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("a call without an answer: %v", err)
	}
	leader.Silence(false)
	begin(t, s, "later", 10, 2)
	begin(t, impatient, "impatient", 10, 2)
	if c := leader.Counts().Since(before); c.Dials != 0 || c.Discoveries != 0 {
		t.Errorf("on a healthy cluster: %d more connections to the leader, %d questions for it", c.Dials, c.Discoveries)
	}
	if c := follower.Counts().Since(asked); c.Dials != 0 || c.Discoveries != 0 {
		t.Errorf("on a healthy cluster: %d more connections to the follower, %d questions for the leader", c.Dials, c.Discoveries)
	}
}

// A leader that changes is looked for once, however many calls are under way.
func TestANewLeaderIsLookedForOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(t *testing.T, old, next *esdbtest.Server)
	}{
		{"it names the next one", func(_ *testing.T, old, next *esdbtest.Server) {
			next.Follow("")
			old.Follow(next.Address())
		}},
		{"it is gone", func(_ *testing.T, old, next *esdbtest.Server) {
			next.Follow("")
			old.Stop()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			leader, follower, url := pair(t)
			s := open(t, url, Config{})
			begin(t, s, "before", 32, 16)
			before, asked := leader.Counts(), follower.Counts()
			c.change(t, leader, follower)
			begin(t, s, "after", 320, 16)
			a, b := leader.Counts().Since(before), follower.Counts().Since(asked)
			if n := a.Discoveries + b.Discoveries; n > 1 {
				t.Errorf("%d looked for the leader, want one", n)
			}
			if a.Dials > 0 || b.Dials > 2 { // to ask it, and to stay
				t.Errorf("%d and %d connections more", a.Dials, b.Dials)
			}
			if n := follower.Counts().Appends; n < 300 {
				t.Errorf("%d appends at the new leader", n)
			}
		})
	}
}

// A node that has no leader to name is asked by one call at a time, and what it said goes for all that wait.
func TestWithoutALeaderNotEveryCallAsks(t *testing.T) {
	t.Parallel()
	leader, follower, url := pair(t)
	const callers = 16
	var mu sync.Mutex
	waits := 0
	release := make(chan struct{})
	s := open(t, url, Config{Wait: func(ctx context.Context, _ time.Duration) error {
		mu.Lock()
		if waits++; waits == callers {
			leader.Follow("")
			close(release)
		}
		mu.Unlock()
		select {
		case <-release:
		case <-ctx.Done():
		}
		return ctx.Err()
	}})
	asked := follower.Counts().Discoveries + leader.Counts().Discoveries
	leader.Electing()
	begin(t, s, "electing", callers, callers)
	// Each caller is told once; those that come while one asks share its answer.
	if n := follower.Counts().Discoveries + leader.Counts().Discoveries - asked; n > 2*callers {
		t.Errorf("%d questions for the leader by %d calls", n, callers)
	}
}

// A connection that is given up for another one is closed when the calls under way on it have ended.
func TestACallUnderWayIsNotCut(t *testing.T) {
	t.Parallel()
	leader, follower, url := pair(t)
	s := open(t, url, Config{})
	said(t, s, "run-1")
	leader.Gather(2) // the first append waits for a second one
	first := make(chan error, 1)
	go func() {
		_, err := s.Append(context.Background(), "run-1", eventstore.NoStream, facts("a", 1))
		first <- err
	}()
	for leader.Gathered() == 0 {
		time.Sleep(0)
	}
	follower.Follow("")
	leader.Follow(follower.Address())
	if _, err := s.Append(t.Context(), "run-2", eventstore.NoStream, facts("b", 1)); err != nil {
		t.Fatal(err)
	}
	leader.Gather(0)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if leader.Events() != 1 || follower.Events() != 1 {
		t.Errorf("%d and %d events: the call under way was cut", leader.Events(), follower.Events())
	}
}
