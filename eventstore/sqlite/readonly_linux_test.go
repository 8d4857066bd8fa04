package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// TestReadOnly takes write permission away from the file, and from its folder. Root may write everywhere, so for root
// the thread that opens acts as another user.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, c := range []struct {
		name         string
		file, folder os.FileMode
		advice       string
	}{
		{"the file", 0o444, 0o777, "write permission on the file"},
		{"the folder", 0o666, 0o555, "write permission on the file and on its folder"},
		{"both", 0o444, 0o555, "write permission on the file and on its folder"},
		{"unreadable", 0o000, 0o777, "this user may write"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// Not t.TempDir: others may not look into it.
			folder, err := os.MkdirTemp("", "virtuous6-readonly")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = os.Chmod(folder, 0o700)
				_ = os.RemoveAll(folder)
			})
			path := filepath.Join(folder, "log.db")
			s := open(t, path, Config{})
			if _, err := s.Append(ctx, "run-1", eventstore.NoStream, []events.Envelope{sample(1)}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			chmod := func(file, folderMode os.FileMode) {
				if err := os.Chmod(path, file); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(folder, folderMode); err != nil {
					t.Fatal(err)
				}
			}
			chmod(c.file, c.folder)
			s, err = openUnprivileged(path)
			wants(t, err, eventstore.ErrUnavailable, c.advice)
			if s != nil {
				t.Fatal("it was opened nevertheless")
			}
			chmod(0o666, 0o777)
			s = open(t, path, Config{})
			if head, err := s.Head(ctx); err != nil || head != 1 {
				t.Errorf("head %d, %v, want 1", head, err)
			}
		})
	}
}

func openUnprivileged(path string) (*Store, error) {
	if os.Getuid() != 0 {
		return Open(context.Background(), path, Config{})
	}
	type result struct {
		s   *Store
		err error
	}
	opened := make(chan result)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := syscall.Setfsuid(65534); err != nil {
			opened <- result{nil, err}
			return
		}
		s, err := Open(context.Background(), path, Config{})
		opened <- result{s, err}
	}()
	r := <-opened
	return r.s, r.err
}
