package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/readmodel"
)

// scanner answers queries about one side over one connection.
type scanner struct {
	*connection
	ctx  context.Context
	side readmodel.Side
	// prepared are the statements of queries asked before.
	prepared map[*readmodel.Query]*sqlite.Stmt
}

// maxPrepared bounds how many queries are remembered. Their statements belong to the connection.
const maxPrepared = 64

func (s *scanner) prepare(q *readmodel.Query) (*sqlite.Stmt, error) {
	if stmt := s.prepared[q]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.Prepare(selectSQL(q, s.side))
	if err != nil {
		return nil, s.engine.explain(s.ctx, err)
	}
	if s.prepared == nil || len(s.prepared) >= maxPrepared {
		s.prepared = make(map[*readmodel.Query]*sqlite.Stmt)
	}
	s.prepared[q] = stmt
	return stmt, nil
}

// Scan implements readmodel.Scanner.
func (s *scanner) Scan(q *readmodel.Query, each func(readmodel.Source) error) (err error) {
	stmt, err := s.prepare(q)
	if err != nil {
		return err
	}
	// Not while a row is shown: a statement left open keeps its snapshot.
	defer func() { err = errors.Join(err, stmt.Reset()) }()
	bindWhere(stmt, q.Table, q.Where)
	if q.Limit > 0 {
		stmt.BindInt64(len(q.Where)+1, int64(q.Limit))
	}
	src := &source{connection: s.connection, stmt: stmt}
	for {
		more, err := stmt.Step()
		if err != nil {
			return s.engine.explain(s.ctx, err)
		}
		if !more {
			return nil
		}
		if err := each(src); err != nil {
			return err
		}
	}
}

func bindWhere(stmt *sqlite.Stmt, t *readmodel.Table, where []readmodel.Condition) {
	for i, c := range where {
		if t.Type(c.Column) == readmodel.Text {
			stmt.BindText(i+1, c.Text)
		} else {
			stmt.BindInt64(i+1, c.Int)
		}
	}
}

var operators = map[readmodel.Op]string{
	readmodel.Equal: "=", readmodel.NotEqual: "<>", readmodel.AtLeast: ">=", readmodel.Below: "<",
}

func selectSQL(q *readmodel.Query, side readmodel.Side) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	columns := q.Columns
	if columns == nil {
		for _, c := range q.Table.Columns {
			columns = append(columns, c.Name)
		}
	}
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(c))
	}
	b.WriteString(" FROM " + quote(tableName(q.Table, side)))
	b.WriteString(whereSQL(q.Where))
	for i, o := range q.Order {
		if i == 0 {
			b.WriteString(" ORDER BY ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(quote(o.Column))
		if o.Descending {
			b.WriteString(" DESC")
		}
	}
	if q.Limit > 0 {
		b.WriteString(" LIMIT ?")
	}
	return b.String()
}

func whereSQL(where []readmodel.Condition) string {
	var b strings.Builder
	for i, c := range where {
		if i == 0 {
			b.WriteString(" WHERE ")
		} else {
			b.WriteString(" AND ")
		}
		b.WriteString(quote(c.Column) + " " + operators[c.Op] + " ?")
	}
	return b.String()
}

// source gives the columns of the row that a statement is at.
type source struct {
	*connection
	stmt *sqlite.Stmt
}

func (s *source) Int(i int) int64    { return s.stmt.ColumnInt64(i) }
func (s *source) Real(i int) float64 { return s.stmt.ColumnFloat(i) }
func (s *source) Text(i int) string  { return s.stmt.ColumnText(i) }
func (s *source) Blob(i int) []byte {
	b := make([]byte, s.stmt.ColumnLen(i))
	return b[:s.stmt.ColumnBytes(i, b)]
}
func (s *source) Null(i int) bool { return s.stmt.ColumnIsNull(i) }

// The longest text that is remembered, and how many are.
const (
	maxSymbol  = 64
	maxSymbols = 1 << 15
)

func (s *source) Symbol(i int) string {
	n := s.stmt.ColumnLen(i)
	switch {
	case n == 0:
		return ""
	case n > maxSymbol:
		return s.stmt.ColumnText(i)
	}
	if s.buffer == nil {
		s.buffer = make([]byte, maxSymbol)
	}
	b := s.buffer[:s.stmt.ColumnBytes(i, s.buffer[:n])]
	if known, ok := s.symbols[string(b)]; ok {
		return known
	}
	if len(s.symbols) >= maxSymbols {
		clear(s.symbols)
	}
	symbol := string(b)
	s.symbols[symbol] = symbol
	return symbol
}

// snapshot is a read transaction on a connection of the pool.
type snapshot struct{ scanner }

// Snapshot implements readmodel.Engine.
func (e *Engine) Snapshot(ctx context.Context) (readmodel.Snapshot, error) {
	c, err := e.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	c.SetInterrupt(ctx.Done())
	s := &snapshot{scanner{connection: c, ctx: ctx, side: readmodel.Live}}
	if err := sqlitex.Execute(c.Conn, "BEGIN", nil); err != nil {
		err = e.explain(ctx, err)
		s.release()
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	return s, nil
}

// Checkpoint implements readmodel.Snapshot.
func (s *snapshot) Checkpoint() (readmodel.Checkpoint, error) {
	return s.checkpoint(s.ctx, readmodel.Live)
}

// Close implements readmodel.Snapshot.
func (s *snapshot) Close() {
	s.SetInterrupt(nil)
	// Nothing was written, so that nothing is lost where this fails; such a connection isn't used again.
	if err := sqlitex.Execute(s.Conn, "ROLLBACK", nil); err != nil {
		s.engine.readers.discard(s.connection)
		return
	}
	s.release()
}

func (s *snapshot) release() {
	s.SetInterrupt(nil)
	s.engine.readers.give(s.connection)
}

// loader answers the fold's queries over the writing connection, outside of its transactions.
type loader struct{ scanner }

// Loader implements readmodel.Engine.
func (e *Engine) Loader(ctx context.Context, side readmodel.Side) readmodel.Scanner {
	return &loader{scanner{connection: e.writer, ctx: ctx, side: side}}
}

// Scan implements readmodel.Scanner.
func (l *loader) Scan(q *readmodel.Query, each func(readmodel.Source) error) error {
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	if l.engine.closed {
		return errClosed
	}
	if err := l.ctx.Err(); err != nil {
		return err
	}
	return l.scanner.Scan(q, each)
}
