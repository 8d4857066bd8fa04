package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/proxytest"
)

// through is the way to a database on a network that breaks.
func through(t *testing.T, direct string) (*proxytest.Proxy, string) {
	t.Helper()
	p := proxytest.Start(t, "unix", server.Server(t).Socket())
	return p, p.URL(direct)
}

// What a client sends that ends a transaction which appends, by the names of the statements that do, and the server's
// answer to it.
var (
	commits   = []string{"\x00insert if\x00", "\x00insert one if\x00", "\x00commit\x00"}
	committed = []string{"INSERT 0 "}
)

// TestCutDuringCommit cuts every connection at one of its commits. Every append succeeds, and is there once.
func TestCutDuringCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		direction string
		cut       proxytest.Cut
	}{
		"the server never hears of it":      {proxytest.Upstream, proxytest.Cut{At: commits, N: 3}},
		"the server gets half of it":        {proxytest.Upstream, proxytest.Cut{At: commits, N: 3, Half: true}},
		"the answer is lost":                {proxytest.Downstream, proxytest.Cut{At: committed, N: 3}},
		"the answer is lost in the middle":  {proxytest.Downstream, proxytest.Cut{At: committed, N: 3, Half: true}},
		"any message: the 25th answer":      {proxytest.Downstream, proxytest.Cut{N: 25}},
		"any message: the 25th, half of it": {proxytest.Upstream, proxytest.Cut{N: 25, Half: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const writers, appends = 8, 12
			direct := database(t)
			p, url := through(t, direct)
			s := open(t, url, Config{})
			p.Add(c.direction, &c.cut)
			before := p.Accepted()
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for i := range appends {
						expected := eventstore.Exactly(uint64(2*i - 1))
						if i == 0 {
							expected = eventstore.NoStream
						}
						a, err := s.Append(t.Context(), fmt.Sprintf("run-%d", w), expected, numbered(w, i, 2))
						if err != nil || a.Revision != uint64(2*i+1) {
							t.Errorf("append %d of writer %d: got %+v, %v, want revision %d", i, w, a, err, 2*i+1)
							return
						}
						// Another process's append, that takes the position a cut one may have had in mind.
						if i%8 == 0 {
							if _, err := s.Append(t.Context(), "run-shared", eventstore.Any, numbered(100+w, i, 2)); err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			other := open(t, direct, Config{})
			for i := range 20 {
				if _, err := other.Append(t.Context(), "run-other", eventstore.Any, numbered(200, i, 2)); err != nil {
					t.Error(err)
				}
			}
			wg.Wait()
			whole(t, other, 2*(writers*appends+2*writers+20), 2)
			if cuts := p.Accepted() - before; cuts < 3 {
				t.Errorf("it connected %d times: too little was cut", cuts)
			}
		})
	}
}

// TestSilentNetwork: nothing waits for an answer for longer than the store's patience, and a subscription goes on when
// the network is back.
func TestSilentNetwork(t *testing.T) {
	t.Parallel()
	direct := database(t)
	p, url := through(t, direct)
	s := open(t, url, Config{Patience: 500 * time.Millisecond, Poll: 20 * time.Millisecond})
	hasty := Config{Patience: 500 * time.Millisecond}
	reader, rested := open(t, url, hasty), open(t, url, hasty) // with connections that stand idle
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	seen := make(chan eventstore.Message)
	ctx, stop := context.WithCancel(t.Context())
	var subscribing sync.WaitGroup
	subscribing.Go(func() {
		for m, err := range s.Subscribe(ctx, 0) {
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("the subscription ended: %v", err)
				}
				return
			}
			if !m.CaughtUp {
				seen <- m
			}
		}
	})
	for range 2 {
		<-seen
	}
	restore := p.Add(proxytest.Downstream, &proxytest.Silent{})
	_, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 1, 2))
	wants(t, err, eventstore.ErrUnavailable, "took too long to answer")
	_, err = reader.Head(t.Context())
	wants(t, err, eventstore.ErrUnavailable, "took too long to answer")
	for _, err := range reader.ReadStream(t.Context(), "run-1", eventstore.StreamOptions{}) {
		wants(t, err, eventstore.ErrUnavailable, "") // on another connection, if it came to be
	}
	_, err = rested.Head(t.Context()) // after so long it asks first whether the connection is alive
	wants(t, err, eventstore.ErrUnavailable, "took too long to answer")
	restore()
	// The append may stand or not. That it is said again settles it.
	if a, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 1, 2)); err != nil || a.Revision != 3 {
		t.Errorf("when it was back: %+v, %v", a, err)
	}
	for want := uint64(2); want < 4; want++ {
		if m := <-seen; m.Event.Revision != want {
			t.Errorf("the subscription goes on with revision %d, want %d", m.Event.Revision, want)
		}
	}
	stop()
	subscribing.Wait()
	whole(t, s, 4, 2)
}

// TestNetworkGone: all is refused at once, and goes on when the network is back.
func TestNetworkGone(t *testing.T) {
	t.Parallel()
	p, url := through(t, database(t))
	s := open(t, url, Config{Patience: 300 * time.Millisecond})
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	_, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 1, 2))
	wants(t, err, eventstore.ErrUnavailable, "can't be reached")
	_, err = s.Head(t.Context())
	wants(t, err, eventstore.ErrUnavailable, "can't be reached")
	p.Restore()
	if a, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 1, 2)); err != nil || a.Revision != 3 {
		t.Errorf("when it was back: %+v, %v", a, err)
	}
	whole(t, s, 4, 2)
}

// whole reads the log: positions rise, revisions have no gaps, every batch of numbered is there whole and once. It
// returns the batches' names.
func whole(t *testing.T, s *Store, total, size int) map[string]int {
	t.Helper()
	parts, next, last, n := make(map[string]int), make(map[string]uint64), uint64(0), 0
	for e, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Position <= last || e.Revision != next[e.Stream] {
			t.Fatalf("%s: revision %d at position %d after %d, want revision %d", e.Stream, e.Revision, e.Position, last, next[e.Stream])
		}
		n, last, next[e.Stream] = n+1, e.Position, e.Revision+1
		name := string(e.Data[1 : len(e.Data)-1])
		parts[name[:strings.LastIndexByte(name, '/')]]++
	}
	for batch, got := range parts {
		if got != size {
			t.Errorf("batch %s is there with %d of its %d events", batch, got, size)
		}
	}
	if total > 0 && n != total {
		t.Errorf("the log holds %d events, want %d", n, total)
	}
	return parts
}
