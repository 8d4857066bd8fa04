package postgres_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	logpostgres "github.com/virtuous6/virtuous6/eventstore/postgres"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
	"github.com/virtuous6/virtuous6/readmodel/postgres"
	"github.com/virtuous6/virtuous6/readmodel/sqlite"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

// strs reads a column of texts.
func strs(t *testing.T, conn *pgx.Conn, sql string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The server knows what a rebuilt table holds as soon as it is there: else it reads all of it for its latest rows.
func TestARebuiltTableHasStatisticsAtOnce(t *testing.T) {
	t.Parallel()
	at := database(t)
	r, err := models(t, at).BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context(), chunks(enginetest.Simulated(1, 20), 500), nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Swap(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	const values = "SELECT n_distinct::text FROM pg_stats WHERE tablename = 'workflow_runs' AND attname = 'workspace'"
	if got := strs(t, connect(t, at), values); !slices.Equal(got, []string{"1"}) {
		t.Errorf("the values of a column with one are counted as %v", got)
	}
}

// Rows that are copied, rows that are written over and rows that are looked up give what the other engines hold.
func TestDigestsAreThoseOfTheOtherEngines(t *testing.T) {
	t.Parallel()
	entries := enginetest.Simulated(53, 400)
	want := digestOf(t, entries)
	lite, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "models.db"), sqlite.Options{Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	m := modelsOn(t, lite)
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	if got := sum(t, m); got != want {
		t.Errorf("SQLite holds %s, memory %s", got, want)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	at := database(t)
	for _, cache := range []int{1, 1 << 16, 0} {
		m, err := projections.Open(t.Context(), open(t, at), readmodel.Options{CacheBytes: cache})
		if err != nil {
			t.Fatal(err)
		}
		r, err := m.BeginRebuild(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Run(t.Context(), chunks(entries[:len(entries)-100], 500), nil); err != nil {
			t.Fatal(err)
		}
		if err := r.Swap(t.Context(), chunksBehind(entries, 30)); err != nil {
			t.Fatal(err)
		}
		if got := sum(t, m); got != want {
			t.Errorf("with a cache of %d bytes PostgreSQL holds %s, memory %s", cache, got, want)
		}
	}
}

// A swap drops the table that an earlier version had, and leaves another program's of that name alone.
func TestFormerTablesGo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  string
		left int
	}{
		"ours":      {"CREATE TABLE run_steps (run text); COMMENT ON TABLE run_steps IS 'A read model of virtuous6: virtuous6 replay builds it from the log.'", 0},
		"another's": {"CREATE TABLE run_steps (run text)", 1},
		"none":      {"SELECT 1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := database(t)
			conn := connect(t, at)
			if _, err := conn.Exec(t.Context(), c.sql); err != nil {
				t.Fatal(err)
			}
			r, err := models(t, at).BeginRebuild(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Run(t.Context(), chunks(enginetest.Simulated(1, 20), 500), nil); err != nil {
				t.Fatal(err)
			}
			if err := r.Swap(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if left := strs(t, conn, "SELECT relname::text FROM pg_class WHERE relname = 'run_steps'"); len(left) != c.left {
				t.Errorf("%v are left, want %d", left, c.left)
			}
		})
	}
}

// The tables are plain SQL, keep out of the log's way, and are after a swap what they were before it.
func TestTablesArePlainSQL(t *testing.T) {
	t.Parallel()
	at := database(t)
	conn := connect(t, at)
	log, err := logpostgres.Open(t.Context(), at, logpostgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	const names = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
	logs := strs(t, conn, names)
	m := models(t, at)
	entries := enginetest.Simulated(1, 20)
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	made := strs(t, conn, names)
	for _, name := range []string{"workflow_runs", "tasks", "metrics", "projection_checkpoints", "read_model_snapshots"} {
		if !slices.Contains(made, name) || slices.Contains(logs, name) {
			t.Errorf("the log's tables are %v, with the read models' %v: %s", logs, made, name)
		}
	}
	describe := func() []string {
		return append(strs(t, conn, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"),
			strs(t, conn, `SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, collation_name, is_nullable)
				FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`)...)
	}
	const otherwise = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE data_type = 'text'
		AND collation_name IS DISTINCT FROM 'C' AND table_name IN ('workflow_runs', 'tasks', 'metrics', 'patterns')`
	if got := strs(t, conn, otherwise); len(got) > 0 {
		t.Errorf("not compared byte by byte: %v", got)
	}
	before := describe()
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	if err := r.Swap(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if after := describe(); !slices.Equal(before, after) {
		t.Errorf("before a swap %q,\nafter it %q", before, after)
	}
	if got := strs(t, conn, "SELECT position::text FROM projection_checkpoints WHERE name = 'read_models'"); len(got) != 1 || got[0] == "0" {
		t.Errorf("the checkpoint is %v", got)
	}
}

// A swap that waits for one reader lets the others through.
func TestReadersPassASwapThatWaits(t *testing.T) {
	t.Parallel()
	at := database(t)
	entries := enginetest.Simulated(59, 20)
	m := models(t, at)
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	slow, err := open(t, at).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	swapped := make(chan error)
	go func() { swapped <- r.Swap(t.Context(), nil) }()
	conn := connect(t, at)
	const waiting = `SELECT mode FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	for len(strs(t, conn, waiting)) == 0 {
		select {
		case err := <-swapped:
			t.Fatalf("a swap did not wait for a reader: %v", err)
		default:
		}
	}
	e, err := postgres.Open(t.Context(), at, postgres.Options{Patience: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s, err := e.Snapshot(t.Context())
		if err != nil {
			t.Fatalf("a reader behind a swap that waits: %v", err)
		}
		if at, err := s.Checkpoint(); err != nil || at.Position != 0 {
			t.Errorf("it reads %+v, %v", at, err)
		}
		s.Close()
	}
	slow.Close()
	if err := <-swapped; err != nil {
		t.Error(err)
	}
	if got, want := sum(t, m), digestOf(t, entries); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// Connections that an administrator ended are replaced without anybody noticing.
func TestEndedConnectionsAreReplaced(t *testing.T) {
	t.Parallel()
	at := database(t)
	entries := enginetest.Simulated(61, 10)
	m, admin := models(t, at), connect(t, at)
	for i, entry := range entries[:6] {
		if err := m.Apply(t.Context(), uint64(i), []readmodel.Entry{entry}); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
			t.Fatal(err)
		}
		if p, err := m.Position(t.Context()); err != nil || p != uint64(i+1) {
			t.Fatalf("position %d, %v", p, err)
		}
	}
}

// Another process that writes keeps a write waiting, and no longer than its patience.
func TestWritersWaitForOneAnother(t *testing.T) {
	t.Parallel()
	at := database(t)
	m := models(t, at)
	impatient, err := postgres.Open(t.Context(), at, postgres.Options{Patience: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	write := func(readmodel.Tx) error { return nil }
	err = open(t, at).Update(t.Context(), func(readmodel.Tx) error { return impatient.Update(t.Context(), write) })
	if !errors.Is(err, readmodel.ErrUnavailable) || !strings.Contains(err.Error(), "busy") {
		t.Errorf("got %v, want that others keep them busy", err)
	}
	if err := impatient.Update(t.Context(), write); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if err := impatient.Close(); err != nil {
		t.Error(err)
	}
	// What went on after an error is not said to be written.
	err = open(t, at).Update(t.Context(), func(tx readmodel.Tx) error {
		_ = tx.Delete(&readmodel.Table{Name: "no such table"}, nil)
		return nil
	})
	if err == nil {
		t.Error("a transaction that PostgreSQL undid was said to stand")
	}
	if _, err := m.Position(t.Context()); err != nil {
		t.Error(err)
	}
}
