package readmodel

import (
	"context"
	"errors"
	"fmt"
)

// folder folds into the tables of one side.
type folder struct {
	side Side
	at   Checkpoint
	set  *WorkingSet
	fact Fact
	// mark is the last fact that was folded here.
	mark Mark
	// snapshots are those that this folder takes.
	snapshots snapshots
	// most is about how many bytes the rows of a batch may take before they are written.
	most int
}

// workFactor is how many times the cache's bytes the rows that a fold works on may take, before they are written.
const workFactor = 4

// measured is how many entries are folded between two looks at what the rows take.
const measured = 256

func newFolder(side Side, members []Projection, at Checkpoint, cacheBytes int) *folder {
	return &folder{side: side, at: at, set: newWorkingSet(cacheBytes, members), most: workFactor * cacheBytes}
}

// forget drops the working set and goes on from a checkpoint.
func (f *folder) forget(at Checkpoint) {
	f.at = at
	f.set.reset(nil, at.Position == 0)
	f.snapshots = snapshots{tables: f.snapshots.tables, shape: f.snapshots.shape, every: f.snapshots.every}
}

// apply folds a batch and commits it, under a lease if one is given: at once, or in parts where the rows that it changes take
// too much. On any error the working set is dropped; the caller then looks up where the tables are.
func (f *folder) apply(ctx context.Context, e Engine, lease *Lease, after uint64, batch []Entry) error {
	for len(batch) > 0 {
		f.set.source(e.Loader(ctx, f.side))
		to, n, err := f.fold(after, batch)
		if err == nil {
			err = f.commit(ctx, e, lease, to, n)
		}
		if err != nil {
			return err
		}
		after, batch = to.Position, batch[n:]
	}
	return nil
}

// commit writes what was folded since the checkpoint, so many entries.
func (f *folder) commit(ctx context.Context, e Engine, lease *Lease, to Checkpoint, entries int) error {
	err := e.Update(ctx, func(tx Tx) error {
		if err := lease.check(tx); err != nil {
			return err
		}
		if err := tx.Advance(f.side, f.at, to); err != nil {
			return err
		}
		if err := f.set.write(tx, f.side); err != nil {
			return err
		}
		if f.side == Live {
			if err := f.mark.put(tx); err != nil {
				return err
			}
		}
		return f.snapshots.take(tx, f.side, f.set, f.at.Position, to, entries)
	})
	if err != nil {
		return err
	}
	f.at = to
	f.set.settle()
	return nil
}

// fold takes a batch into the working set, or its beginning where the rows come to take too much. It returns the checkpoint
// behind what it took, and how many entries that were.
func (f *folder) fold(after uint64, batch []Entry) (to Checkpoint, n int, err error) {
	to = f.at
	if after != to.Position {
		return to, 0, fmt.Errorf("%w: they are at %d, the batch starts behind %d", ErrCheckpointMoved, to.Position, after)
	}
	for i := range batch {
		if i > 0 && i%measured == 0 && f.set.working() > f.most {
			batch = batch[:i]
			break
		}
		p := batch[i].Envelope.Position
		if p <= to.Position {
			return to, 0, fmt.Errorf("%w: %d comes after %d", ErrOrder, p, to.Position)
		}
		to.Position = p
		// A row in memory has the same times as one that was read again.
		f.fact = Fact{Entry: &batch[i], When: TimeOf(UnixNanos(batch[i].Envelope.OccurredAt))}
		if err := f.set.apply(&f.fact); err != nil {
			return to, 0, err
		}
	}
	f.fact = Fact{}
	if n = len(batch); n > 0 {
		f.mark = MarkOf(&batch[n-1].Envelope)
	}
	return to, n, nil
}

// lost turns a moved checkpoint into a lost rebuild: nobody else goes on with it.
func lost(err error) error {
	if errors.Is(err, ErrCheckpointMoved) {
		return fmt.Errorf("%w: %w", ErrRebuildLost, err)
	}
	return err
}
