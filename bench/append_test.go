package bench

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	logsqlite "github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// appendTime is how long one append measurement lasts.
const appendTime = 800 * time.Millisecond

// payload is a fact of the size that most have.
var payload = []byte(`{"step":3,"name":"search_orders","type":"tool","agent":"agent-02","tool":"search_orders","depends_on":[1,2],"labels":{"channel":"api","region":"us"}}`)

// appends compares appends with raw INSERTs into the same tables, both with synchronous=FULL. Where many write, the raw
// ones are one connection's transactions of as many rows as there are writers.
func appends(b *testing.B, t *table) {
	for _, c := range []struct{ writers, batch int }{{1, 1}, {32, 1}, {64, 1}, {1, 100}} {
		taken := alternate(*rounds,
			func() sample { return rawAppend(b, c.writers*c.batch) },
			func() sample { return ourAppend(b, c.writers, c.batch) },
		)
		r := row{
			name: fmt.Sprintf("append %d x %d", c.writers, c.batch),
			raw:  median(taken[0], sample.perSecond), ours: median(taken[1], sample.perSecond),
		}
		r.p50, r.p99 = quantiles(pool(taken[1]))
		raw50, raw99 := quantiles(pool(taken[0]))
		r.note = fmt.Sprintf("raw: p50 %s, p99 %s", latency(raw50), latency(raw99))
		t.rows = append(t.rows, r)
	}
}

func newEvents(n int) []events.Envelope {
	batch := make([]events.Envelope, n)
	for i := range batch {
		batch[i] = events.Envelope{
			ID: orchestrator.NewID(), Kind: "run.step_started", Version: 1, OccurredAt: time.Now(), Causation: orchestrator.NewID(),
			Correlation: "019b8d62-91ab-7b1f-a34b-c8a2674e3637", Actor: "import:bench", Data: payload,
		}
	}
	return batch
}

func ourAppend(b *testing.B, writers, size int) sample {
	store, err := logsqlite.Open(b.Context(), filepath.Join(b.TempDir(), "ours.db"), logsqlite.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	latencies := make([][]time.Duration, writers)
	s := measure(func() int {
		var wait sync.WaitGroup
		end := time.Now().Add(appendTime)
		for w := range writers {
			wait.Go(func() {
				stream, expected := fmt.Sprint("run-", w), eventstore.NoStream
				for time.Now().Before(end) {
					batch := newEvents(size)
					began := time.Now()
					at, err := store.Append(b.Context(), stream, expected, batch)
					if err != nil {
						b.Error(err)
						return
					}
					latencies[w] = append(latencies[w], time.Since(began))
					expected = eventstore.Exactly(at.Revision)
				}
			})
		}
		wait.Wait()
		n := 0
		for _, l := range latencies {
			n += len(l) * size
		}
		return n
	})
	for _, l := range latencies {
		s.latencies = append(s.latencies, l...)
	}
	return s
}

// rawAppend writes rows in transactions of a size.
func rawAppend(b *testing.B, size int) (s sample) {
	conn, err := logsqlite.OpenConn(b.Context(), filepath.Join(b.TempDir(), "raw.db"), logsqlite.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	script := "INSERT INTO streams (id, name) VALUES (1, 'run-0'); INSERT INTO kinds (id, name) VALUES (1, 'run.step_started');"
	if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
		b.Fatal(err)
	}
	insert := conn.Prep(`INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation,
		actor, workspace, data) VALUES (?, ?, 1, ?, 1, 1, ?, ?, ?, ?, ?, '', ?)`)
	begin, commit := conn.Prep("BEGIN IMMEDIATE"), conn.Prep("COMMIT")
	var latencies []time.Duration
	s = measure(func() int {
		n := 0
		for end := time.Now().Add(appendTime); time.Now().Before(end); {
			batch := newEvents(size)
			began := time.Now()
			step(b, begin)
			for i := range batch {
				n++
				insert.BindInt64(1, int64(n))
				insert.BindBytes(2, batch[i].ID[:])
				insert.BindInt64(3, int64(n-1))
				insert.BindInt64(4, batch[i].OccurredAt.UnixNano())
				insert.BindInt64(5, time.Now().UnixNano())
				insert.BindBytes(6, batch[i].Causation[:])
				insert.BindText(7, batch[i].Correlation)
				insert.BindText(8, batch[i].Actor)
				insert.BindText(9, string(batch[i].Data))
				step(b, insert)
			}
			step(b, commit)
			latencies = append(latencies, time.Since(began))
		}
		return n
	})
	s.latencies = latencies
	return s
}

func step(b *testing.B, stmt *driver.Stmt) {
	if _, err := stmt.Step(); err != nil {
		b.Fatal(err)
	}
	if err := stmt.Reset(); err != nil {
		b.Fatal(err)
	}
}
