package bench

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	logsqlite "github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// appendTime is how long one append measurement lasts, and appendRounds how many of them make up one round of the others:
// the disk's own pace changes within seconds.
const (
	appendTime   = 400 * time.Millisecond
	appendRounds = 5
)

// payload is a fact of the size that most have.
var payload = []byte(`{"step":3,"name":"search_orders","type":"tool","agent":"agent-02","tool":"search_orders","depends_on":[1,2],"labels":{"channel":"api","region":"us"}}`)

// appends compares appends with raw INSERTs into the same tables, both durable. On SQLite, which has one writer, the raw
// rows of many writers are one connection's transactions of a row for each of as many streams; on PostgreSQL they are as
// many connections with a transaction a row.
func appends(b *testing.B, e engine, t *table) {
	for _, c := range []struct {
		writers, batch int
		sqlite, pg     float64
	}{{1, 1, .8, .8}, {32, 1, .9, 1.5}, {64, 1, .9, 1.5}, {1, 100, .8, .8}} {
		taken := alternate(appendRounds**rounds,
			func() sample { return e.raw(b, c.writers, c.batch) },
			func() sample { return ourAppend(b, e, c.writers, c.batch) },
		)
		r := row{
			name: fmt.Sprintf("append %d x %d", c.writers, c.batch), target: c.sqlite,
			raw: median(taken[0], sample.perSecond), ours: median(taken[1], sample.perSecond),
		}
		if e.name == "PostgreSQL" {
			r.target = c.pg
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

func ourAppend(b *testing.B, e engine, writers, size int) sample {
	store := e.log(b, e.place(b))
	defer store.Close()
	return spread(b, writers, size, func(_ int, stream string, batch []events.Envelope, revision int64) error {
		expected := eventstore.NoStream
		if revision > 0 {
			expected = eventstore.Exactly(uint64(revision - 1))
		}
		_, err := store.Append(b.Context(), stream, expected, batch)
		return err
	})
}

// rawSQLite writes rows in transactions of a batch for each writer's stream.
func rawSQLite(b *testing.B, writers, size int) sample {
	conn, err := logsqlite.OpenConn(b.Context(), filepath.Join(b.TempDir(), "raw.db"), logsqlite.Config{})
	must(b, err)
	defer conn.Close()
	script := "INSERT INTO kinds (id, name) VALUES (1, 'run.step_started');"
	for w := range writers {
		script += fmt.Sprintf("INSERT INTO streams (id, name) VALUES (%d, 'run-%d');", w+1, w)
	}
	must(b, sqlitex.ExecuteScript(conn, script, nil))
	insert := conn.Prep(`INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation,
		actor, workspace, data) VALUES (?, ?, ?, ?, 1, 1, ?, ?, ?, ?, ?, '', ?)`)
	begin, commit := conn.Prep("BEGIN IMMEDIATE"), conn.Prep("COMMIT")
	return spread(b, 1, writers*size, func(_ int, _ string, batch []events.Envelope, n int64) error {
		step(b, begin)
		for i := range batch {
			insert.BindInt64(1, n+1)
			insert.BindBytes(2, batch[i].ID[:])
			insert.BindInt64(3, int64(i/size+1))
			insert.BindInt64(4, n/int64(writers))
			insert.BindInt64(5, batch[i].OccurredAt.UnixNano())
			insert.BindInt64(6, time.Now().UnixNano())
			insert.BindBytes(7, batch[i].Causation[:])
			insert.BindText(8, batch[i].Correlation)
			insert.BindText(9, batch[i].Actor)
			insert.BindText(10, string(batch[i].Data))
			step(b, insert)
			n++
		}
		step(b, commit)
		return nil
	})
}

func step(b *testing.B, stmt *driver.Stmt) {
	if _, err := stmt.Step(); err != nil {
		b.Fatal(err)
	}
	if err := stmt.Reset(); err != nil {
		b.Fatal(err)
	}
}
