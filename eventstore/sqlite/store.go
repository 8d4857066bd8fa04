// Package sqlite keeps the log in one SQLite file, together with whatever tables other rooms keep there. It is written
// for one server on one file; other processes may read it and append to it at the same time.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// Store is a log in a SQLite file. It owns one goroutine, the writer, which Close waits for.
type Store struct {
	path    string
	config  Config
	writer  *writer
	readers *readers
	queue   *eventstore.Queue
	grown   *eventstore.Broadcast
	stopped chan struct{} // closed when the writer has ended
}

var _ eventstore.Store = (*Store)(nil)

var errClosed = fmt.Errorf("%w: it was closed", eventstore.ErrUnavailable)

// Open opens the log in the file at path, which is made if it is not there (its folder must be). The file is in WAL
// mode with synchronous=FULL: what Append returned outlives a crash of the machine.
//
// It returns ErrUnavailable, ErrCorrupt or ErrSchema, each with what to do, and ErrNoLog as Config.Existing tells.
func Open(ctx context.Context, path string, c Config) (*Store, error) {
	c = c.filled()
	conn, err := OpenConn(ctx, path, c)
	if err != nil {
		return nil, err
	}
	opened, err := fileAt(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, explain(path, err)), conn.Close())
	}
	// The writer takes its numbers from the rows they refer to, so checking them again would be paid by every append.
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA foreign_keys = off", nil); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, explain(path, err)), conn.Close())
	}
	s := &Store{
		path:    path,
		config:  c,
		readers: newReaders(opened, c),
		queue:   eventstore.NewQueue(),
		grown:   new(eventstore.Broadcast),
		stopped: make(chan struct{}),
	}
	if err := opened.over.look(conn); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, explain(path, err)), conn.Close())
	}
	s.writer = &writer{file: opened, conn: conn, config: c, queue: s.queue, grown: s.grown}
	go func() {
		defer close(s.stopped)
		s.writer.run()
	}()
	return s, nil
}

// Append implements eventstore.Store. A ctx that ends while the append still waits for the writer withdraws it. Once it
// is being written, the outcome is waited for. After ErrUnavailable the events may stand or not: append them again.
func (s *Store) Append(ctx context.Context, stream string, expected eventstore.Expected, batch []events.Envelope) (eventstore.Appended, error) {
	return s.Submit(ctx, nil, stream, expected, batch)()
}

// Submit implements eventstore.Store. The batch is the store's until wait has returned.
func (s *Store) Submit(ctx context.Context, chain *eventstore.Chain, stream string, expected eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	return s.queue.Submit(ctx, chain, stream, expected, batch)
}

// ReadStream implements eventstore.Store.
func (s *Store) ReadStream(ctx context.Context, stream string, o eventstore.StreamOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		q := query{text: streamForwards, after: -1, limit: max(o.Limit, 0), stream: stream}
		switch {
		case o.Direction == eventstore.Backwards && (o.From == nil || *o.From >= math.MaxInt64):
			q.text, q.after = streamBackwards, math.MaxInt64
		case o.Direction == eventstore.Backwards:
			q.text, q.after = streamBackwards, int64(*o.From)+1
		case o.From != nil:
			q.after = signed(*o.From) - 1
		}
		err := s.readers.with(ctx, func(r *reader) (err error) {
			q.number, err = r.number(stream)
			return err
		})
		switch {
		case err != nil:
			yield(events.Envelope{}, fmt.Errorf("read %s: %w", stream, explain(s.path, err)))
		case q.number == 0:
			yield(events.Envelope{}, fmt.Errorf("read %s: %w", stream, eventstore.ErrNoStream))
		default:
			s.each(ctx, q, "read "+stream, yield)
		}
	}
}

// ReadAll implements eventstore.Store.
func (s *Store) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		q := query{text: logForwards, after: signed(o.From), limit: max(o.Limit, 0), kinds: o.Kinds, dataless: o.Dataless, brief: o.Brief}
		if o.Direction == eventstore.Backwards && o.From == 0 {
			q.after = math.MaxInt64
		}
		switch {
		case o.Brief && o.Direction == eventstore.Backwards:
			q.text = briefBackwards
		case o.Brief:
			q.text = briefForwards
		case o.Direction == eventstore.Backwards:
			q.text = logBackwards
		}
		s.each(ctx, q, "read the log", yield)
	}
}

// each yields what a query has, page by page.
func (s *Store) each(ctx context.Context, q query, what string, yield func(events.Envelope, error) bool) {
	for p := new(page); !p.ended; {
		if err := s.page(ctx, &q, p); err != nil {
			yield(events.Envelope{}, fmt.Errorf("%s: %w", what, err))
			return
		}
		for i := range p.rows {
			if err := ctx.Err(); err != nil {
				yield(events.Envelope{}, fmt.Errorf("%s: %w", what, err))
				return
			}
			if !yield(p.rows[i], nil) {
				return
			}
		}
	}
}

func (s *Store) page(ctx context.Context, q *query, p *page) error {
	return explain(s.path, s.readers.with(ctx, func(r *reader) error { return r.read(q, p) }))
}

// Subscribe implements eventstore.Store. While the file can't be read it tries again at every tick of Config.Poll.
func (s *Store) Subscribe(ctx context.Context, after uint64) iter.Seq2[eventstore.Message, error] {
	return func(yield func(eventstore.Message, error) bool) {
		ticks, stop := s.config.Ticker(s.config.Poll)
		defer stop()
		q, p := query{text: logForwards, after: signed(after)}, new(page)
		read := func(ctx context.Context) ([]events.Envelope, error) {
			err := s.page(ctx, &q, p)
			return p.rows, err
		}
		eventstore.Tail{After: after, Page: read, Grown: s.grown, Ticks: ticks, Closed: s.readers.closed}.Follow(ctx, yield)
	}
}

// Counted implements eventstore.Counted: an append takes the positions behind the last one, in the transaction that holds
// the log's end.
func (s *Store) Counted() {}

// Head implements eventstore.Store.
func (s *Store) Head(ctx context.Context) (head uint64, err error) {
	if err := s.writer.file.check(); err != nil {
		return 0, fmt.Errorf("head of the log: %w", err)
	}
	err = s.readers.with(ctx, func(r *reader) error {
		n, err := r.head()
		head = uint64(n)
		return errors.Join(err, s.writer.file.over.look(r.conn))
	})
	if err != nil {
		return 0, fmt.Errorf("head of the log: %w", explain(s.path, err))
	}
	return head, nil
}

// Close implements eventstore.Store. It moves the write-ahead log into the file, unless another connection is at work
// there, which then does it.
func (s *Store) Close() error {
	if !s.queue.Close() {
		return fmt.Errorf("close %s: %w", s.path, errClosed)
	}
	<-s.stopped
	err := s.readers.close()
	// The pragma answers busy instead of failing where others read or write: nothing is lost by it.
	s.writer.conn.SetBusyTimeout(0)
	err = errors.Join(err, sqlitex.ExecuteTransient(s.writer.conn, "PRAGMA wal_checkpoint(TRUNCATE)", nil))
	if err = errors.Join(err, s.writer.conn.Close()); err != nil {
		return fmt.Errorf("close %s: %w", s.path, explain(s.path, err))
	}
	return nil
}
