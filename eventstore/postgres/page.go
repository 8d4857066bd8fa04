package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// The bounds of a page: what is read at once, before the connection is given back. A long read is many short queries, so
// that no snapshot stays open, and a slow consumer holds one page in memory. The first page is small, for consumers that
// leave early; each next one is twice as long, as far as its bytes allow.
const (
	firstRows = 128
	pageRows  = 5000
	pageBytes = 8 << 20
	// cutBytes is where a page whose events grew beyond all expectation is cut off.
	cutBytes = 4 * pageBytes
	// internedTexts bounds the names that a read remembers: a few megabytes.
	internedTexts = 1 << 15
)

const (
	beforeData = "SELECT position, stream, revision, kind, version, occurred_at, workspace, actor, "
	afterData  = ", id, recorded_at, causation, correlation"
	columns    = beforeData + "data" + afterData
)

// selectColumns begins a read of the log. data is where the facts come from.
func selectColumns(data string, brief bool) string {
	if brief {
		return beforeData + data
	}
	return beforeData + data + afterData
}

// The reads that a page can come from: columns and one of these. $1 is exclusive, $2 the number of rows, $3 the kinds or
// the stream's name.
const (
	logForwards     = " FROM events WHERE position > $1 ORDER BY position LIMIT $2"
	logBackwards    = " FROM events WHERE position < $1 ORDER BY position DESC LIMIT $2"
	kindsForwards   = " FROM events WHERE position > $1 AND kind = ANY ($3) ORDER BY position LIMIT $2"
	kindsBackwards  = " FROM events WHERE position < $1 AND kind = ANY ($3) ORDER BY position DESC LIMIT $2"
	streamForwards  = columns + " FROM events WHERE stream = $3 AND revision > $1 ORDER BY revision LIMIT $2"
	streamBackwards = columns + " FROM events WHERE stream = $3 AND revision < $1 ORDER BY revision DESC LIMIT $2"
)

// query is a read under way: what to read, and how far it is.
type query struct {
	text  string
	after int64 // position or revision, exclusive
	limit int   // events still wanted, 0 for all
	rows  int   // in the next page
	// args are the text's parameters from the third one on.
	args     []any
	revision bool // after counts revisions
}

// page is a part of a read, in memory. Its rows are used again by the next one; the bytes they point to are not.
type page struct {
	rows []events.Envelope
	// ended tells that the read has come to its end.
	ended bool
	arena arena
	texts map[string]string
}

// read fills a page with what comes next. After an error the query is where it was.
func (p *page) read(ctx context.Context, conn *pgx.Conn, q *query) error {
	clear(p.rows)
	p.rows, p.ended = p.rows[:0], false
	if p.texts == nil {
		p.texts = make(map[string]string)
	}
	wanted := q.rows
	if wanted == 0 {
		wanted = firstRows
	}
	if q.limit > 0 {
		wanted = min(wanted, q.limit)
	}
	args := append([]any{q.after, wanted}, q.args...)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := conn.Query(ctx, q.text, args...)
	if err != nil {
		return err
	}
	size, cut := 0, false
	for !cut && rows.Next() {
		n, err := p.row(rows.RawValues())
		if err != nil {
			rows.Close()
			return err
		}
		if size += n; size > cutBytes {
			// To give up the connection costs less than to take in the rows that are on their way.
			cut = true
			cancel()
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil && !cut {
		return err
	}
	p.ended = !cut && len(p.rows) < wanted
	q.advance(p.rows, size)
	p.ended = p.ended || q.limit < 0
	return nil
}

// advance moves a query behind a page. Its limit is negative once it is reached.
func (q *query) advance(rows []events.Envelope, size int) {
	n := len(rows)
	if n == 0 {
		return
	}
	q.after = int64(rows[n-1].Position) //nolint:gosec // it came from a bigint
	if q.revision {
		q.after = int64(rows[n-1].Revision) //nolint:gosec // it came from a bigint
	}
	q.rows = max(1, min(max(2*n, firstRows), pageRows, pageBytes/max(size/n, 1)))
	if q.limit > 0 {
		if q.limit -= n; q.limit == 0 {
			q.limit = -1
		}
	}
}

// row takes in a row, and returns its weight in bytes.
func (p *page) row(c [][]byte) (int, error) {
	brief := len(c) == 9
	if len(c[0]) != 8 || len(c[2]) != 8 || len(c[4]) != 4 || len(c[5]) != 8 || !brief && (len(c[9]) != 16 || len(c[10]) != 8) {
		return 0, fmt.Errorf("%w: the columns of table events are of other types: restore a backup", eventstore.ErrSchema)
	}
	last := &events.Envelope{}
	if n := len(p.rows); n > 0 {
		last = &p.rows[n-1]
	}
	e := events.Envelope{
		Position:   uint64(number(c[0])),
		Stream:     p.text(c[1], last.Stream),
		Revision:   uint64(number(c[2])),
		Kind:       p.text(c[3], last.Kind),
		Version:    int(int32(binary.BigEndian.Uint32(c[4]))), //nolint:gosec // it came from an int
		OccurredAt: time.Unix(0, number(c[5])).UTC(),
		Workspace:  p.text(c[6], last.Workspace),
		Actor:      p.text(c[7], last.Actor),
		Data:       p.arena.copy(c[8]),
	}
	if !brief {
		copy(e.ID[:], c[9])
		e.RecordedAt = time.Unix(0, number(c[10])).UTC()
		copy(e.Causation[:], c[11]) // null is no bytes
		e.Correlation = p.text(c[12], last.Correlation)
	}
	p.rows = append(p.rows, e)
	return 512 + len(c[8]), nil
}

// text interns a text that many events share. last is the one that the event before had there.
func (p *page) text(b []byte, last string) string {
	if string(b) == last {
		return last
	}
	if s, ok := p.texts[string(b)]; ok {
		return s
	}
	if len(p.texts) > internedTexts {
		clear(p.texts)
	}
	s := string(b)
	p.texts[s] = s
	return s
}

// arena hands out copies from chunks of up to 64 KB, so that an event costs no allocation of its own. A small read makes
// a small chunk. What was handed out is never used again: it belongs to the caller.
type arena struct {
	free []byte
	next int
}

func (a *arena) copy(b []byte) []byte {
	n := len(b)
	if n > len(a.free) {
		a.next = min(max(2*a.next, 4<<10), 64<<10)
		a.free = make([]byte, max(n, a.next))
	}
	copy(a.free, b)
	out := a.free[:n:n]
	a.free = a.free[n:]
	return out
}

// signed is a position or revision as PostgreSQL holds it. No event is beyond the greatest.
func signed(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
