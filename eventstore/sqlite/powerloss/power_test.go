// Package powerloss_test has the power go at every point of what SQLite asks of the file system, and looks at what is left.
package powerloss_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/sqlite"
)

// batchSize is how many events an append of the test has.
const batchSize = 3

// batchOf is the n-th append: some are of many pages.
func batchOf(n int) []events.Envelope {
	batch := make([]events.Envelope, batchSize)
	for k := range batch {
		name := fmt.Sprintf("%d/%d", n, k)
		batch[k] = events.Envelope{
			ID: events.NameID(time.Unix(1_700_000_000, 0), name), Kind: "run.started", Version: 1, OccurredAt: time.Unix(1_700_000_000, 0),
			Data: []byte(fmt.Sprintf("[%d,%q]", n, strings.Repeat("x", 6000*(n%3)))),
		}
	}
	return batch
}

// live is what the power may go in: a store is made, appended to, checkpointed, closed, opened again and appended to.
func live(t *testing.T, path string, r *recorder) {
	t.Helper()
	batch := 0
	for round := range 2 {
		s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for range 6 {
			if _, err := s.Append(t.Context(), "run-r", eventstore.Any, batchOf(batch)); err != nil {
				t.Fatal(err)
			}
			r.add(step{kind: acknowledges, batch: batch})
			batch++
			if batch%4 == 3 {
				checkpoint(t, path, map[int]string{0: "TRUNCATE", 1: "RESTART"}[round])
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func checkpoint(t *testing.T, path, how string) {
	t.Helper()
	conn, err := sqlite.OpenConn(t.Context(), path, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA wal_checkpoint("+how+")", nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestChaosOfPowerLoss has the power go at points between what SQLite asks of the file system, with nothing, all or some
// sectors of what was not synced on the disk. The store opens, holds each append that was acknowledged, each append whole or
// not at all, and takes more.
func TestChaosOfPowerLoss(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "log.db")
	steps := record(folder, func(r *recorder) { live(t, path, r) })
	var count [acknowledges + 1]int
	for _, s := range steps {
		count[s.kind]++
	}
	if count[writes] < 100 || count[syncs] < 10 || count[truncates] == 0 || count[deletes] == 0 || count[acknowledges] != 12 {
		t.Fatalf("the record tells of %d writes, %d truncates, %d syncs, %d deletes and %d acknowledgements", count[writes], count[truncates], count[syncs], count[deletes], count[acknowledges])
	}
	t.Logf("%d steps", len(steps))
	long := os.Getenv("VIRTUOUS6_CHAOS") == "long"
	random := rand.New(rand.NewPCG(18, 1))
	for cut := range len(steps) + 1 {
		fates := []fate{lost, kept, torn, torn, torn, torn, torn, torn}
		if !long {
			if random.IntN(12) > 0 {
				continue
			}
			fates = fates[random.IntN(3):][:1]
		}
		if long && cut%50 == 0 {
			t.Logf("cut behind step %d", cut)
		}
		for n, f := range fates {
			at := t.TempDir()
			if err := diskAt(steps[:cut], f, rand.New(rand.NewPCG(uint64(cut), uint64(n)))).write(at); err != nil {
				t.Fatal(err)
			}
			acknowledged := 0
			for _, s := range steps[:cut] {
				if s.kind == acknowledges {
					acknowledged = s.batch + 1
				}
			}
			if err := survives(filepath.Join(at, "log.db"), acknowledged); err != nil {
				t.Errorf("the power goes behind step %d of %d, fate %d.%d: %v", cut, len(steps), f, n, err)
			}
			if err := os.RemoveAll(at); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// survives tells what is wrong with a store that must hold so many appends, the first ones.
func survives(path string, acknowledged int) (err error) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, sqlite.Config{})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := s.Close(); err == nil {
			err = cerr
		}
	}()
	n := 0
	for e, err := range s.ReadAll(ctx, eventstore.ReadOptions{}) {
		if err != nil {
			return err
		}
		if want := batchOf(n / batchSize)[n%batchSize]; e.ID != want.ID || e.Revision != uint64(n) || string(e.Data) != string(want.Data) {
			return fmt.Errorf("event %d is %s at revision %d", n, e.ID, e.Revision)
		}
		n++
	}
	if n%batchSize != 0 || n < acknowledged*batchSize {
		return fmt.Errorf("it holds %d events, and %d were acknowledged", n, acknowledged*batchSize)
	}
	_, err = s.Append(ctx, "run-r", eventstore.Any, batchOf(n/batchSize))
	return err
}
