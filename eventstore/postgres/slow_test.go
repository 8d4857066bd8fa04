package postgres

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/proxytest"
)

// heavy is a batch of events of so many bytes each.
func heavy(n, size int) []events.Envelope {
	batch := numbered(0, 0, n)
	for i := range batch {
		batch[i].Data = fmt.Appendf(nil, `"0/0/%d%s"`, i, bytes.Repeat([]byte(" "), size))
	}
	return batch
}

// TestSlowLine has what is appended take longer to arrive than the server waits for a client that hangs.
func TestSlowLine(t *testing.T) {
	t.Parallel()
	for name, batch := range map[string][]events.Envelope{
		"an event that is large": heavy(1, 7<<20),
		"many events":            heavy(7, 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, url := through(t, database(t))
			s := open(t, url, Config{Patience: 30 * time.Second})
			s.writer.stall = time.Second
			p.Add(proxytest.Upstream, &proxytest.Slow{Rate: 6000})
			begun := time.Now()
			a, err := s.Append(t.Context(), "run-1", eventstore.NoStream, batch)
			if err != nil || a.Position != uint64(len(batch)) {
				t.Errorf("got %+v, %v", a, err)
			}
			if took := time.Since(begun); took < s.writer.stall {
				t.Errorf("it took %s: the line is not slow", took)
			}
			if n := p.Accepted(); n > 3 { // the pool's, the writer's, and that which looks for a pooler
				t.Errorf("it connected %d times: the server ended a transaction on the way", n)
			}
		})
	}
}

// TestAllowance: what a large event may take grows with it, and not beyond what its writer would wait for.
func TestAllowance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size           int
		patience, want time.Duration
	}{
		{chunkBytes + 1, 15 * time.Second, 10 * time.Second},
		{eventstore.MaxData, 15 * time.Second, 15 * time.Second},
		{eventstore.MaxData, time.Hour, 80 * time.Second},
		{eventstore.MaxData, time.Second, 5 * time.Second},
	} {
		if got := (&session{patience: c.patience, stall: stall}).allowance(c.size); got != c.want {
			t.Errorf("%d bytes with a patience of %s: %s, want %s", c.size, c.patience, got, c.want)
		}
	}
}

// TestHangingClient: one that hangs while it sends its second chunk loses the append lock, and others go on.
func TestHangingClient(t *testing.T) {
	t.Parallel()
	direct := database(t)
	p, url := through(t, direct)
	hangs, other, admin := open(t, url, Config{Patience: time.Minute}), open(t, direct, Config{Patience: 10 * time.Second}), connect(t, direct)
	hangs.writer.stall = 500 * time.Millisecond
	if _, err := hangs.Append(t.Context(), "run-2", eventstore.Any, numbered(1, 0, 1)); err != nil {
		t.Fatal(err)
	}
	restore := p.Add(proxytest.Upstream, &proxytest.Cut{At: []string{"\x00insert\x00"}, N: 2, Half: true, Hang: true})
	wait := hangs.Submit(t.Context(), nil, "run-1", eventstore.NoStream, heavy(4, 3<<20))
	const locked = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database() AND locktype = 'advisory' AND granted"
	for n := 0; n == 0; {
		if err := admin.QueryRow(t.Context(), locked).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := other.Append(t.Context(), "run-3", eventstore.Any, numbered(2, 0, 1)); err != nil || a.Position != 2 {
		t.Errorf("another's append: %+v, %v, want it behind the first event", a, err)
	}
	restore()
	if a, err := wait(); err != nil || a.Position != 6 {
		t.Errorf("when the network was back: %+v, %v", a, err)
	}
}
