package sqlite

import (
	"math"
	"slices"
	"time"

	driver "zombiezen.com/go/sqlite"

	"github.com/virtuous6/virtuous6/events"
)

// The bounds of a page: what one read transaction takes in before the reader lets go of it. A long read is many short
// transactions, so that it keeps no checkpoint from finishing, and a slow consumer holds one page in memory. The first
// page is small, for consumers that leave early; each next one is twice as long.
const (
	firstRows = 64
	pageRows  = 1024
	pageBytes = 1 << 20
)

const (
	briefColumns = "SELECT position, stream, revision, kind, version, occurred_at, workspace, data, actor"
	columns      = briefColumns + ", id, recorded_at, causation, correlation"
)

// The reads that a page can come from. ?1 is exclusive, ?2 the stream's number. None has a LIMIT: SQLite prepares a
// statement again whenever such a parameter is bound, which is dearer than a small page.
const (
	logForwards     = columns + forwards
	logBackwards    = columns + backwards
	briefForwards   = briefColumns + forwards
	briefBackwards  = briefColumns + backwards
	streamForwards  = columns + " FROM events WHERE stream = ?2 AND revision > ?1 ORDER BY revision"
	streamBackwards = columns + " FROM events WHERE stream = ?2 AND revision < ?1 ORDER BY revision DESC"

	forwards  = " FROM events WHERE position > ?1 ORDER BY position"
	backwards = " FROM events WHERE position < ?1 ORDER BY position DESC"
)

// query is a read under way: what to read, and how far it is.
type query struct {
	text  string
	after int64 // position or revision, exclusive
	limit int   // events still wanted, 0 for all
	kinds []string
	rows  int // in the page before
	ahead int // names of streams that were looked up at once, the last time
	// dataless and brief are those of eventstore.ReadOptions.
	dataless []string
	brief    bool
	// stream is its name, and number what the file calls it; both empty for a read of the whole log.
	stream string
	number int64
}

// page is a part of a read, in memory. Its rows are used again by the next one; the bytes they point to are not.
type page struct {
	rows []events.Envelope
	// ended tells that the read has come to its end.
	ended bool
	arena arena
}

// read fills a page with what comes next. After an error the query is where it was.
func (r *reader) read(q *query, p *page) (err error) {
	defer func(after int64) {
		if err != nil {
			q.after = after
		}
	}(q.after)
	clear(p.rows)
	p.rows, p.ended = p.rows[:0], false
	q.rows = min(max(2*q.rows, firstRows), pageRows)
	rows := q.rows
	if q.limit > 0 && len(q.kinds) == 0 {
		rows = min(rows, q.limit)
	}
	stmt, err := r.conn.Prepare(q.text)
	if err != nil {
		return err
	}
	stmt.BindInt64(1, q.after)
	if q.stream != "" {
		stmt.BindInt64(2, q.number)
	}
	for seen, size := 0, 0; seen < rows && size < pageBytes; {
		found, err := stmt.Step()
		if err != nil {
			return err
		}
		if !found {
			p.ended = true
			break
		}
		seen++
		if err := r.row(stmt, q, p); err != nil {
			return err
		}
		if n := len(p.rows); n > 0 {
			size += len(p.rows[n-1].Data)
		}
		if q.limit > 0 && len(p.rows) == q.limit {
			break
		}
	}
	if q.limit > 0 {
		q.limit -= len(p.rows)
		p.ended = p.ended || q.limit == 0
	}
	return stmt.Reset()
}

// row takes in the row that a statement stands on, unless its kind is not wanted.
func (r *reader) row(stmt *driver.Stmt, q *query, p *page) error {
	kind, err := r.kind(stmt.ColumnInt64(3))
	if err != nil {
		return err
	}
	position, revision := stmt.ColumnInt64(0), stmt.ColumnInt64(2)
	q.after = position
	if q.stream != "" {
		q.after = revision
	}
	if len(q.kinds) > 0 && !slices.Contains(q.kinds, kind) {
		return nil
	}
	last := &r.nothing
	if n := len(p.rows); n > 0 {
		last = &p.rows[n-1]
	}
	p.rows = append(p.rows, events.Envelope{
		Position:   uint64(position),
		Revision:   uint64(revision),
		Kind:       kind,
		Version:    int(stmt.ColumnInt64(4)),
		OccurredAt: time.Unix(0, stmt.ColumnInt64(5)).UTC(),
		Stream:     q.stream,
	})
	e := &p.rows[len(p.rows)-1]
	e.Workspace = r.text(stmt, 6, last.Workspace)
	if len(q.dataless) == 0 || !slices.Contains(q.dataless, kind) {
		e.Data = p.arena.column(stmt, 7)
	}
	e.Actor = r.text(stmt, 8, last.Actor)
	if !q.brief {
		stmt.ColumnBytes(9, e.ID[:])
		e.RecordedAt = time.Unix(0, stmt.ColumnInt64(10)).UTC()
		stmt.ColumnBytes(11, e.Causation[:])
		e.Correlation = r.text(stmt, 12, last.Correlation)
	}
	if q.stream == "" {
		e.Stream, err = r.stream(stmt.ColumnInt64(1), &q.ahead)
	}
	return err
}

// arena hands out bytes from chunks of up to 64 KB, so that an event costs no allocation of its own. A small read
// makes a small chunk. What was handed out is never used again: it belongs to the caller.
type arena struct {
	free []byte
	next int
}

func (a *arena) column(stmt *driver.Stmt, col int) []byte {
	n := stmt.ColumnBytes(col, a.free)
	if n == len(a.free) { // it may not have fitted in
		n = stmt.ColumnLen(col)
		a.next = min(max(2*a.next, 4<<10), 64<<10)
		a.free = make([]byte, max(n+1, a.next))
		stmt.ColumnBytes(col, a.free)
	}
	b := a.free[:n:n]
	a.free = a.free[n:]
	return b
}

// signed is a position or revision as SQLite holds it. No event is beyond the greatest.
func signed(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
