package projections

import (
	"context"
	"fmt"
	"iter"
)

// The bounds of what Run folds before it hands the ended runs over to be written, in entries and in bytes of their
// facts. Large ones write a page of a table once; two such parts are in memory at a time.
const (
	partEntries = 8_192
	partBytes   = 32 << 20
)

// rebuildFactor is how many times the cache's bytes a Run keeps of the rows that facts go on changing.
const rebuildFactor = 4

// Run folds the log behind Position, in batches as Apply takes them, and writes it with less work than Apply: a run is
// written when it has ended, on another goroutine while the fold goes on, and the rows that facts change again and
// again (metrics, patterns, tasks) when all is folded, or when they take more than four times Options.CacheBytes.
//
// progress, if any, hears the position after each batch. The batches may be used again when the next one is asked for.
// An error of log is returned. After any error the rebuild can only be discarded.
func (r *Rebuild) Run(ctx context.Context, log iter.Seq2[[]Entry, error], progress func(position uint64)) error {
	switch {
	case r.done:
		return fmt.Errorf("run rebuild: %w", errDone)
	case r.broken:
		return fmt.Errorf("run rebuild: %w", errBroken)
	}
	s := &stream{rebuild: r, folder: r.beside, stored: r.beside.at, from: r.beside.at.Position, written: make(chan error, 1)}
	err := s.run(ctx, log, progress)
	if wait := s.wait(); err == nil {
		err = wait
	}
	if err != nil {
		r.broken = true
		r.beside.forget(s.stored)
		return fmt.Errorf("run rebuild: %w", lost(err))
	}
	return nil
}

// stream is a Run under way. The folder's checkpoint is how far it has folded.
type stream struct {
	rebuild *Rebuild
	folder  *folder
	// stored is the checkpoint of the tables: it moves only where they hold everything up to there.
	stored Checkpoint
	// ended are the runs handed over, which nobody else touches until written has told how that went.
	ended []*openRun
	// packed is a snapshot that is written with them.
	packed  *packer
	writing bool
	// since counts the entries since from.
	since   int
	from    uint64
	written chan error
}

func (s *stream) run(ctx context.Context, log iter.Seq2[[]Entry, error], progress func(uint64)) error {
	f := s.folder
	f.set.source(s.rebuild.models.engine.Loader(ctx, f.side))
	entries, bytes := 0, 0
	for batch, err := range log {
		if err != nil {
			return err
		}
		to, err := f.fold(f.at.Position, batch)
		if err != nil {
			return err
		}
		f.at = to
		entries += len(batch)
		s.since += len(batch)
		for i := range batch {
			bytes += len(batch[i].Envelope.Data)
		}
		if s.folder.snapshots.due(s.folder.snapshots.last, s.from, to.Position, s.since) {
			if err := s.snapshot(ctx); err != nil {
				return err
			}
			entries, bytes = 0, 0
		}
		if entries >= partEntries || bytes >= partBytes {
			if err := s.handOver(ctx); err != nil {
				return err
			}
			entries, bytes = 0, 0
		}
		if progress != nil {
			progress(to.Position)
		}
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	if f.set.held() > s.rebuild.models.cacheBytes {
		f.set.reset(nil, false)
	}
	return nil
}

// snapshot takes a snapshot: packed from memory where all rows are there, and written while the fold goes on; else from
// the tables, to which all that was folded is written first.
func (s *stream) snapshot(ctx context.Context) error {
	f := s.folder
	if !f.set.whole() {
		return s.flush(ctx)
	}
	p := f.snapshots.begin(f.at)
	for _, m := range f.set.members {
		if err := m.pack(p, nil); err != nil {
			return err
		}
	}
	s.from, s.since = f.at.Position, 0
	if err := s.wait(); err != nil {
		return err
	}
	s.packed = p
	return s.handOver(ctx)
}

// handOver lets the ended runs be written while the fold goes on. Where the rows that stay are too many, they are
// written too, now.
func (s *stream) handOver(ctx context.Context) error {
	if err := s.wait(); err != nil {
		return err
	}
	s.ended = s.folder.set.runs.retire(s.ended)
	s.writing = true
	go func() { s.written <- s.writeEnded(ctx) }()
	if s.folder.set.held() > rebuildFactor*s.rebuild.models.cacheBytes {
		return s.flush(ctx)
	}
	return nil
}

// wait returns when nothing is being written.
func (s *stream) wait() error {
	if !s.writing {
		return nil
	}
	s.writing = false
	err := <-s.written
	for _, r := range s.ended {
		s.folder.set.runs.recycle(r)
	}
	clear(s.ended)
	s.ended, s.packed = s.ended[:0], nil
	return err
}

func (s *stream) writeEnded(ctx context.Context) error {
	return s.rebuild.models.engine.Update(ctx, func(tx Tx) error {
		// It must still be this rebuild's tables.
		if err := tx.Advance(Beside, s.stored, s.stored); err != nil {
			return err
		}
		if s.packed != nil {
			if err := s.packed.put(tx); err != nil {
				return err
			}
		}
		return writeRuns(tx, Beside, s.ended)
	})
}

// flush writes all that was folded, and moves the tables' checkpoint there.
func (s *stream) flush(ctx context.Context) error {
	if err := s.wait(); err != nil {
		return err
	}
	f := s.folder
	err := s.rebuild.models.engine.Update(ctx, func(tx Tx) error {
		if err := tx.Advance(Beside, s.stored, f.at); err != nil {
			return err
		}
		if err := f.set.write(tx, Beside); err != nil {
			return err
		}
		return f.snapshots.take(tx, Beside, f.set, s.from, f.at, s.since)
	})
	if err != nil {
		return err
	}
	s.stored, s.from, s.since = f.at, f.at.Position, 0
	f.set.settle()
	return nil
}
