package replay_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// replayed is a store that counts how often it is read from its start, and tells.
type replayed struct {
	eventstore.Store
	n atomic.Int64
}

func (s *replayed) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	if o.From == 0 && o.Limit == 0 {
		s.n.Add(1)
	}
	return s.Store.ReadAll(ctx, o)
}

// outdatedModels are read models of another version, as processes of this one open them, and the digest they should get.
func outdatedModels(t *testing.T, store eventstore.Store, processes int) (list []*projections.Models, want string) {
	t.Helper()
	e := readmodel.NewMemory()
	for range processes {
		m, err := projections.Open(t.Context(), e, readmodel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	if err := replay.CatchUp(t.Context(), store, list[0], nil); err != nil {
		t.Fatal(err)
	}
	want = sumOf(t, list[0])
	err := e.Update(t.Context(), func(tx readmodel.Tx) error {
		at, err := tx.Checkpoint(readmodel.Live)
		if err != nil {
			return err
		}
		other := at
		other.Shape, other.Position = "of another version", 0
		return tx.Advance(readmodel.Live, at, other)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, want
}

func sumOf(t *testing.T, m *projections.Models) string {
	t.Helper()
	d, err := m.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d.SHA256
}

// After an upgrade all processes find the read models outdated. One rebuilds them, the others wait for it.
func TestOneProcessRebuildsOutdatedReadModels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := logtest.New(t)
		logtest.Import(t, log, logtest.Simulated(40))
		store := &replayed{Store: log}
		models, want := outdatedModels(t, store, 4)
		store.n.Store(0)
		var wg sync.WaitGroup
		for _, m := range models {
			wg.Go(func() {
				if err := replay.CatchUp(t.Context(), store, m, nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := store.n.Load(); n != 1 {
			t.Errorf("the log was read from its start %d times", n)
		}
		for _, m := range models {
			if got := sumOf(t, m); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

// Rebuilds that are asked for go one after the other: none throws away what another has done.
func TestRebuildsWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := logtest.New(t)
		logtest.Import(t, log, logtest.Simulated(40))
		models, want := outdatedModels(t, log, 2)
		other := make(chan error, 1)
		began := false
		err := replay.RebuildModels(t.Context(), log, models[0], func(uint64) {
			if began {
				return
			}
			began = true
			go func() { other <- replay.RebuildModels(t.Context(), log, models[1], nil, "runs") }()
			synctest.Wait() // for the other one to come as far as it can
		})
		if got := sumOf(t, models[0]); err != nil || got != want {
			t.Errorf("the first one: got %s, %v, want %s", got, err, want)
		}
		if err, got := <-other, sumOf(t, models[1]); err != nil || got != want {
			t.Errorf("the second one: got %s, %v, want %s", got, err, want)
		}
	})
}

// A rebuild that was overtaken, by a process that did not know of the lease or after a long sleep, begins again.
func TestAnOvertakenRebuildBeginsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := logtest.New(t)
		logtest.Import(t, log, logtest.Simulated(40))
		store := &replayed{Store: log}
		models, want := outdatedModels(t, store, 2)
		store.n.Store(0)
		overtaken := false
		err := replay.CatchUp(t.Context(), store, models[0], func(uint64) {
			if overtaken {
				return
			}
			overtaken = true
			if _, err := models[1].BeginRebuild(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if got := sumOf(t, models[0]); err != nil || got != want || store.n.Load() != 2 {
			t.Errorf("got %s after %d replays, %v, want %s", got, store.n.Load(), err, want)
		}
	})
}

// A server that starts leaves a rebuild alone that is under way elsewhere, and drops what one left that never ended.
func TestSweepLeavesARebuildAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := logtest.New(t)
		logtest.Import(t, log, logtest.Simulated(40))
		models, want := outdatedModels(t, log, 2)
		err := replay.CatchUp(t.Context(), log, models[0], func(uint64) {
			if err := replay.Sweep(t.Context(), models[1]); err != nil {
				t.Error(err)
			}
		})
		if got := sumOf(t, models[0]); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		r, err := models[0].BeginRebuild(t.Context()) // its process dies
		if err != nil {
			t.Fatal(err)
		}
		if err := replay.Sweep(t.Context(), models[1]); err != nil {
			t.Error(err)
		}
		if err := r.Swap(t.Context(), nil); !errors.Is(err, readmodel.ErrRebuildLost) {
			t.Errorf("swapping in what was swept: %v", err)
		}
	})
}

// The one that rebuilds died: others wait for the end of its lease, and no longer.
func TestARebuildWaitsForADeadOnesLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, _ := logtest.New(t)
		logtest.Import(t, log, logtest.Simulated(40))
		models, want := outdatedModels(t, log, 2)
		if _, err := models[1].Acquire(t.Context(), replay.RebuildLease, "dead", 10*time.Second); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err := replay.CatchUp(t.Context(), log, models[0], nil)
		if got, waited := sumOf(t, models[0]), time.Since(began); err != nil || got != want || waited < 10*time.Second || waited > 11*time.Second {
			t.Errorf("got %s after %s, %v, want %s", got, waited, err, want)
		}
		held, err := models[1].Lease(t.Context(), replay.RebuildLease)
		if err != nil || held.Holder != "" {
			t.Errorf("the lease was not given back: %+v, %v", held, err)
		}
	})
}
