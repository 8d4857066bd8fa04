package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore"
)

// TestKill kills a process with SIGKILL in the middle of its appends, again and again on the same file: what was
// acknowledged is there, once, and no batch is there in part.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	random := rand.New(rand.NewPCG(6, 6))
	acknowledged := make(map[string]bool)
	for round := range 8 {
		name := fmt.Sprintf("round%d", round)
		cmd, acks := child(t, path, name, 0)
		last := 1 + random.IntN(120)
		for n := 0; n < last; n++ {
			a, ok := <-acks
			if !ok {
				t.Fatal("the process ended by itself")
			}
			acknowledged[fmt.Sprintf("%s/%d/%d", name, a[0], a[1])] = true
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for a := range acks { // what it printed before it died
			acknowledged[fmt.Sprintf("%s/%d/%d", name, a[0], a[1])] = true
		}
		_ = cmd.Wait()
		if round%2 == 0 { // every other time the next process finds the file as the killed one left it
			verify(t, path, acknowledged)
		}
	}
	verify(t, path, acknowledged)
}

// verify reads the whole log: streams gapless, positions rising, each batch whole and once, none acknowledged missing.
func verify(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	s := open(t, path, Config{})
	parts := make(map[string]int)
	next := make(map[string]uint64)
	var last uint64
	for e, err := range s.ReadAll(context.Background(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Position <= last || e.Revision != next[e.Stream] {
			t.Fatalf("%s: revision %d at position %d after %d, want revision %d", e.Stream, e.Revision, e.Position, last, next[e.Stream])
		}
		last, next[e.Stream] = e.Position, e.Revision+1
		parts[string(e.Data[1:len(e.Data)-3])]++ // "NAME/WRITER/I/K" without its quotes and /K
	}
	for batch, n := range parts {
		if n != 3 {
			t.Errorf("batch %s is there with %d of its 3 events", batch, n)
		}
	}
	for batch := range acknowledged {
		if parts[batch] == 0 {
			t.Errorf("batch %s was acknowledged and is gone", batch)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was acknowledged: the test shows nothing")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestProcesses has two other processes and two stores of this one append to the same file at the same time.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const batches = 40
	path := filepath.Join(t.TempDir(), "log.db")
	acknowledged := make(map[string]bool)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range []string{"first", "second"} { // they also make the file at the same time
		cmd, acks := child(t, path, name, batches)
		wg.Go(func() {
			for a := range acks {
				mu.Lock()
				acknowledged[fmt.Sprintf("%s/%d/%d", name, a[0], a[1])] = true
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %s: %v", name, err)
			}
		})
	}
	for w := range 2 {
		s := open(t, path, Config{})
		wg.Go(func() {
			for i := range batches {
				if _, err := s.Append(context.Background(), "run-shared", eventstore.Any, numbered("here", w, i)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged[fmt.Sprintf("here/%d/%d", w, i)] = true
				mu.Unlock()
			}
		})
	}
	// A subscription of this process sees what all of them append.
	total, seen := 3*(2*4*batches+2*batches), 0
	for m, err := range open(t, path, Config{}).Subscribe(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.CaughtUp {
			continue
		}
		if seen++; seen == total {
			break
		}
	}
	wg.Wait()
	if len(acknowledged) != total/3 {
		t.Errorf("%d batches were acknowledged, want %d", len(acknowledged), total/3)
	}
	verify(t, path, acknowledged)
}
