package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/virtuous6/virtuous6/readmodel"
)

// querier is a connection, or a pool of them.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// scanner answers queries about one side.
type scanner struct {
	*Engine
	ctx  context.Context
	from querier
	side readmodel.Side
	// key sees to a primary key, for tables beside that may have none yet.
	key func(*readmodel.Table) error
	// few tells that all scans are of a few rows, and are read at once.
	few bool
	symbols
}

// Scan implements readmodel.Scanner.
func (s *scanner) Scan(q *readmodel.Query, each func(readmodel.Source) error) error {
	if s.side == readmodel.Beside && len(q.Where) > 0 {
		if err := s.key(q.Table); err != nil {
			return err
		}
	}
	ctx := s.ctx
	if s.few {
		limited, stop := s.limit(ctx)
		defer stop()
		ctx = limited
	}
	rows, err := s.from.Query(ctx, selectSQL(q, s.side), arguments(q.Table, q.Where)...)
	if err != nil {
		return s.explain(s.ctx, err)
	}
	defer rows.Close()
	src := &source{symbols: &s.symbols}
	for rows.Next() {
		src.values = rows.RawValues()
		if err := each(src); err != nil {
			return err
		}
	}
	return s.explain(s.ctx, rows.Err())
}

func arguments(t *readmodel.Table, where []readmodel.Condition) []any {
	all := make([]any, len(where))
	for i, c := range where {
		if t.Type(c.Column) == readmodel.Text {
			all[i] = stored(c.Text)
		} else {
			all[i] = c.Int
		}
	}
	return all
}

// source gives the columns of the row that a scan is at, in PostgreSQL's binary format.
type source struct {
	values [][]byte
	*symbols
}

func (s *source) Int(i int) int64 { return int64(binary.BigEndian.Uint64(s.values[i])) }
func (s *source) Real(i int) float64 {
	return math.Float64frombits(binary.BigEndian.Uint64(s.values[i]))
}
func (s *source) Text(i int) string   { return restored(string(s.values[i])) }
func (s *source) Blob(i int) []byte   { return append([]byte{}, s.values[i]...) }
func (s *source) Null(i int) bool     { return s.values[i] == nil }
func (s *source) Symbol(i int) string { return s.known(s.values[i]) }

// symbols are texts seen before, so that equal ones share their memory.
type symbols map[string]string

// The longest text that is remembered, and how many are.
const (
	maxSymbol  = 64
	maxSymbols = 1 << 15
)

func (s *symbols) known(v []byte) string {
	if len(v) > maxSymbol {
		return restored(string(v))
	}
	if known, ok := (*s)[string(v)]; ok {
		return known
	}
	if *s == nil || len(*s) >= maxSymbols {
		*s = make(symbols)
	}
	text := restored(string(v))
	(*s)[string(v)] = text
	return text
}

// snapshot is a read transaction on a connection of its own.
type snapshot struct {
	scanner
	conn *pgxpool.Conn
	made bool
}

// A reader holds a lock that only a swap minds. Without it, a transaction that began before the swap would find the new
// tables under the old names, with the rows that had been there when it began.
const (
	beginReading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	lockReading  = "LOCK TABLE projection_checkpoints IN ACCESS SHARE MODE"
)

// Snapshot implements readmodel.Engine.
func (e *Engine) Snapshot(ctx context.Context) (readmodel.Snapshot, error) {
	conn, err := e.begin(ctx, e.readers, beginReading+"; "+lockReading)
	made := true
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P01" { // there are no tables yet
		made = false
		conn, err = e.begin(ctx, e.readers, beginReading)
	}
	if err != nil {
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	return &snapshot{scanner: scanner{Engine: e, ctx: ctx, from: conn, side: readmodel.Live}, conn: conn, made: made}, nil
}

// say sends statements that have no parameters, together.
func say(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// Checkpoint implements readmodel.Snapshot.
func (s *snapshot) Checkpoint() (readmodel.Checkpoint, error) {
	if !s.made {
		return readmodel.Checkpoint{}, s.ctx.Err()
	}
	return s.checkpoint(s.ctx, s.conn, readmodel.Live)
}

// Close implements readmodel.Snapshot.
func (s *snapshot) Close() {
	// Nothing was written. A connection that can't end its transaction is not used again: the pool sees to that.
	if !s.conn.Conn().IsClosed() {
		limited, stop := context.WithTimeout(context.WithoutCancel(s.ctx), s.grace)
		defer stop()
		_ = say(limited, s.conn.Conn(), "ROLLBACK")
	}
	s.conn.Release()
}

// checkpoint reads a side's checkpoint, the zero one where the side has no tables.
func (e *Engine) checkpoint(ctx context.Context, from querier, side readmodel.Side) (readmodel.Checkpoint, error) {
	var at readmodel.Checkpoint
	var position int64
	const query = "SELECT shape, generation, position FROM projection_checkpoints WHERE name = $1"
	err := from.QueryRow(ctx, query, sideNames[side]).Scan(&at.Shape, &at.Generation, &position)
	if errors.Is(err, pgx.ErrNoRows) {
		return at, nil
	}
	at.Position = uint64(position)
	return at, e.explain(ctx, err)
}

// Loader implements readmodel.Engine.
func (e *Engine) Loader(ctx context.Context, side readmodel.Side) readmodel.Scanner {
	key := func(t *readmodel.Table) error { return e.key(ctx, t) }
	return &scanner{Engine: e, ctx: ctx, from: e.writers, side: side, key: key, few: true}
}
