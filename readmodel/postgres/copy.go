package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/virtuous6/virtuous6/readmodel"
)

// filling is what an engine knows of the tables beside, of one generation that it has made itself. Rows that can't be
// there yet are copied, a large table's into one that has no index, which takes a fraction of an upsert's time. The first
// row that may be there already, and the first look at a row, make such a table its primary key.
type filling struct {
	generation int64
	seed       maphash.Seed
	// seen are the hashes of the first key column of all rows written, by table. It may hold more than the table: what
	// was written by a transaction that failed. A table that is missing here has got too many.
	seen map[string]map[uint64]struct{}

	mu    sync.Mutex
	keyed map[string]bool
}

// maxSeen is how many hashes are kept a table: as many runs, in the tables that grow. They take about 40 MB.
const maxSeen = 1 << 21

func newFilling(generation int64, tables []*readmodel.Table) *filling {
	f := &filling{
		generation: generation, seed: maphash.MakeSeed(), seen: make(map[string]map[uint64]struct{}), keyed: make(map[string]bool),
	}
	for _, t := range tables {
		f.seen[t.Name] = make(map[uint64]struct{})
	}
	return f
}

func (f *filling) hasKey(t *readmodel.Table) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keyed[t.Name]
}

func (f *filling) gotKey(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keyed[name] = true
}

// remember takes over what a Put wrote.
func (f *filling) remember(t *readmodel.Table, hashes []uint64) {
	seen := f.seen[t.Name]
	for _, h := range hashes {
		seen[h] = struct{}{}
	}
	if len(seen) > maxSeen {
		delete(f.seen, t.Name)
	}
}

// copier makes COPY's binary format of rows: https://www.postgresql.org/docs/current/sql-copy.html. It is a Sink.
type copier struct {
	table *readmodel.Table
	n     int
	row   func(i int) readmodel.Row
	next  int // row
	known map[uint64]struct{}
	seed  maphash.Seed
	// hashes are those of the rows it has met.
	hashes []uint64
	// again are the rows that may be in the table already.
	again *columns

	buf     []byte
	sent    int
	begun   bool
	ended   bool
	err     error
	scratch []byte

	mu      sync.Mutex
	stopped bool
}

// copyBuffer is about how much is encoded at a time.
const copyBuffer = 64 << 10

// Read implements io.Reader. It ends where all rows are encoded, or again is full.
func (c *copier) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return 0, io.ErrClosedPipe
	}
	if c.sent == len(c.buf) {
		if c.ended {
			return 0, io.EOF
		}
		c.sent, c.buf = 0, c.buf[:0]
		if c.err = c.fill(); c.err != nil {
			return 0, c.err
		}
	}
	n := copy(p, c.buf[c.sent:])
	c.sent += n
	return n, nil
}

func (c *copier) fill() error {
	if !c.begun {
		c.begun = true
		c.buf = append(c.buf, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	}
	for len(c.buf) < copyBuffer {
		if c.next == c.n || c.again.full() {
			c.ended = true
			c.buf = append(c.buf, 0xff, 0xff)
			return nil
		}
		row := c.row(c.next)
		c.next++
		if err := c.encode(row); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) encode(row readmodel.Row) error {
	begin := len(c.buf)
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(len(c.table.Columns))) //nolint:gosec // a table has few
	if err := row.Encode(len(c.table.Columns), c); err != nil {
		return err
	}
	first := c.buf[begin+2:]
	h := maphash.Bytes(c.seed, first[4:4+binary.BigEndian.Uint32(first)])
	if len(c.hashes) == 0 || c.hashes[len(c.hashes)-1] != h {
		c.hashes = append(c.hashes, h)
	}
	if _, known := c.known[h]; !known {
		return nil
	}
	c.buf = c.buf[:begin]
	return c.again.add(row)
}

// stop waits for a Read under way and allows no more of them: where the connection is lost, the driver goes on reading
// for a moment after it has returned, and the rows aren't ours then.
func (c *copier) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
}

// restart begins another COPY behind the rows that were met.
func (c *copier) restart() {
	c.begun, c.ended = false, false
	c.again.reset()
}

// Int implements readmodel.Sink.
func (c *copier) Int(v int64) {
	c.buf = append(c.buf, 0, 0, 0, 8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(v))
}

// Real implements readmodel.Sink.
func (c *copier) Real(v float64) { c.Int(int64(math.Float64bits(v))) }

// Null implements readmodel.Sink.
func (c *copier) Null() { c.buf = append(c.buf, 0xff, 0xff, 0xff, 0xff) }

// Text implements readmodel.Sink.
func (c *copier) Text(v string) {
	v = stored(v)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(v))) //nolint:gosec // PostgreSQL refuses what is longer
	c.buf = append(c.buf, v...)
}

// JSON implements readmodel.Sink. In JSON the characters that texts are escaped for are escaped already.
func (c *copier) JSON(v []byte) { c.Blob(v) }

// Blob implements readmodel.Sink.
func (c *copier) Blob(v []byte) {
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(v))) //nolint:gosec // PostgreSQL refuses what is longer
	c.buf = append(c.buf, v...)
}

// Scratch implements readmodel.Sink.
func (c *copier) Scratch() *[]byte { return &c.scratch }

// copyRows writes rows beside: those that can't be there yet by COPY, the others over those of the same keys.
func (tx *transaction) copyRows(f *filling, t *readmodel.Table, n int, row func(i int) readmodel.Row) error {
	c := &copier{table: t, n: n, row: row, known: f.seen[t.Name], seed: f.seed, again: newColumns(t)}
	defer c.stop()
	sql := fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary)", quote(tableName(t, readmodel.Beside)), columnList(t.Columns))
	for c.next < n {
		c.restart()
		_, err := tx.conn.Conn().PgConn().CopyFrom(tx.ctx, c, sql)
		if err != nil {
			c.stop()
			if c.err != nil {
				return c.err
			}
			return tx.explain(tx.ctx, err)
		}
		if c.again.rows == 0 {
			continue
		}
		if err := tx.key(t); err != nil {
			return err
		}
		if err := tx.upsert(readmodel.Beside, t, c.again); err != nil {
			return err
		}
	}
	f.remember(t, c.hashes)
	return nil
}

// filling is what is known of the tables beside, nil where another engine may have made them.
func (tx *transaction) filling() (*filling, error) {
	if tx.fresh != nil {
		return tx.fresh, nil
	}
	f := tx.Engine.filling.Load()
	if f == nil {
		return nil, nil
	}
	at, err := tx.Checkpoint(readmodel.Beside)
	if err != nil || at.Generation != f.generation {
		return nil, err
	}
	return f, nil
}

// key gives a table beside its primary key, if it has none.
func (tx *transaction) key(t *readmodel.Table) error {
	if !late(t) || tx.keyed[t.Name] {
		return nil
	}
	if f := tx.Engine.filling.Load(); tx.fresh == nil && f != nil && f.hasKey(t) {
		return nil
	}
	if err := tx.run(keySQL(t)); err != nil {
		return err
	}
	tx.keyed[t.Name] = true
	return nil
}

// key gives a table beside its primary key, in a transaction of its own.
func (e *Engine) key(ctx context.Context, t *readmodel.Table) error {
	f := e.filling.Load()
	if !late(t) || f != nil && f.hasKey(t) {
		return nil
	}
	if _, err := e.writers.Exec(ctx, keySQL(t)); err != nil {
		return e.explain(ctx, err)
	}
	if f != nil {
		f.gotKey(t.Name)
	}
	return nil
}

// Finish implements readmodel.Engine: it gives the table its primary key, its indexes, and the statistics by which the server
// chooses among those. Its own come a minute later, and till then it reads a whole table for the latest rows.
func (e *Engine) Finish(ctx context.Context, t *readmodel.Table) error {
	if !late(t) {
		return nil
	}
	if err := e.key(ctx, t); err != nil {
		return err
	}
	_, err := e.writers.Exec(ctx, indexSQL(t, readmodel.Beside)+analyzeSQL(t), pgx.QueryExecModeSimpleProtocol)
	return e.explain(ctx, err)
}

// settle takes over what a transaction that has been committed, or may have been, came to know.
func (tx *transaction) settle(err error) {
	switch {
	case err == nil && tx.fresh != nil:
		tx.Engine.filling.Store(tx.fresh)
	case tx.fresh != nil, tx.dropped:
		tx.Engine.filling.Store(nil)
	}
	f := tx.Engine.filling.Load()
	for name := range tx.keyed {
		if err == nil && f != nil {
			f.gotKey(name)
		}
	}
}

// Overwrite implements readmodel.Engine. The files of tables that were dropped are gone; the others are written anew, without
// what was deleted from them. Ended write-ahead logs of the server keep it until they are recycled.
func (e *Engine) Overwrite(ctx context.Context, kept []*readmodel.Table) error {
	for _, t := range kept {
		// It can't be vacuumed in a transaction.
		_, err := e.writers.Exec(ctx, "VACUUM (FULL) "+quote(t.Name))
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == "42P01" {
			continue
		}
		if err != nil {
			return e.explain(ctx, err)
		}
	}
	return nil
}
