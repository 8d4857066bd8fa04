package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/virtuous6/virtuous6/readmodel"
)

// put names a prepared write.
type put struct {
	table *readmodel.Table
	side  readmodel.Side
	rows  int
}

// binder binds a row's columns. A statement keeps its bindings from row to row, and rows that come together share
// many values, so what is bound already isn't bound again: binding is dearer than comparing.
type binder struct {
	stmt    *sqlite.Stmt
	at      int
	bound   []bound
	scratch []byte
}

// bound is what a parameter is bound to.
type bound struct {
	kind uint8
	int  int64
	text []byte
}

const (
	unknown uint8 = iota
	boundInt
	boundText
)

// maxBound is the longest text that is remembered.
const maxBound = 128

func (b *binder) next() *bound {
	b.at++
	return &b.bound[b.at-1]
}

// Int implements readmodel.Sink.
func (b *binder) Int(v int64) {
	if l := b.next(); l.kind != boundInt || l.int != v {
		l.kind, l.int = boundInt, v
		b.stmt.BindInt64(b.at, v)
	}
}

// Real implements readmodel.Sink.
func (b *binder) Real(v float64) {
	b.next().kind = unknown
	b.stmt.BindFloat(b.at, v)
}

// Null implements readmodel.Sink.
func (b *binder) Null() {
	b.next().kind = unknown
	b.stmt.BindNull(b.at)
}

// Text implements readmodel.Sink.
func (b *binder) Text(v string) {
	l := b.next()
	if l.kind == boundText && string(l.text) == v {
		return
	}
	b.stmt.BindText(b.at, v)
	if l.kind = unknown; len(v) <= maxBound {
		l.kind, l.text = boundText, append(l.text[:0], v...)
	}
}

// JSON implements readmodel.Sink.
func (b *binder) JSON(v []byte) {
	if l := &b.bound[b.at]; l.kind == boundText && string(l.text) == string(v) {
		b.at++
		return
	}
	b.Text(string(v))
}

// Blob implements readmodel.Sink.
func (b *binder) Blob(v []byte) {
	b.next().kind = unknown
	b.stmt.BindBytes(b.at, v)
}

// Scratch implements readmodel.Sink.
func (b *binder) Scratch() *[]byte { return &b.scratch }

// manyRows is how many rows one statement writes where there are as many: a statement's start and end cost a third of
// a row, and rows that are next to one another in the table are found faster within a statement.
const manyRows = 32

// Put implements readmodel.Tx.
func (tx *transaction) Put(side readmodel.Side, t *readmodel.Table, n int, row func(i int) readmodel.Row) error {
	for i := 0; i < n; {
		rows := 1
		if n-i >= manyRows {
			rows = manyRows
		}
		b, err := tx.binder(put{t, side, rows})
		if err != nil {
			return err
		}
		b.at = 0
		for range rows {
			if err := row(i).Encode(len(t.Columns), b); err != nil {
				return err
			}
			i++
		}
		if _, err := b.stmt.Step(); err != nil {
			return tx.explain(tx.ctx, err)
		}
		if err := b.stmt.Reset(); err != nil {
			return tx.explain(tx.ctx, err)
		}
	}
	return nil
}

func (tx *transaction) binder(p put) (*binder, error) {
	b := tx.puts[p]
	if b == nil {
		stmt, _, err := tx.writer.PrepareTransient(putSQL(p.table, p.side, p.rows))
		if err != nil {
			return nil, tx.explain(tx.ctx, err)
		}
		b = &binder{stmt: stmt, bound: make([]bound, len(p.table.Columns)*p.rows)}
		tx.puts[p] = b
	}
	return b, nil
}

// dropPuts forgets the prepared writes.
func (e *Engine) dropPuts() {
	for _, b := range e.puts {
		_ = b.stmt.Finalize() // it tells again what its last row has told
	}
	clear(e.puts)
}
