// Package postgres keeps the log in a table of a PostgreSQL database. Any number of processes may read it and append to
// it at the same time. It needs connections of its own (a pooler in session mode will do).
package postgres

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/migrations"
)

// Store is a log in PostgreSQL. It owns the goroutines that append, notify and listen, and Close waits for them.
type Store struct {
	where    string
	config   Config
	pool     *pgxpool.Pool
	writer   *writer
	listener *listener
	notifier *notifier
	queue    *eventstore.Queue
	grown    *eventstore.Broadcast
	stopped  chan struct{} // closed when the writer has ended
	closed   chan struct{} // closed when Close has begun to end the readers
}

var _ eventstore.Store = (*Store)(nil)

var errClosed = fmt.Errorf("%w: it was closed", eventstore.ErrUnavailable)

// Open opens the log in the database that a URL names: postgres://USER:PASSWORD@HOST:PORT/DATABASE, with libpq's
// parameters (sslmode, sslrootcert, search_path, connect_timeout, …) and its environment variables. It makes the log's
// tables where they are missing, and brings older ones up to date.
//
// It returns ErrUnavailable or ErrSchema, each with what to do, and ErrNoLog as Config.Existing tells. No error holds the
// password.
func Open(ctx context.Context, url string, c Config) (*Store, error) {
	c = c.filled()
	config, err := parse(url, c)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	where := label(config.ConnConfig)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", explain(where, err))
	}
	dial := func(ctx context.Context) (*pgconn.PgConn, error) {
		return pgconn.ConnectConfig(ctx, &config.ConnConfig.Copy().Config)
	}
	if err = unpooled(ctx, dial); err == nil {
		err = prepare(ctx, pool, c)
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the log: %w", explain(where, err))
	}
	s := &Store{
		where:   where,
		config:  c,
		pool:    pool,
		queue:   eventstore.NewQueue(),
		grown:   new(eventstore.Broadcast),
		stopped: make(chan struct{}),
		closed:  make(chan struct{}),
	}
	s.listener = newListener(c, dial, s.grown)
	s.notifier = newNotifier(pool)
	s.writer = &writer{where: where, config: c, stall: stall, dial: dial, queue: s.queue, grown: s.grown, notify: s.notifier.notify}
	go func() {
		defer close(s.stopped)
		s.writer.run()
	}()
	return s, nil
}

// prepare brings the tables up to date, unless they are.
func prepare(ctx context.Context, pool *pgxpool.Pool, c Config) error {
	there, current, err := identify(ctx, pool)
	switch {
	case err != nil || current:
		return err
	case !there && c.Existing:
		return eventstore.ErrNoLog
	case there && c.KeepSchema:
		_, known := migrations.Postgres()
		return fmt.Errorf("%w: the log's tables are older than version %d, which this program needs: make a backup, then leave out --keep-schema, and they are brought up to date", eventstore.ErrSchema, known)
	}
	if err := makeSchema(ctx, pool); err != nil {
		return err
	}
	return migrate(ctx, pool, c)
}

// Append implements eventstore.Store. A ctx that ends while the append still waits for the writer withdraws it; once it
// is being written, the outcome is waited for, for as long as Config.Patience. Where the connection is cut while it is
// written, even during the commit, the outcome is found out on another one. After ErrUnavailable the events may stand
// or not: append them again.
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
		q := query{text: streamForwards, after: -1, limit: max(o.Limit, 0), args: []any{stream}, revision: true}
		switch {
		case o.Direction == eventstore.Backwards && (o.From == nil || *o.From >= math.MaxInt64):
			q.text, q.after = streamBackwards, math.MaxInt64
		case o.Direction == eventstore.Backwards:
			q.text, q.after = streamBackwards, int64(*o.From)+1
		case o.From != nil:
			q.after = signed(*o.From) - 1
		}
		what := "read " + stream
		if eventstore.Validate(stream, eventstore.Any, nil) != nil { // PostgreSQL would not even take the name
			q.args[0], stream = "", ""
		}
		if s.each(ctx, q, what, yield) > 0 {
			return
		}
		// Nothing was there to read. Whether the stream exists is another question, and only asked now.
		if exists, err := s.exists(ctx, stream); err != nil {
			yield(events.Envelope{}, fmt.Errorf("%s: %w", what, err))
		} else if !exists {
			yield(events.Envelope{}, fmt.Errorf("%s: %w", what, eventstore.ErrNoStream))
		} else if o.From == nil { // it began in between
			s.each(ctx, q, what, yield)
		}
	}
}

// ReadAll implements eventstore.Store.
func (s *Store) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		q := query{text: logForwards, after: signed(o.From), limit: max(o.Limit, 0)}
		if o.Direction == eventstore.Backwards {
			q.text = logBackwards
			if o.From == 0 {
				q.after = math.MaxInt64
			}
		}
		if len(o.Kinds) > 0 {
			q.text, q.args = kindsForwards, []any{storable(o.Kinds)}
			if o.Direction == eventstore.Backwards {
				q.text = kindsBackwards
			}
		}
		data := "data"
		for _, kind := range storable(o.Dataless) {
			q.args = append(q.args, kind)
			// Faster than ANY, which takes its array apart for each row.
			data = fmt.Sprintf("CASE WHEN kind = $%d THEN '' ELSE %s END", 2+len(q.args), data)
		}
		q.text = selectColumns(data, o.Brief) + q.text
		s.each(ctx, q, "read the log", yield)
	}
}

// storable leaves out the kinds that no event can have, since PostgreSQL would refuse them.
func storable(kinds []string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool {
		return !utf8.ValidString(kind) || strings.IndexByte(kind, 0) >= 0
	})
}

// each yields what a query has, page by page, and returns how often it yielded.
func (s *Store) each(ctx context.Context, q query, what string, yield func(events.Envelope, error) bool) (yielded int) {
	for p := new(page); !p.ended; {
		if err := s.page(ctx, &q, p); err != nil {
			yield(events.Envelope{}, fmt.Errorf("%s: %w", what, err))
			return yielded + 1
		}
		for i := range p.rows {
			if err := ctx.Err(); err != nil {
				yield(events.Envelope{}, fmt.Errorf("%s: %w", what, err))
				return yielded + 1
			}
			yielded++
			if !yield(p.rows[i], nil) {
				return yielded
			}
		}
	}
	return yielded
}

func (s *Store) page(ctx context.Context, q *query, p *page) error {
	return s.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error { return p.read(ctx, conn.Conn(), q) })
}

func (s *Store) exists(ctx context.Context, stream string) (exists bool, err error) {
	err = s.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM events WHERE stream = $1)", stream).Scan(&exists)
	})
	return exists, err
}

// with lends a connection to f. It is never kept while a consumer is at work, so that a slow one holds no connection. A
// connection that turns out to be dead, as all are that outlived a restart of the server, gets f one more try. f gets
// twice Config.Patience: a server or a network that has fallen silent keeps nobody for ever.
func (s *Store) with(ctx context.Context, f func(context.Context, *pgxpool.Conn) error) error {
	select {
	case <-s.closed:
		return errClosed
	default:
	}
	limited, stop := context.WithTimeout(ctx, 2*s.config.Patience)
	defer stop()
	lend := func() (lent bool, err error) {
		conn, err := s.pool.Acquire(limited)
		if err != nil {
			return false, err
		}
		defer conn.Release()
		return true, f(limited, conn)
	}
	lent, err := lend()
	if err != nil && lent && limited.Err() == nil && passing(err) {
		s.pool.Reset()
		_, err = lend()
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	select {
	case <-s.closed:
		return errClosed
	default:
		return explain(s.where, err)
	}
}

// Subscribe implements eventstore.Store. While the server can't be reached it tries again at every tick of Config.Poll.
func (s *Store) Subscribe(ctx context.Context, after uint64) iter.Seq2[eventstore.Message, error] {
	return func(yield func(eventstore.Message, error) bool) {
		s.listener.start()
		ticks, stop := s.config.Ticker(s.config.Poll)
		defer stop()
		q, p := query{text: columns + logForwards, after: signed(after)}, new(page)
		read := func(ctx context.Context) ([]events.Envelope, error) {
			err := s.page(ctx, &q, p)
			return p.rows, err
		}
		eventstore.Tail{After: after, Page: read, Grown: s.grown, Ticks: ticks, Closed: s.closed}.Follow(ctx, yield)
	}
}

// Counted implements eventstore.Counted: an append takes the positions behind the last one, in the transaction that holds
// the log's end.
func (s *Store) Counted() {}

// Head implements eventstore.Store.
func (s *Store) Head(ctx context.Context) (head uint64, err error) {
	err = s.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		var n int64
		err := conn.QueryRow(ctx, readHead).Scan(&n)
		head = uint64(n) //nolint:gosec // positions count from 1
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("head of the log: %w", err)
	}
	return head, nil
}

// Close implements eventstore.Store.
func (s *Store) Close() error {
	if !s.queue.Close() {
		return fmt.Errorf("close the log on %s: %w", s.where, errClosed)
	}
	<-s.stopped
	s.notifier.close()
	close(s.closed)
	s.listener.close()
	s.pool.Close()
	return nil
}
