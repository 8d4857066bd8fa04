package readmodel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Options tune the fold. The zero value works.
type Options struct {
	// CacheBytes bounds the rows kept between batches, in bytes, roughly; 0 means 64 MiB. The rows that one batch
	// changes come on top: at most one run with its steps and a few counters an entry.
	CacheBytes int
	// SnapshotEvery is how many events lie between two snapshots of the read models at least; 0 means 32,768, less than
	// 0 that none are taken. In a long log it is a 32nd of what lies before, so that all snapshots together grow slower
	// than the log.
	SnapshotEvery int
}

// Models are the read models in one engine: the fold into them, and the View of them.
//
// All methods may be called concurrently. Apply and Swap wait for one another; reading waits for neither.
type Models struct {
	View
	set        *Set
	cacheBytes int
	every      int
	outdated   atomic.Bool

	mu   sync.Mutex
	live *folder
	// unsure tells that the live checkpoint must be looked up before the next batch.
	unsure bool
}

// Open takes the read models in an engine, and makes their tables where there are none. The models own the engine:
// Close closes it. Read models of another shape are left alone: see Outdated.
func Open(ctx context.Context, e Engine, o Options, set *Set) (*Models, error) {
	if o.CacheBytes <= 0 {
		o.CacheBytes = 64 << 20
	}
	if o.SnapshotEvery == 0 {
		o.SnapshotEvery = 32_768
	}
	m := &Models{View: View{engine: e, shape: set.shape}, set: set, cacheBytes: o.CacheBytes, every: o.SnapshotEvery}
	at, err := m.stored(ctx)
	if err != nil {
		return nil, fmt.Errorf("open read models: %w", err)
	}
	if at.Shape == "" {
		err := e.Update(ctx, func(tx Tx) error {
			// Another process may have made them meanwhile.
			if at, err = tx.Checkpoint(Live); err == nil && at.Shape == "" {
				at, err = tx.Create(Live, m.shape, m.set.tables)
			}
			if err == nil {
				err = tx.Ensure(keptTables)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("make read models: %w", err)
		}
	}
	m.live = newFolder(Live, set.members, at, m.cacheBytes)
	m.live.snapshots = snapshots{tables: m.set.tables, shape: m.shape, every: m.every}
	m.take(at)
	return m, nil
}

// stored is the live checkpoint as of now.
func (m *Models) stored(ctx context.Context) (Checkpoint, error) {
	s, err := m.engine.Snapshot(ctx)
	if err != nil {
		return Checkpoint{}, err
	}
	defer s.Close()
	return s.Checkpoint()
}

// take goes on from a stored checkpoint with an empty working set.
func (m *Models) take(at Checkpoint) {
	m.live.forget(at)
	m.unsure = false
	m.outdated.Store(at.Shape != m.shape)
}

// Outdated tells whether the stored read models were built by another version of the program, when they were last
// looked at. Reading them, and Apply, then return ErrOutdated until a rebuild is swapped in.
func (m *Models) Outdated() bool { return m.outdated.Load() }

// Apply folds a batch and writes the changed rows and the checkpoint in one transaction; in several where the rows take more
// than four times Options.CacheBytes. after is the position that the batch starts behind: the batch holds every entry of the
// log from there to its own last. An empty batch changes nothing.
//
// A fact that can't be decoded or folded is no error: its stream is parked, see View.Parked. Apply returns
// ErrCheckpointMoved, ErrOutdated, ErrOrder or ErrUnavailable; Position then tells what was
// written, and the batch from there may be tried again.
func (m *Models) Apply(ctx context.Context, after uint64, batch []Entry) error {
	return m.apply(ctx, nil, after, batch)
}

// ApplyUnder is Apply by the holder of a lease. It returns ErrFenced, and nothing was written, where the lease is no longer
// the holder's: that is checked in the transaction that writes.
func (m *Models) ApplyUnder(ctx context.Context, l Lease, after uint64, batch []Entry) error {
	return m.apply(ctx, &l, after, batch)
}

func (m *Models) apply(ctx context.Context, lease *Lease, after uint64, batch []Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	// Outdated read models may have been rebuilt by another process.
	if m.unsure || m.Outdated() {
		if err := m.reload(ctx); err != nil {
			return fmt.Errorf("apply: %w", err)
		}
		if m.Outdated() {
			return ErrOutdated
		}
	}
	err := m.live.apply(ctx, m.engine, lease, after, batch)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("apply: %w", err)
	m.unsure = true
	if errors.Is(err, ErrCheckpointMoved) && m.reload(ctx) == nil && m.Outdated() {
		return fmt.Errorf("%w: %w", ErrOutdated, err)
	}
	return err
}

func (m *Models) reload(ctx context.Context) error {
	at, err := m.stored(ctx)
	if err != nil {
		return err
	}
	m.take(at)
	return nil
}

// Sweep drops what a rebuild that never ended left behind. A rebuild under way elsewhere fails with ErrRebuildLost,
// the live tables stay as they are: call it where a server starts, not where a command reads.
func (m *Models) Sweep(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.engine.Update(ctx, func(tx Tx) error {
		at, err := tx.Checkpoint(Beside)
		if err != nil {
			return err
		}
		if at.Shape != "" { // it may have left snapshots, too
			if err := deleteSnapshots(tx); err != nil {
				return err
			}
		}
		return tx.Drop(Beside, m.set.tables)
	})
	if err != nil {
		return fmt.Errorf("sweep read models: %w", err)
	}
	return nil
}

// Close closes the engine.
func (m *Models) Close() error { return m.engine.Close() }
