package sqlite

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// filled makes a log of so many events, and closes it.
func filled(t *testing.T, path string, n int) {
	t.Helper()
	s, err := Open(t.Context(), path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := s.Append(t.Context(), "run-1", eventstore.Any, []events.Envelope{sample(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, s *Store) (n int, err error) {
	t.Helper()
	for _, err := range s.ReadAll(context.Background(), eventstore.ReadOptions{}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// What would be written to a file that nobody finds again is not acknowledged.
func TestADeletedFileTakesNoAppends(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path, Config{})
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, []events.Envelope{sample(0)}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := s.Append(t.Context(), "run-1", eventstore.Any, []events.Envelope{sample(1)}); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("got %+v, %v, want ErrUnavailable", a, err)
	}
	if n, err := count(t, s); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("read %d events, %v, want ErrUnavailable", n, err)
	}
}

// A backup that is put over the file of a running program is neither written to nor mixed with it.
func TestAReplacedFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "log.db"), filepath.Join(dir, "backup.db")
	filled(t, path, 2)
	filled(t, backup, 300)
	s, err := Open(t.Context(), path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, []events.Envelope{sample(2)}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(backup, path); err != nil {
		t.Fatal(err)
	}
	if a, err := s.Append(t.Context(), "run-1", eventstore.Any, []events.Envelope{sample(3)}); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("got %+v, %v, want ErrUnavailable", a, err)
	}
	if n, err := count(t, s); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("read %d events, %v, want ErrUnavailable", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t, open(t, path, Config{})); n != 300 || err != nil {
		t.Errorf("the backup holds %d events, %v, want 300", n, err)
	}
}

// A backup that is copied onto the file of a running program, by cp, is the same file to the file system. It is as long as what
// was there: nothing but its time of modification tells.
func TestAFileThatIsWrittenOverIsNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "log.db")
	filled(t, path, 20)
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path, Config{})
	clock := new(atomic.Int64)
	s.writer.file.over.mu.Lock()
	s.writer.file.over.now = func() time.Duration { return time.Duration(clock.Load()) }
	s.writer.file.over.mu.Unlock()
	revision := 20
	round := func() error {
		clock.Add(int64(lookTwice))
		_, err := s.Append(t.Context(), "run-2", eventstore.Any, []events.Envelope{sample(revision)})
		revision++
		return err
	}
	// Checkpoints write it too: those of this program, and those of another one.
	other := open(t, path, Config{})
	for i := range 6 {
		if err := round(); err != nil {
			t.Fatal(err)
		}
		conn := other.writer.conn
		if i%2 == 0 {
			conn = s.writer.conn // nobody appends meanwhile
		}
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA wal_checkpoint("+[]string{"PASSIVE", "RESTART", "TRUNCATE"}[i/2]+")", nil); err != nil {
			t.Fatal(err)
		}
		if err := round(); err != nil {
			t.Fatalf("behind a checkpoint: %v", err)
		}
	}
	if err := round(); err != nil { // it has looked since the log began anew
		t.Fatal(err)
	}
	// Who touches it, or copies onto it what it holds, has changed nothing.
	onto, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = onto.Close() }) // earlier it would take SQLite's locks away
	now, err := io.ReadAll(onto)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Duration(i+1)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := round(); err != nil {
				t.Fatalf("behind a touch: %v", err)
			}
		}
	}
	if _, err := onto.WriteAt(now, 0); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := round(); err != nil {
			t.Fatalf("behind a copy of itself: %v", err)
		}
	}
	if _, err := onto.WriteAt(backup, 0); err != nil {
		t.Fatal(err)
	}
	if err := round(); err != nil {
		t.Fatalf("a checkpoint may be under way: %v", err)
	}
	if err := round(); !errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), "virtuous6 copy") {
		t.Errorf("an append gave %v", err)
	}
	if _, err := s.Head(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("the head of the log came with %v", err)
	}
}
