package readmodel

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// View reads the tables of an engine. Each call reads one snapshot.
type View struct {
	engine Engine
	shape  string
}

// snapshot begins to read, and checks that the tables are those that this program knows.
func snapshot(ctx context.Context, e Engine, shape string) (Snapshot, Checkpoint, error) {
	s, err := e.Snapshot(ctx)
	if err != nil {
		return nil, Checkpoint{}, err
	}
	at, err := s.Checkpoint()
	if err == nil && at.Shape != shape {
		err = ErrOutdated
	}
	if err != nil {
		s.Close()
		return nil, Checkpoint{}, err
	}
	return s, at, nil
}

// Begin begins to read one state. The caller closes it. It returns ErrOutdated for tables of another shape.
func (v View) Begin(ctx context.Context) (Snapshot, error) {
	s, _, err := snapshot(ctx, v.engine, v.shape)
	return s, err
}

// Fixed has f read one state of the read models, whatever is folded meanwhile. What it gives is f's until f returns, and not
// for two goroutines at a time.
func (v View) Fixed(ctx context.Context, f func(View) error) error {
	s, err := v.Begin(ctx)
	if err != nil {
		return fmt.Errorf("read one state: %w", err)
	}
	defer s.Close()
	return f(View{engine: fixed{Engine: v.engine, state: s}, shape: v.shape})
}

// fixed is an Engine whose snapshots are one and the same.
type fixed struct {
	Engine
	state Snapshot
}

// Snapshot implements Engine.
func (f fixed) Snapshot(context.Context) (Snapshot, error) { return lent{f.state}, nil }

// lent is a Snapshot that another closes.
type lent struct{ Snapshot }

// Close implements Snapshot.
func (lent) Close() {}

// errStop ends a scan whose consumer has seen enough.
var errStop = errors.New("stop")

// Rows yields the rows that a query finds, whatever Table it names.
func Rows[K comparable, R any](ctx context.Context, v View, t *TableOf[K, R], q Query) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		s, err := v.Begin(ctx)
		if err == nil {
			defer s.Close()
			q.Table = &t.Table
			err = Scan(s, t, &q, func(row *R) error {
				if !yield(*row, nil) {
					return errStop
				}
				return nil
			})
		}
		if err != nil && !errors.Is(err, errStop) {
			var none R
			yield(none, fmt.Errorf("read %s: %w", t.Name, err))
		}
	}
}

// Scan decodes the rows that a query for all columns finds, or for the first ones.
func Scan[K comparable, R any](s Scanner, t *TableOf[K, R], q *Query, each func(*R) error) error {
	columns := len(t.Row)
	if q.Columns != nil {
		columns = len(q.Columns)
	}
	return s.Scan(q, func(src Source) error {
		var row R
		if err := t.decodeSome(&row, src, columns); err != nil {
			return err
		}
		return each(&row)
	})
}

// Collect is all of the rows.
func Collect[R any](seq iter.Seq2[R, error]) ([]R, error) {
	var all []R
	for row, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// Only is the condition that a text column has a value, or none where the value is empty.
func Only[T ~string](column string, want T) []Condition {
	if want == "" {
		return nil
	}
	return []Condition{{Column: column, Text: string(want)}}
}

// Ascending orders by columns.
func Ascending(columns ...string) []Order {
	order := make([]Order, len(columns))
	for i, c := range columns {
		order[i].Column = c
	}
	return order
}

// Checkpoint is what the tables hold: it changes with every change of theirs.
func (v View) Checkpoint(ctx context.Context) (Checkpoint, error) {
	s, at, err := snapshot(ctx, v.engine, v.shape)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint: %w", err)
	}
	s.Close()
	return at, nil
}

// Position is the log position that the tables have seen everything up to.
func (v View) Position(ctx context.Context) (uint64, error) {
	at, err := v.Checkpoint(ctx)
	return at.Position, err
}

// Parked are the parked streams, by the position where they stopped, then by projection.
func (v View) Parked(ctx context.Context) ([]ParkedRow, error) {
	return Collect(Rows(ctx, v, parkedTable, Query{Order: Ascending("position", "projection")}))
}
