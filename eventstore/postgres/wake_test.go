package postgres

import (
	"bytes"
	"context"
	"iter"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// ticked is a Config whose polls come when the test says so: each receive of the returned channel's sends is one tick.
func ticked() (Config, chan<- time.Time) {
	ticks := make(chan time.Time)
	return Config{Ticker: func(time.Duration) (<-chan time.Time, func()) { return ticks, func() {} }}, ticks
}

// follower reads a subscription step by step.
type follower struct {
	t    *testing.T
	next func() (eventstore.Message, error, bool)
}

func follow(t *testing.T, s *Store, after uint64) follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	next, stop := iter.Pull2(s.Subscribe(ctx, after))
	t.Cleanup(func() {
		stop()
		cancel()
	})
	return follower{t, next}
}

// sees expects an event at a position, or with 0 to have caught up.
func (f follower) sees(position uint64) {
	f.t.Helper()
	m, err, ok := f.next()
	if err != nil || !ok || m.CaughtUp != (position == 0) || !m.CaughtUp && m.Position != position {
		f.t.Errorf("got %+v, %v, want position %d", m, err, position)
	}
}

func listening(t *testing.T, url string) {
	t.Helper()
	conn := connect(t, url)
	for n := 0; n == 0; {
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'").Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNotifyWakes: a subscription that never polls sees what another store appends.
func TestNotifyWakes(t *testing.T) {
	t.Parallel()
	url := database(t)
	never, _ := ticked()
	f, other := follow(t, open(t, url, never), 0), open(t, url, Config{})
	f.sees(0)
	for i := range 20 {
		if _, err := other.Append(t.Context(), "run-1", eventstore.Any, numbered(0, i, 1)); err != nil {
			t.Fatal(err)
		}
		f.sees(uint64(i + 1))
		f.sees(0)
	}
}

// TestListenerComesBack ends the connection that listens: the next tick makes another, and what was missed is seen.
func TestListenerComesBack(t *testing.T) {
	t.Parallel()
	url := database(t)
	c, ticks := ticked()
	f, other, admin := follow(t, open(t, url, c), 0), open(t, url, Config{}), connect(t, url)
	f.sees(0)
	listening(t, url)
	for i := range 3 {
		exec(t, admin, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
		if _, err := other.Append(t.Context(), "run-1", eventstore.Any, numbered(0, i, 1)); err != nil {
			t.Fatal(err)
		}
		ticks <- time.Time{} // taken by the listener: the subscription is not asked for its next message now
		listening(t, url)
		f.sees(uint64(i + 1))
		f.sees(0)
	}
}

// TestPollFindsWhatNobodyTold: the log grew without a NOTIFY, as when a process dies right behind its commit.
func TestPollFindsWhatNobodyTold(t *testing.T) {
	t.Parallel()
	url := database(t)
	c, ticks := ticked()
	f, admin := follow(t, open(t, url, c), 0), connect(t, url)
	f.sees(0)
	listening(t, url) // from here on the listener takes no tick
	seen := make(chan struct{})
	go func() {
		defer close(seen)
		f.sees(1)
	}()
	tick := func() {
		select {
		case ticks <- time.Time{}:
		case <-seen:
		}
	}
	tick()
	tick() // the subscription has read on since the first, and found nothing
	exec(t, admin, `INSERT INTO events VALUES (1, gen_random_uuid(), 'run-1', 0, 'k', 1, 0, 0, NULL, '', '', '', '')`)
	tick()
	<-seen
}

// TestHeavyPages reads events so large that a page is cut off in its middle.
func TestHeavyPages(t *testing.T) {
	t.Parallel()
	s := open(t, database(t), Config{})
	const size, count = 6 << 20, 9
	for i := range count {
		e := numbered(0, i, 1)
		e[0].Data = bytes.Repeat([]byte{byte('a' + i)}, size)
		if _, err := s.Append(t.Context(), "run-1", eventstore.Any, e); err != nil {
			t.Fatal(err)
		}
	}
	reads := map[string]iter.Seq2[events.Envelope, error]{
		"the log":            s.ReadAll(t.Context(), eventstore.ReadOptions{}),
		"the stream":         s.ReadStream(t.Context(), "run-1", eventstore.StreamOptions{}),
		"the stream's first": s.ReadStream(t.Context(), "run-1", eventstore.StreamOptions{Limit: 8}),
	}
	for what, read := range reads {
		n := 0
		for e, err := range read {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if want := byte('a' + n); len(e.Data) != size || e.Data[0] != want || e.Data[size-1] != want {
				t.Fatalf("%s: event %d has other data", what, n)
			}
			n++
		}
		if want := map[bool]int{true: 8, false: count}[what == "the stream's first"]; n != want {
			t.Errorf("%s: read %d events, want %d", what, n, want)
		}
	}
}

// TestManyChunks appends one batch that takes several inserts.
func TestManyChunks(t *testing.T) {
	t.Parallel()
	s := open(t, database(t), Config{})
	batch := numbered(0, 0, 2*chunkRows+7)
	for range 2 {
		a, err := s.Append(t.Context(), "run-1", eventstore.NoStream, batch)
		if err != nil || a.Position != uint64(len(batch)) {
			t.Fatalf("got %+v, %v", a, err)
		}
	}
	whole(t, s, len(batch), len(batch))
}

func TestKindsThatCanNotBe(t *testing.T) {
	t.Parallel()
	s := open(t, database(t), Config{})
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 0, 3)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kinds []string
		want  int
	}{{[]string{"\x00", "\xff"}, 0}, {[]string{"\x00", "run.started"}, 3}} {
		n := 0
		for _, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{Kinds: c.kinds}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != c.want {
			t.Errorf("%q: %d events, want %d", c.kinds, n, c.want)
		}
	}
}
