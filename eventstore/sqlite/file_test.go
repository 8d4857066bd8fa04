package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

func conn(t *testing.T, path string) *driver.Conn {
	t.Helper()
	c, err := OpenConn(context.Background(), path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func rows(t *testing.T, c *driver.Conn, query string) (list []string) {
	t.Helper()
	err := sqlitex.ExecuteTransient(c, query, &sqlitex.ExecOptions{ResultFunc: func(row *driver.Stmt) error {
		var cells []string
		for i := range row.ColumnCount() {
			cells = append(cells, row.ColumnText(i))
		}
		list = append(list, strings.Join(cells, "|"))
		return nil
	}})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return list
}

func TestConnectionSettings(t *testing.T) {
	t.Parallel()
	c := conn(t, filepath.Join(t.TempDir(), "log.db"))
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000",
		"wal_autocheckpoint": "16000", "application_id": fmt.Sprint(ApplicationID),
	} {
		if got := rows(t, c, "PRAGMA "+pragma); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %v, want %s", pragma, got, want)
		}
	}
	s := open(t, filepath.Join(t.TempDir(), "store.db"), Config{})
	if got := rows(t, s.writer.conn, "PRAGMA synchronous"); got[0] != "2" {
		t.Errorf("the writer has synchronous=%s, want 2 (full)", got[0])
	}
}

// TestEventLog is what a person sees who queries the file.
func TestEventLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{Now: func() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 42, time.FixedZone("", 3600)) }})
	e := sample(1)
	e.OccurredAt = time.Date(2026, 11, 1, 9, 30, 0, 123_456_789, time.UTC)
	e.Actor, e.Workspace, e.Correlation, e.Data = "user:anna", "north", "r1", []byte(`{"run":"r1"}`)
	f := sample(2)
	f.Causation = e.ID
	if _, err := s.Append(context.Background(), "run-r1", eventstore.NoStream, []events.Envelope{e, f}); err != nil {
		t.Fatal(err)
	}
	c := conn(t, path)
	got := rows(t, c, "SELECT position, stream, revision, kind, version, occurred_at, recorded_at, actor, workspace, correlation, id, causation, data, data ->> 'run' FROM event_log")
	want := []string{
		"1|run-r1|0|run.started|1|2026-11-01T09:30:00.123456789Z|2026-11-22T09:00:00.000000042Z|user:anna|north|r1|018bcfe5-6800-7000-8000-000000000001||{\"run\":\"r1\"}|r1",
		"2|run-r1|1|run.started|1|2023-11-14T22:13:20.000000005Z|2026-11-22T09:00:00.000000042Z||||018bcfe5-6800-7000-8000-000000000002|018bcfe5-6800-7000-8000-000000000001|{\"n\":1}|",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestHistoryIsNeverChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{})
	if _, err := s.Append(context.Background(), "run-1", eventstore.NoStream, []events.Envelope{sample(1)}); err != nil {
		t.Fatal(err)
	}
	c := conn(t, path)
	for _, statement := range []string{
		"UPDATE events SET data = '{}'", "DELETE FROM events", "UPDATE streams SET name = 'x'", "DELETE FROM streams",
		"UPDATE kinds SET name = 'x'", "DELETE FROM kinds",
	} {
		err := sqlitex.ExecuteTransient(c, statement, nil)
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: got %v", statement, err)
		}
	}
	if got := rows(t, c, "SELECT data FROM events"); len(got) != 1 || got[0] != `{"n":1}` {
		t.Errorf("got %v", got)
	}
}

// TestPoll has another store append, of which only a tick can tell.
func TestPoll(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "log.db")
	ticks := make(chan time.Time)
	stopped := false
	s := open(t, path, Config{Ticker: func(d time.Duration) (<-chan time.Time, func()) {
		if d != 25*time.Millisecond {
			t.Errorf("polls every %s", d)
		}
		return ticks, func() { stopped = true }
	}})
	other := open(t, path, Config{})
	// The read that the first tick brings may see the event already: the second tick is then for nobody.
	over := make(chan struct{})
	tick := func() {
		select {
		case ticks <- time.Time{}:
		case <-over:
		}
	}
	var wait sync.WaitGroup
	marks := 0
	for m, err := range s.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if !m.CaughtUp {
			continue
		}
		if marks++; marks == 3 {
			break
		}
		wait.Go(func() {
			tick() // of nothing new: no mark comes of it
			if _, err := other.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(marks)}); err != nil {
				t.Error(err)
			}
			tick()
		})
	}
	close(over)
	wait.Wait()
	if !stopped {
		t.Error("the ticker was not stopped")
	}
}

// TestWake has a subscription that no tick ever comes to: what its own store appends wakes it.
func TestWake(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := open(t, filepath.Join(t.TempDir(), "log.db"), Config{
		Ticker: func(time.Duration) (<-chan time.Time, func()) { return nil, func() {} },
	})
	marks := 0
	for m, err := range s.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if !m.CaughtUp {
			continue
		}
		if marks++; marks == 4 {
			break
		}
		go func() {
			if _, err := s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(marks)}); err != nil {
				t.Error(err)
			}
		}()
	}
}

// TestBegin has a connection of another room write while the store is busy: it gets its turn.
func TestBegin(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "log.db")
	s, c := open(t, path, Config{}), conn(t, path)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(i)}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	run(t, c, "CREATE TABLE mine (n INTEGER)")
	for range 20 {
		if err := Begin(ctx, c, Config{}); err != nil {
			t.Fatal(err)
		}
		run(t, c, "INSERT INTO mine VALUES (1)")
		run(t, c, "COMMIT")
	}
	close(stop)
	<-stopped
	// One that can't have its turn gives up, and leaves the connection as it was.
	run(t, s.writer.conn, "BEGIN IMMEDIATE")
	if err := Begin(ctx, c, Config{BusyTimeout: 3 * time.Millisecond}); driver.ErrCode(err).ToPrimary() != driver.ResultBusy {
		t.Errorf("got %v, want busy", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := Begin(done, c, Config{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	run(t, s.writer.conn, "ROLLBACK")
	if got := rows(t, c, "PRAGMA busy_timeout"); got[0] != "10000" {
		t.Errorf("it left a busy timeout of %s ms", got[0])
	}
	if got := rows(t, c, "SELECT count(*) FROM mine"); got[0] != "20" {
		t.Errorf("%s rows were written, want 20", got[0])
	}
}

// TestSlowReadersPinNothing leaves readers in the middle of a log: a checkpoint must still move all of the
// write-ahead log into the file.
func TestSlowReadersPinNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{Readers: 1})
	batch := make([]events.Envelope, 3*pageRows)
	for i := range batch {
		batch[i] = sample(i)
	}
	if _, err := s.Append(ctx, "run-1", eventstore.Any, batch); err != nil {
		t.Fatal(err)
	}
	checkpoint := func() {
		if got := rows(t, conn(t, path), "PRAGMA wal_checkpoint(TRUNCATE)"); got[0] != "0|0|0" {
			t.Errorf("the checkpoint answered %s: a reader is in its way", got[0])
		}
	}
	n := 0
	for range s.ReadAll(ctx, eventstore.ReadOptions{}) {
		if n++; n == 5 || n == firstRows || n == firstRows+1 || n == 2*pageRows {
			checkpoint()
			for m := range s.Subscribe(ctx, 0) {
				if m.Position == pageRows+7 {
					checkpoint()
					break
				}
			}
		}
	}
	if n != len(batch) {
		t.Errorf("read %d events, want %d", n, len(batch))
	}
}

func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{})
	if _, err := s.Append(context.Background(), "run-1", eventstore.Any, []events.Envelope{sample(1)}); err != nil {
		t.Fatal(err)
	}
	busy := conn(t, path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("with a connection left: %v, %v, want an empty write-ahead log", info, err)
	}
	if err := busy.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("with none left: %v, want no write-ahead log", err)
	}
}

// TestManyNames reads a log of more streams and texts than are looked up one by one, in both directions.
func TestManyNames(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "log.db"), Config{})
	const size = 1500
	for i := range size {
		go func() {
			e := sample(i)
			e.Correlation, e.Actor = fmt.Sprint("r", i), fmt.Sprint("a", i%3)
			if _, err := s.Append(ctx, fmt.Sprint("run-", i), eventstore.NoStream, []events.Envelope{e}); err != nil {
				t.Error(err)
			}
		}()
	}
	n := 0
	for m, err := range s.Subscribe(ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.CaughtUp {
			continue
		}
		if n++; n == size {
			break
		}
	}
	for _, d := range []eventstore.Direction{eventstore.Forwards, eventstore.Backwards} {
		n := 0
		for e, err := range s.ReadAll(ctx, eventstore.ReadOptions{Direction: d}) {
			if err != nil {
				t.Fatal(err)
			}
			i := int(e.ID[14])<<8 | int(e.ID[15])
			if e.Stream != fmt.Sprint("run-", i) || e.Correlation != fmt.Sprint("r", i) || e.Actor != fmt.Sprint("a", i%3) {
				t.Fatalf("event %d came back as %+v", i, e)
			}
			n++
		}
		if n != size {
			t.Errorf("read %d events, want %d", n, size)
		}
	}
}
