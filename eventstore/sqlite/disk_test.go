//go:build linux

package sqlite

import (
	"bytes"
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// TestADiskThatIsFull has the log on a file system of 4 MiB, and then on one of 64.
func TestADiskThatIsFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("only who may mount can make a small disk:", err) // TestFull bounds the file instead
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "log.db")
	s := open(t, path, Config{})
	large := func(i int) []events.Envelope {
		e := sample(i)
		e.Data = bytes.Repeat([]byte("1"), 100_000)
		return []events.Envelope{e}
	}
	stored := 0
	for {
		_, err := s.Append(t.Context(), "run-1", eventstore.Any, large(stored))
		if err != nil {
			wants(t, err, eventstore.ErrUnavailable, "is full")
			break
		}
		if stored++; stored > 100 {
			t.Fatal("the disk is never full")
		}
	}
	if n, err := count(t, s); n != stored || err != nil || stored == 0 {
		t.Errorf("on the full disk %d events can be read, %v, want %d", n, err, stored)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	for i := range 2 * stored { // those that stand are repeats
		a, err := s.Append(t.Context(), "run-1", eventstore.Any, large(i))
		if err != nil || a.Revision != uint64(i) {
			t.Fatalf("with space again, append %d: %+v, %v", i, a, err)
		}
	}
	if err := s.Close(); err != nil && !errors.Is(err, eventstore.ErrUnavailable) {
		t.Error(err)
	}
	again, err := Open(t.Context(), path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := count(t, again); n != 2*stored || err != nil {
		t.Errorf("opened again, it holds %d events, %v, want %d", n, err, 2*stored)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
