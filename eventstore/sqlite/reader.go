package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// internedNames bounds each table of names that a reader remembers: a few megabytes.
const internedNames = 1 << 16

// reader is a connection that reads, with the names it has met. One goroutine has it at a time.
type reader struct {
	conn    *driver.Conn
	streams map[int64]string
	kinds   map[int64]string
	texts   map[string]string
	short   [eventstore.MaxName + 1]byte
	nothing events.Envelope
}

// readers lends out a fixed number of connections, opened when first needed.
type readers struct {
	open   func(context.Context) (*reader, error)
	idle   chan *reader // nil stands for one that is not open
	closed chan struct{}
}

func newReaders(of file, c Config) *readers {
	rs := &readers{
		idle:   make(chan *reader, c.Readers),
		closed: make(chan struct{}),
		open: func(ctx context.Context) (*reader, error) {
			if err := of.check(); err != nil {
				return nil, err
			}
			conn, err := connect(ctx, of.path, c, false)
			if err != nil {
				return nil, err
			}
			if err := sqlitex.ExecuteTransient(conn, "PRAGMA query_only = on", nil); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
			return &reader{conn: conn, streams: make(map[int64]string), kinds: make(map[int64]string), texts: make(map[string]string)}, nil
		},
	}
	for range c.Readers {
		rs.idle <- nil
	}
	return rs
}

// with lends a reader to f. It is never kept while a consumer is at work, so that a slow one holds no transaction.
func (rs *readers) with(ctx context.Context, f func(*reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var r *reader
	select {
	case <-rs.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	case r = <-rs.idle:
	}
	defer func() { rs.idle <- r }()
	select {
	case <-rs.closed: // it and an idle reader can be ready at the same time
		return errClosed
	default:
	}
	if r == nil {
		fresh, err := rs.open(ctx)
		if err != nil {
			return err
		}
		r = fresh
	}
	err := f(r)
	if err != nil {
		// A connection that failed once may have lost its file: the next read opens another.
		err = errors.Join(err, r.conn.Close())
		r = nil
	}
	return err
}

// close waits for those that are lent out.
func (rs *readers) close() error {
	close(rs.closed)
	var err error
	for range cap(rs.idle) {
		if r := <-rs.idle; r != nil {
			err = errors.Join(err, r.conn.Close())
		}
	}
	return err
}

// stream is the name of a stream's number. Numbers are given in the order of first appearance, so a log that is read
// in order meets them in order: one that was asked for brings the next ones along, twice as many each time.
func (r *reader) stream(id int64, ahead *int) (string, error) {
	if name, ok := r.streams[id]; ok {
		return name, nil
	}
	if len(r.streams) > internedNames {
		clear(r.streams)
	}
	*ahead = min(max(*ahead*2, 2), 256)
	stmt, err := r.conn.Prepare("SELECT id, name FROM streams WHERE id >= ?1 ORDER BY id")
	if err != nil {
		return "", err
	}
	stmt.BindInt64(1, id)
	for range *ahead {
		found, err := stmt.Step()
		if err != nil {
			return "", err
		}
		if !found {
			break
		}
		r.streams[stmt.ColumnInt64(0)] = stmt.ColumnText(1)
	}
	if err := stmt.Reset(); err != nil {
		return "", err
	}
	name, ok := r.streams[id]
	if !ok {
		return "", fmt.Errorf("%w: stream number %d has no name: restore a backup", eventstore.ErrCorrupt, id)
	}
	return name, nil
}

func (r *reader) kind(id int64) (string, error) {
	if name, ok := r.kinds[id]; ok {
		return name, nil
	}
	if len(r.kinds) > internedNames {
		clear(r.kinds)
	}
	stmt, err := r.conn.Prepare("SELECT name FROM kinds WHERE id = ?1")
	if err != nil {
		return "", err
	}
	stmt.BindInt64(1, id)
	found, err := stmt.Step()
	if err != nil {
		return "", err
	}
	if !found {
		return "", fmt.Errorf("%w: kind number %d has no name: restore a backup", eventstore.ErrCorrupt, id)
	}
	name := stmt.ColumnText(0)
	r.kinds[id] = name
	return name, stmt.Reset()
}

// text interns a text that many events share. last is the one that the event before had there.
func (r *reader) text(stmt *driver.Stmt, col int, last string) string {
	b := r.short[:stmt.ColumnBytes(col, r.short[:])]
	switch {
	case string(b) == last:
		return last
	case len(b) == len(r.short): // longer than what an append takes
		return stmt.ColumnText(col)
	}
	if s, ok := r.texts[string(b)]; ok {
		return s
	}
	if len(r.texts) > internedNames {
		clear(r.texts)
	}
	s := string(b)
	r.texts[s] = s
	return s
}

// number is what the file calls a stream, 0 where it does not exist.
func (r *reader) number(stream string) (int64, error) {
	stmt, err := r.conn.Prepare("SELECT id FROM streams WHERE name = ?1")
	if err != nil {
		return 0, err
	}
	stmt.BindText(1, stream)
	found, err := stmt.Step()
	if err != nil || !found {
		return 0, err
	}
	id := stmt.ColumnInt64(0)
	return id, stmt.Reset()
}

func (r *reader) head() (int64, error) {
	stmt, err := r.conn.Prepare("SELECT max(position) FROM events")
	if err != nil {
		return 0, err
	}
	if _, err := stmt.Step(); err != nil {
		return 0, err
	}
	head := stmt.ColumnInt64(0)
	return head, stmt.Reset()
}
