package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/migrations"
)

// wants checks an error's kind, and that its text holds the advice.
func wants(t *testing.T, err, kind error, advice string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), advice) {
		t.Errorf("got %v, want %v that says %q", err, kind, advice)
	}
}

func run(t *testing.T, conn *driver.Conn, script string) {
	t.Helper()
	for rest := strings.TrimSpace(script); rest != ""; {
		stmt, trailing, err := conn.PrepareTransient(rest)
		if err != nil {
			t.Fatalf("%s: %v", rest, err)
		}
		if _, err := stmt.Step(); err != nil {
			t.Fatalf("%s: %v", rest, err)
		}
		if err := stmt.Finalize(); err != nil {
			t.Fatalf("%s: %v", rest, err)
		}
		rest = strings.TrimSpace(rest[len(rest)-trailing:])
	}
}

// foreign makes a SQLite file that this package did not make.
func foreign(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.db")
	conn, err := driver.OpenConn(path, driver.OpenReadWrite|driver.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	run(t, conn, script)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := func(script string) string {
		path := filepath.Join(t.TempDir(), "ours.db")
		conn, err := OpenConn(context.Background(), path, Config{})
		if err != nil {
			t.Fatal(err)
		}
		run(t, conn, script)
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name, path string
		kind       error
		advice     string
	}{
		{"text", write(strings.Repeat("this is no database\n", 100)), eventstore.ErrCorrupt, "is not a SQLite file"},
		{"a damaged header", write("SQLite format 3\x00" + strings.Repeat("\xff", 4096)), eventstore.ErrCorrupt, "restore a backup"},
		{"another program's file", foreign(t, "CREATE TABLE bookmarks (id)"), eventstore.ErrSchema, "choose another file"},
		{"another application's file", foreign(t, "PRAGMA application_id = 77"), eventstore.ErrSchema, "choose another file"},
		{"a newer schema", ours("PRAGMA user_version = 9999"), eventstore.ErrSchema, "upgrade virtuous6"},
		{"a folder", t.TempDir(), eventstore.ErrUnavailable, "can't be opened"},
		{"no folder", filepath.Join(t.TempDir(), "none", "log.db"), eventstore.ErrUnavailable, "see that its folder exists"},
		{"no path", "", eventstore.ErrUnavailable, "is no file"},
		{"memory", ":memory:", eventstore.ErrUnavailable, "name one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before, _ := os.ReadFile(c.path)
			s, err := Open(context.Background(), c.path, Config{})
			wants(t, err, c.kind, c.advice)
			if s != nil {
				t.Error("it was opened nevertheless")
			}
			if after, _ := os.ReadFile(c.path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestEmptyFileIsTaken(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "empty ? # %20.db") // no URI either
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, Config{})
	if _, err := s.Append(context.Background(), "run-1", eventstore.NoStream, []events.Envelope{sample(1)}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("the log is elsewhere: %v, %v", info, err)
	}
}

func TestOlderSchemaIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	path := foreign(t, fmt.Sprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = 1", migrations.SQLite()[0], ApplicationID))
	conn, err := OpenConn(context.Background(), path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if version, err := number(conn, "PRAGMA user_version"); err != nil || version != int64(len(migrations.SQLite())) {
		t.Errorf("schema version %d, %v, want %d", version, err, len(migrations.SQLite()))
	}
}

// An operator may want a backup before any table is changed.
func TestOlderSchemaIsKept(t *testing.T) {
	t.Parallel()
	path := foreign(t, fmt.Sprintf("CREATE TABLE older (id); PRAGMA application_id = %d", ApplicationID))
	if _, err := OpenConn(context.Background(), path, Config{KeepSchema: true}); !errors.Is(err, eventstore.ErrSchema) || !strings.Contains(err.Error(), "make a backup") {
		t.Errorf("got %v, want ErrSchema that says to make a backup", err)
	}
	conn, err := OpenConn(context.Background(), path, Config{}) // as it was
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if conn, err = OpenConn(context.Background(), path, Config{KeepSchema: true}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// A verb that only reads makes no log.
func TestALogThatIsToBeThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	if _, err := Open(context.Background(), path, Config{Existing: true}); !errors.Is(err, eventstore.ErrNoLog) {
		t.Errorf("no file: got %v, want ErrNoLog", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was made: %v", err)
	}
	if _, err := Open(context.Background(), foreign(t, ""), Config{Existing: true}); !errors.Is(err, eventstore.ErrNoLog) {
		t.Errorf("an empty file: got %v, want ErrNoLog", err)
	}
	open(t, path, Config{KeepSchema: true}) // there is nothing to keep
	open(t, path, Config{Existing: true})
}

// TestDamageIsFound overwrites the middle of a log.
func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{})
	for i := range 200 {
		e := sample(i)
		e.Data = []byte(`"` + strings.Repeat("x", 1000) + `"`)
		if _, err := s.Append(context.Background(), "run-1", eventstore.Any, []events.Envelope{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 20 * 4096; i < len(content); i++ {
		content[i] = 0xee
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, Config{})
	var last error
	for _, err := range s.ReadAll(context.Background(), eventstore.ReadOptions{}) {
		last = err
	}
	wants(t, last, eventstore.ErrCorrupt, "restore a backup")
	last = nil
	for _, err := range s.Subscribe(context.Background(), 0) { // it ends: damage does not heal
		last = err
	}
	wants(t, last, eventstore.ErrCorrupt, "restore a backup")
}

// TestLocked has another connection hold the write lock for longer than the store waits.
func TestLocked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{BusyTimeout: time.Millisecond})
	if _, err := s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(1)}); err != nil {
		t.Fatal(err)
	}
	other, err := OpenConn(ctx, path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	run(t, other, "BEGIN IMMEDIATE")
	for range 3 {
		_, err = s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(2)})
		wants(t, err, eventstore.ErrUnavailable, "another program keeps")
	}
	// Readers are not in a writer's way, nor is opening.
	if head, err := s.Head(ctx); err != nil || head != 1 {
		t.Errorf("head %d, %v", head, err)
	}
	if err := open(t, path, Config{BusyTimeout: time.Millisecond}).Close(); err != nil {
		t.Error(err)
	}
	run(t, other, "ROLLBACK")
	if a, err := s.Append(ctx, "run-1", eventstore.Exactly(0), []events.Envelope{sample(2)}); err != nil || a.Revision != 1 {
		t.Errorf("after the lock: %+v, %v", a, err)
	}
}

// TestFull bounds the file, as a full disk does.
func TestFull(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{})
	// Between appends the writer waits on its queue: its connection may be used here.
	pages, err := number(s.writer.conn, "PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	run(t, s.writer.conn, fmt.Sprintf("PRAGMA max_page_count = %d", pages+20))
	stored, failed := 0, 0
	batch := func(i int) []events.Envelope {
		e, f := sample(2*i), sample(2*i+1)
		e.Data, f.Data = bytes.Repeat([]byte("1"), 3_000), bytes.Repeat([]byte("2"), 3_000)
		f.Kind = fmt.Sprintf("kind.%d", i)
		return []events.Envelope{e, f}
	}
	for i := 0; failed < 3; i++ {
		_, err := s.Append(ctx, fmt.Sprintf("run-%d", i), eventstore.NoStream, batch(i))
		if err == nil {
			stored++
			continue
		}
		failed++
		wants(t, err, eventstore.ErrUnavailable, "is full")
	}
	if stored == 0 {
		t.Fatal("nothing was stored: the test shows nothing")
	}
	run(t, s.writer.conn, "PRAGMA max_page_count = 1000000")
	for i := range stored + failed {
		a, err := s.Append(ctx, fmt.Sprintf("run-%d", i), eventstore.NoStream, batch(i))
		if err != nil || a.Revision != 1 || a.Position != uint64(2*i+2) {
			t.Errorf("batch %d with space again: %+v, %v", i, a, err)
		}
	}
	n := 0
	for _, err := range s.ReadAll(ctx, eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2*(stored+failed) {
		t.Errorf("the log holds %d events, want %d", n, 2*(stored+failed))
	}
}

// TestSubscriptionOutlivesUnreadableFile takes the file away before the first read, and brings it back.
func TestSubscriptionOutlivesUnreadableFile(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "log.db")
	ticks := make(chan time.Time)
	s := open(t, path, Config{Ticker: func(time.Duration) (<-chan time.Time, func()) { return ticks, func() {} }})
	if _, err := s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(1)}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Head(ctx)
	wants(t, err, eventstore.ErrUnavailable, "was deleted or replaced")
	got := make(chan eventstore.Message)
	go func() {
		for m, err := range s.Subscribe(ctx, 0) {
			if err != nil {
				t.Error(err)
			}
			got <- m
			if m.CaughtUp {
				return
			}
		}
	}()
	ticks <- time.Time{} // taken only by one that failed and waits
	ticks <- time.Time{}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	var messages []eventstore.Message
	for len(messages) < 2 { // it may have read before this tick, and need none
		select {
		case ticks <- time.Time{}:
		case m := <-got:
			messages = append(messages, m)
		}
	}
	if messages[0].Event.ID != sample(1).ID || !messages[1].CaughtUp || messages[1].Position != 1 {
		t.Errorf("got %+v", messages)
	}
}

// TestABackupCopiedOverTheFileIsNoticed copies an older one over a file that is open, as cp does: into the same file.
func TestABackupCopiedOverTheFileIsNoticed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{})
	for n := range 50 {
		if _, err := s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(n)}); err != nil {
			t.Fatal(err)
		}
	}
	// Another process that closes it moves the write-ahead log into the file.
	checkpoint := func() {
		conn, err := OpenConn(ctx, path, Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA wal_checkpoint(TRUNCATE)", nil); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	checkpoint()
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 300 {
		if _, err := s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(1000 + n)}); err != nil {
			t.Fatal(err)
		}
	}
	checkpoint()
	if _, err := s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(5000)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(ctx, "run-1", eventstore.Any, []events.Envelope{sample(5001)})
	wants(t, err, eventstore.ErrUnavailable, "was deleted or replaced")
	_, err = s.Head(ctx)
	wants(t, err, eventstore.ErrUnavailable, "was deleted or replaced")
}
