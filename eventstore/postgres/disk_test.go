//go:build linux

package postgres

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
)

// TestADiskThatIsFull has the log's tables on a file system that is too small for them, until it is made larger.
func TestADiskThatIsFull(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "pgdisk-") // where PostgreSQL's own user may go
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("only who may mount can make a small disk:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	pg, err := pgtest.Start(t.Context()) // of its own: it ends before its disk does
	pgtest.Need(t, err)
	t.Cleanup(func() { _ = pg.Stop() })
	// Who runs the server owns its folder.
	of, err := os.Stat(pg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, int(of.Sys().(*syscall.Stat_t).Uid), -1); err != nil {
		t.Fatal(err)
	}
	admin := connect(t, pg.URL("postgres"))
	exec(t, admin, "CREATE TABLESPACE small LOCATION '"+dir+"'")
	exec(t, admin, "CREATE DATABASE small TABLESPACE small")
	s := open(t, pg.URL("small"), Config{})
	noise := make([]byte, 375_000) // which PostgreSQL can't make smaller
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	large := func(i int) []events.Envelope {
		batch := numbered(0, i, 1)
		batch[0].Data = fmt.Appendf(nil, `"0/%d/0%s"`, i, base64.RawURLEncoding.EncodeToString(noise))
		return batch
	}
	stored := 0
	for {
		_, err := s.Append(t.Context(), "run-1", eventstore.Any, large(stored))
		if err != nil {
			wants(t, err, eventstore.ErrUnavailable, "disk is full")
			break
		}
		if stored++; stored > 200 {
			t.Fatal("the disk is never full")
		}
	}
	whole(t, s, stored, 1)
	if stored == 0 {
		t.Fatal("nothing was stored: the test shows nothing")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=96m"); err != nil {
		t.Fatal(err)
	}
	for i := range stored + 5 { // those that stand are repeats
		a, err := s.Append(t.Context(), "run-1", eventstore.Any, large(i))
		if err != nil || a.Revision != uint64(i) {
			t.Fatalf("with space again, append %d: %+v, %v", i, a, err)
		}
	}
	whole(t, s, stored+5, 1)
}
