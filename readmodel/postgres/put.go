package postgres

import (
	"github.com/virtuous6/virtuous6/readmodel"
)

// The bounds of one statement, in rows and in bytes of their texts.
const (
	chunkRows  = 2_000
	chunkBytes = 8 << 20
)

// columns are the rows of one statement, one array a column. It is a Sink.
type columns struct {
	table   *readmodel.Table
	arrays  []array
	at      int
	rows    int
	bytes   int
	scratch []byte
}

// array is a column's values: those of one slice, by its type.
type array struct {
	ints  []int64
	reals []*float64
	texts []string
	blobs [][]byte
}

func newColumns(t *readmodel.Table) *columns {
	return &columns{table: t, arrays: make([]array, len(t.Columns))}
}

func (c *columns) reset() {
	c.rows, c.bytes = 0, 0
	for i := range c.arrays {
		a := &c.arrays[i]
		clear(a.texts)
		clear(a.blobs)
		a.ints, a.reals, a.texts, a.blobs = a.ints[:0], a.reals[:0], a.texts[:0], a.blobs[:0]
	}
}

// arguments are the arrays, for putSQL.
func (c *columns) arguments() []any {
	all := make([]any, len(c.arrays))
	for i, column := range c.table.Columns {
		switch column.Type {
		case readmodel.Integer:
			all[i] = c.arrays[i].ints
		case readmodel.Real:
			all[i] = c.arrays[i].reals
		case readmodel.Text:
			all[i] = c.arrays[i].texts
		case readmodel.Blob:
			all[i] = c.arrays[i].blobs
		}
	}
	return all
}

// full tells that it is time for a statement.
func (c *columns) full() bool { return c.rows >= chunkRows || c.bytes >= chunkBytes }

func (c *columns) add(row readmodel.Row) error {
	c.at = 0
	c.rows++
	return row.Encode(len(c.table.Columns), c)
}

func (c *columns) next() *array {
	c.at++
	return &c.arrays[c.at-1]
}

// Int implements readmodel.Sink.
func (c *columns) Int(v int64) {
	a := c.next()
	a.ints = append(a.ints, v)
}

// Real implements readmodel.Sink.
func (c *columns) Real(v float64) {
	a := c.next()
	a.reals = append(a.reals, &v)
}

// Null implements readmodel.Sink. Only columns of reals may hold nothing.
func (c *columns) Null() {
	a := c.next()
	a.reals = append(a.reals, nil)
}

// Text implements readmodel.Sink.
func (c *columns) Text(v string) {
	a := c.next()
	a.texts = append(a.texts, stored(v))
	c.bytes += len(v)
}

// JSON implements readmodel.Sink. In JSON the characters that texts are escaped for are escaped already.
func (c *columns) JSON(v []byte) {
	a := c.next()
	a.texts = append(a.texts, string(v))
	c.bytes += len(v)
}

// Blob implements readmodel.Sink.
func (c *columns) Blob(v []byte) {
	a := c.next()
	a.blobs = append(a.blobs, append([]byte{}, v...))
	c.bytes += len(v)
}

// Scratch implements readmodel.Sink.
func (c *columns) Scratch() *[]byte { return &c.scratch }

// Put implements readmodel.Tx.
func (tx *transaction) Put(side readmodel.Side, t *readmodel.Table, n int, row func(i int) readmodel.Row) error {
	if n == 0 {
		return nil
	}
	if side == readmodel.Beside {
		f, err := tx.filling()
		if err != nil {
			return err
		}
		if f != nil && f.seen[t.Name] != nil {
			return tx.copyRows(f, t, n, row)
		}
		if err := tx.key(t); err != nil {
			return err
		}
	}
	c := newColumns(t)
	for i := 0; i < n; {
		for c.reset(); i < n && !c.full(); i++ {
			if err := c.add(row(i)); err != nil {
				return err
			}
		}
		if err := tx.upsert(side, t, c); err != nil {
			return err
		}
	}
	return nil
}

// upsert writes rows over those of the same keys.
func (tx *transaction) upsert(side readmodel.Side, t *readmodel.Table, c *columns) error {
	_, err := tx.exec(putSQL(t, side), c.arguments()...)
	return err
}
