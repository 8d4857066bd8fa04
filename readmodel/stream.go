package readmodel

import (
	"context"
	"fmt"
	"iter"
	"sync"
)

// The bounds of what Run folds before it hands the ended rows over to be written, in entries and in bytes of their
// facts, and how many such parts are in memory at a time. Large ones write a page of a table once; several bridge the
// moments in which the writer waits for the disk.
const (
	partEntries = 8_192
	partBytes   = 16 << 20
	maxParts    = 4
)

// Run folds the log behind Position, in batches as Apply takes them, and writes it with less work than Apply: a row is
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
	s := &stream{
		rebuild: r, folder: r.beside, stored: r.beside.at, from: r.beside.at.Position,
		parts: make(chan *part, maxParts), written: make(chan *part, maxParts),
	}
	var writer sync.WaitGroup
	writer.Go(func() { s.write(ctx) })
	err := s.run(ctx, log, progress)
	if wait := s.wait(); err == nil {
		err = wait
	}
	close(s.parts)
	writer.Wait()
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
	// parts go to the writer, and come back when they are written. free are those that nobody has.
	parts, written chan *part
	free           []*part
	made           int
	// since counts the entries since from.
	since int
	from  uint64
}

// behind answers the fold's queries. What has ended may have been handed over, and must be written before it is read.
type behind struct {
	stream *stream
	Scanner
}

// Scan implements Scanner.
func (b *behind) Scan(q *Query, each func(Source) error) error {
	if q.Table.Settled != "" {
		if err := b.stream.wait(); err != nil {
			return err
		}
	}
	return b.Scanner.Scan(q, each)
}

// part is what is written at once: rows that have ended, and a snapshot, if any.
type part struct {
	ended  []retired
	packed *packer
	err    error
}

func (s *stream) run(ctx context.Context, log iter.Seq2[[]Entry, error], progress func(uint64)) error {
	f := s.folder
	f.set.source(&behind{s, s.rebuild.models.engine.Loader(ctx, f.side)})
	entries, bytes := 0, 0
	for batch, err := range log {
		if err != nil {
			return err
		}
		for len(batch) > 0 {
			to, n, err := f.fold(f.at.Position, batch)
			if err != nil {
				return err
			}
			f.at = to
			entries += n
			s.since += n
			for i := range n {
				bytes += len(batch[i].Envelope.Data)
			}
			if s.folder.snapshots.due(s.folder.snapshots.last, s.from, to.Position, s.since) {
				if err := s.snapshot(ctx); err != nil {
					return err
				}
				entries, bytes = 0, 0
			}
			if entries >= partEntries || bytes >= partBytes || n < len(batch) {
				if err := s.handOver(ctx, nil); err != nil {
					return err
				}
				entries, bytes = 0, 0
			}
			batch = batch[n:]
		}
		if progress != nil {
			progress(f.at.Position)
		}
	}
	if err := s.finish(ctx); err != nil {
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
	for _, m := range f.set.caches {
		if err := m.pack(p, nil); err != nil {
			return err
		}
	}
	s.from, s.since = f.at.Position, 0
	return s.handOver(ctx, p)
}

// handOver lets the ended rows be written while the fold goes on, and a snapshot, if any, with them. Where the rows that
// stay are too many, they are written too, now.
func (s *stream) handOver(ctx context.Context, packed *packer) error {
	if len(s.free) == 0 && s.made == maxParts {
		if err := s.takeBack(); err != nil {
			return err
		}
	}
	p := &part{}
	if n := len(s.free); n > 0 {
		p, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.made++
	}
	for _, m := range s.folder.set.caches {
		if m.ends() != nil {
			p.ended = append(p.ended, m.retire())
		}
	}
	p.packed = packed
	s.parts <- p
	if s.folder.set.held() > s.folder.most {
		return s.flush(ctx)
	}
	return nil
}

// takeBack waits for a part that is being written.
func (s *stream) takeBack() error {
	p := <-s.written
	for _, r := range p.ended {
		r.recycle()
	}
	clear(p.ended)
	err := p.err
	p.ended, p.packed, p.err = p.ended[:0], nil, nil
	s.free = append(s.free, p)
	return err
}

// wait returns when nothing is being written.
func (s *stream) wait() (err error) {
	for len(s.free) < s.made {
		if e := s.takeBack(); err == nil {
			err = e
		}
	}
	return err
}

// write writes parts in their order, and none after one that failed.
func (s *stream) write(ctx context.Context) {
	var err error
	for p := range s.parts {
		if err == nil {
			err = s.writePart(ctx, p)
		}
		p.err = err
		s.written <- p
	}
}

func (s *stream) writePart(ctx context.Context, p *part) error {
	return s.rebuild.models.engine.Update(ctx, func(tx Tx) error {
		// It must still be this rebuild's tables.
		if err := tx.Advance(Beside, s.stored, s.stored); err != nil {
			return err
		}
		if p.packed != nil {
			if err := p.packed.put(tx); err != nil {
				return err
			}
		}
		for _, r := range p.ended {
			if err := r.write(tx, Beside); err != nil {
				return err
			}
		}
		return nil
	})
}

// finish writes what is left: first the rows that end, so that their tables, the largest, can be finished while the
// others are written.
func (s *stream) finish(ctx context.Context) error {
	if err := s.wait(); err != nil {
		return err
	}
	engine := s.rebuild.models.engine
	var ending []member
	for _, m := range s.folder.set.caches {
		if m.ends() != nil {
			ending = append(ending, m)
		}
	}
	err := engine.Update(ctx, func(tx Tx) error {
		if err := tx.Advance(Beside, s.stored, s.stored); err != nil {
			return err
		}
		for _, m := range ending {
			if err := m.write(tx, Beside); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range ending {
		m.settle()
	}
	finished := make(chan error)
	go func() {
		var err error
		for _, m := range ending {
			if err == nil {
				err = engine.Finish(ctx, m.ends())
			}
		}
		finished <- err
	}()
	err = s.flush(ctx)
	if f := <-finished; err == nil {
		err = f
	}
	return err
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
