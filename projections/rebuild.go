package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Rebuild folds the log from its start into tables beside the live ones. It is not safe for concurrent use. Nobody
// can read it before Swap.
type Rebuild struct {
	models *Models
	beside *folder
	done   bool
	// broken tells that a Run ended early: the tables hold parts of what comes behind their checkpoint.
	broken bool
}

// errDone tells that a rebuild was swapped in or discarded.
var errDone = errors.New("the rebuild has ended")

// errBroken tells that a rebuild can only be discarded.
var errBroken = errors.New("the rebuild failed midway; discard it and begin another")

// BeginRebuild makes empty tables beside the live ones, dropping what an earlier rebuild left there. Another rebuild
// that is under way fails with ErrRebuildLost.
func (m *Models) BeginRebuild(ctx context.Context) (*Rebuild, error) {
	var at Checkpoint
	err := m.engine.Update(ctx, func(tx Tx) (err error) {
		at, err = tx.Create(Beside, m.shape, m.tables)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("begin rebuild: %w", err)
	}
	r := &Rebuild{models: m, beside: newFolder(Beside, m.members, at, m.cacheBytes)}
	r.beside.forget(at)
	return r, nil
}

// Position is the log position that the rebuild has seen everything up to.
func (r *Rebuild) Position() uint64 { return r.beside.at.Position }

// Apply is like Models.Apply, beside the live tables.
func (r *Rebuild) Apply(ctx context.Context, after uint64, batch []Entry) error {
	switch {
	case r.done:
		return fmt.Errorf("apply to rebuild: %w", errDone)
	case r.broken:
		return fmt.Errorf("apply to rebuild: %w", errBroken)
	case len(batch) == 0:
		return nil
	}
	at := r.beside.at
	if err := r.beside.apply(ctx, r.models.engine, after, batch); err != nil {
		r.beside.forget(at)
		return fmt.Errorf("apply to rebuild: %w", lost(err))
	}
	return nil
}

// Swap puts the rebuilt tables in the live ones' place, in one write transaction that also keeps appends to the same
// file out. tail yields the log behind from, in batches as Apply takes them, up to its end: it must read on another
// connection, and no append can come in between. A reader sees the old tables or the new ones, never a mixture.
//
// Where it returns an error the live tables are as they were, and the rebuild can go on or be swapped again.
func (r *Rebuild) Swap(ctx context.Context, tail func(from uint64) iter.Seq2[[]Entry, error]) error {
	switch {
	case r.done:
		return fmt.Errorf("swap rebuild: %w", errDone)
	case r.broken:
		return fmt.Errorf("swap rebuild: %w", errBroken)
	}
	m := r.models
	m.mu.Lock()
	defer m.mu.Unlock()
	before := r.beside.at
	var live Checkpoint
	err := m.engine.Update(ctx, func(tx Tx) (err error) {
		// Also where the tail is empty, it must be this rebuild's tables that are swapped in.
		if err := tx.Advance(Beside, before, before); err != nil {
			return lost(err)
		}
		if err := r.applyTail(tx, tail); err != nil {
			return err
		}
		old, err := tx.Checkpoint(Live)
		if err != nil {
			return err
		}
		if old.Position > r.beside.at.Position {
			return fmt.Errorf("%w: the live tables are at %d, the rebuild's log ends at %d", ErrOrder, old.Position, r.beside.at.Position)
		}
		live, err = tx.Promote(m.tables)
		return err
	})
	if err != nil {
		r.beside.forget(before)
		return fmt.Errorf("swap rebuild: %w", err)
	}
	r.done = true
	r.beside.side, r.beside.at = Live, live
	m.live, m.unsure = r.beside, false
	m.outdated.Store(false)
	return nil
}

func (r *Rebuild) applyTail(tx Tx, tail func(from uint64) iter.Seq2[[]Entry, error]) error {
	if tail == nil {
		return nil
	}
	f := r.beside
	f.set.source(tx.On(Beside))
	for batch, err := range tail(f.at.Position) {
		if err != nil {
			return err
		}
		to, err := f.fold(f.at.Position, batch)
		if err != nil {
			return err
		}
		if err := tx.Advance(Beside, f.at, to); err != nil {
			return err
		}
		if err := f.set.write(tx, Beside); err != nil {
			return err
		}
		f.at = to
		f.set.settle()
	}
	return nil
}

// Discard drops the rebuild's tables. After Swap it does nothing.
func (r *Rebuild) Discard(ctx context.Context) error {
	if r.done {
		return nil
	}
	err := r.models.engine.Update(ctx, func(tx Tx) error {
		if err := tx.Advance(Beside, r.beside.at, r.beside.at); err != nil {
			return lost(err)
		}
		return tx.Drop(Beside, r.models.tables)
	})
	if err != nil && !errors.Is(err, ErrRebuildLost) {
		return fmt.Errorf("discard rebuild: %w", err)
	}
	// Tables that another rebuild took over are that one's.
	r.done = true
	return nil
}
