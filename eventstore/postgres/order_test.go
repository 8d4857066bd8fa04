package postgres

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// numbered is a batch of events that its writer and number name.
func numbered(writer, i, size int) []events.Envelope {
	batch := make([]events.Envelope, size)
	for k := range batch {
		name := fmt.Sprintf("%d/%d/%d", writer, i, k)
		batch[k] = events.Envelope{
			ID: events.NameID(time.Unix(1_700_000_000, 0), name), Kind: "run.started", Version: 1,
			OccurredAt: time.Unix(1_700_000_000, 0), Data: []byte(`"` + name + `"`),
		}
	}
	return batch
}

// connect opens a bare connection.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
}, query string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), query, args...); err != nil {
		t.Errorf("%s: %v", query, err)
	}
}

// tailed is what a reader got that always asks for what comes behind the last position it saw, as any reader of the log
// may.
type tailed struct {
	last int64
	seen []int64
}

func (r *tailed) read(t *testing.T, conn *pgx.Conn, table string) {
	rows, err := conn.Query(context.Background(), "SELECT position FROM "+table+" WHERE position > $1 ORDER BY position", r.last)
	if err != nil {
		t.Error(err)
		return
	}
	more, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Error(err)
		return
	}
	if len(more) > 0 {
		r.seen, r.last = append(r.seen, more...), more[len(more)-1]
	}
}

// skipped are the positions that the log holds and the reader never saw.
func (r *tailed) skipped(t *testing.T, conn *pgx.Conn, table string) (missed []int64) {
	whole := &tailed{}
	whole.read(t, conn, table)
	for _, p := range whole.seen {
		if _, found := slices.BinarySearch(r.seen, p); !found {
			missed = append(missed, p)
		}
	}
	return missed
}

// load has 16 writers at work, four of which dawdle inside their transactions and end every other of them with a
// rollback, while a reader follows. write returns when its transaction has ended.
func load(t *testing.T, url, table string, each int, write func(writer, i int), dawdle func(conn *pgx.Conn, writer, i int)) *tailed {
	t.Helper()
	var writing sync.WaitGroup
	for w := range 12 {
		writing.Go(func() {
			for i := range each {
				write(w, i)
			}
		})
	}
	for w := range 4 {
		conn := connect(t, url)
		writing.Go(func() {
			for i := range each / 4 {
				dawdle(conn, 12+w, i)
			}
		})
	}
	var done atomic.Bool
	var reading sync.WaitGroup
	r, conn := &tailed{}, connect(t, url)
	reading.Go(func() {
		for !done.Load() {
			r.read(t, conn, table)
		}
		r.read(t, conn, table)
	})
	writing.Wait()
	done.Store(true)
	reading.Wait()
	return r
}

// TestNoReaderSkips has two stores, and transactions that hold their positions for long before they commit or roll back,
// write at the same time. A plain reader sees every position that there will ever be, also one that reads within
// transactions which began before.
func TestNoReaderSkips(t *testing.T) {
	t.Parallel()
	url := database(t)
	stores := []*Store{open(t, url, Config{}), open(t, url, Config{})}
	old := connect(t, url) // a transaction that stays open hides nothing
	exec(t, old, "BEGIN")
	exec(t, old, "SELECT txid_current()")
	const each = 40
	r := load(t, url, "events", each, func(w, i int) {
		if _, err := stores[w%2].Append(t.Context(), fmt.Sprintf("run-%d", i%7), eventstore.Any, numbered(w, i, 1+i%3)); err != nil {
			t.Error(err)
		}
	}, func(conn *pgx.Conn, w, i int) {
		// What another process's append does, slowly: the same lock, then its rows, then some time.
		exec(t, conn, "BEGIN")
		exec(t, conn, "SELECT pg_advisory_xact_lock($1)", appendLock)
		id := numbered(w, i, 1)[0].ID
		exec(t, conn, `INSERT INTO events SELECT coalesce(max(position), 0) + 1, $1, $2, 0, 'k', 1, 0, 0, NULL, '', '', '', '' FROM events`, id, "slow-"+id.String())
		exec(t, conn, "SELECT pg_sleep(0.003)")
		exec(t, conn, []string{"COMMIT", "ROLLBACK"}[i%2])
	})
	exec(t, old, "ROLLBACK")
	if missed := r.skipped(t, old, "events"); len(missed) > 0 {
		t.Errorf("the reader skipped %d of %d events: %v", len(missed), len(missed)+len(r.seen), missed)
	}
	want := 4 * each / 8
	for i := range each {
		want += 12 * (1 + i%3)
	}
	if len(r.seen) != want || !slices.IsSorted(r.seen) {
		t.Errorf("the reader saw %d events, want %d, in order: %v", len(r.seen), want, slices.IsSorted(r.seen))
	}
}

// TestSequenceReaderSkips shows that the test above can fail: the same load on a table whose positions come from a
// sequence, without the lock.
func TestSequenceReaderSkips(t *testing.T) {
	t.Parallel()
	url := database(t)
	conn := connect(t, url)
	exec(t, conn, "CREATE TABLE naive (position bigserial PRIMARY KEY)")
	var pool sync.Map
	for w := range 12 {
		pool.Store(w, connect(t, url))
	}
	seen := 0
	for range 20 { // once is enough nearly always, but not on a machine that runs the writers one after the other
		r := load(t, url, "naive", 40, func(w, _ int) {
			c, _ := pool.Load(w)
			exec(t, c.(*pgx.Conn), "INSERT INTO naive DEFAULT VALUES")
		}, func(conn *pgx.Conn, _, i int) {
			exec(t, conn, "BEGIN")
			exec(t, conn, "INSERT INTO naive DEFAULT VALUES")
			exec(t, conn, "SELECT pg_sleep(0.003)")
			exec(t, conn, []string{"COMMIT", "ROLLBACK"}[i%2])
		})
		if missed := r.skipped(t, conn, "naive"); len(missed) > 0 {
			return
		}
		seen += len(r.seen)
		exec(t, conn, "TRUNCATE naive")
	}
	t.Errorf("a reader that trusts a sequence saw all of %d: the check finds nothing", seen)
}

// TestAppendWaitsForTheOneBefore takes the interleaving that a sequence gets wrong step by step: an append that comes
// later must not become visible earlier.
func TestAppendWaitsForTheOneBefore(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, first := open(t, url, Config{}), connect(t, url)
	exec(t, first, "BEGIN")
	exec(t, first, "SELECT pg_advisory_xact_lock($1)", appendLock)
	exec(t, first, `INSERT INTO events VALUES (1, gen_random_uuid(), 'run-1', 0, 'k', 1, 0, 0, NULL, '', '', '', '')`)
	wait := s.Submit(t.Context(), nil, "run-2", eventstore.NoStream, numbered(0, 0, 1))
	ended := make(chan struct{})
	var a eventstore.Appended
	var err error
	go func() {
		defer close(ended)
		a, err = wait()
	}()
	for blocked := false; !blocked; { // until the store's append waits for the lock
		select {
		case <-ended:
			t.Fatalf("the append did not wait: %+v, %v", a, err)
		default:
		}
		const query = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
		if err := first.QueryRow(t.Context(), query).Scan(&blocked); err != nil {
			t.Fatal(err)
		}
	}
	if head, err := s.Head(t.Context()); err != nil || head != 0 {
		t.Errorf("head %d, %v: what is not committed can be seen", head, err)
	}
	exec(t, first, "COMMIT")
	if <-ended; err != nil || a.Position != 2 {
		t.Errorf("got %+v, %v, want position 2", a, err)
	}
}
