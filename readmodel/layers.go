package readmodel

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
)

// errPast tells that the past can't be written to.
var errPast = errors.New("the past can only be read")

// layers is an Engine to read: the rows of upper, and over those that were settled at a position in lower.
type layers struct {
	lower, upper Engine
	shape        string
	settled      uint64
}

// Update implements Engine.
func (l *layers) Update(context.Context, func(Tx) error) error { return errPast }

// Loader implements Engine.
func (l *layers) Loader(ctx context.Context, side Side) Scanner { return l.upper.Loader(ctx, side) }

// Finish implements Engine.
func (l *layers) Finish(ctx context.Context, t *Table) error { return l.upper.Finish(ctx, t) }

func (l *layers) Overwrite(ctx context.Context, kept []*Table) error {
	return l.upper.Overwrite(ctx, kept)
}

// Close implements Engine.
func (l *layers) Close() error { return l.upper.Close() }

// Snapshot implements Engine.
func (l *layers) Snapshot(ctx context.Context) (Snapshot, error) {
	upper, err := l.upper.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	lower, _, err := snapshot(ctx, l.lower, l.shape)
	if err != nil {
		upper.Close()
		return nil, err
	}
	return &layered{Snapshot: upper, lower: lower, settled: l.settled, keys: make(map[string]map[string]bool)}, nil
}

// onward is the upper Engine as the fold sees it that goes on from a snapshot: a row that was settled then is in the lower one.
type onward struct {
	Engine
	layers *layers
}

// Loader implements Engine.
func (o *onward) Loader(ctx context.Context, side Side) Scanner {
	return &onwardLoader{o.Engine.Loader(ctx, side), o.layers, ctx}
}

type onwardLoader struct {
	Scanner
	layers *layers
	ctx    context.Context
}

// Scan implements Scanner.
func (l *onwardLoader) Scan(q *Query, each func(Source) error) error {
	found := false
	err := l.Scanner.Scan(q, func(src Source) error {
		found = true
		return each(src)
	})
	if found || err != nil || q.Table.Settled == "" {
		return err
	}
	lower, _, err := snapshot(l.ctx, l.layers.lower, l.layers.shape)
	if err != nil {
		return err
	}
	defer lower.Close()
	settled := newMerge(q, l.layers.settled).lowerQuery
	return lower.Scan(&settled, each)
}

// layered is a Snapshot of layers.
type layered struct {
	Snapshot
	lower   Snapshot
	settled uint64
	// keys are those of upper's rows, by table, for those tables that have rows in both.
	keys map[string]map[string]bool
}

// Close implements Snapshot.
func (s *layered) Close() {
	s.lower.Close()
	s.Snapshot.Close()
}

// Scan implements Scanner. Where a table's rows are in both layers, it merges the two in the query's order.
func (s *layered) Scan(q *Query, each func(Source) error) error {
	if q.Table.Settled == "" {
		return s.Snapshot.Scan(q, each)
	}
	keys, err := s.keysOf(q.Table)
	if err != nil {
		return err
	}
	m := newMerge(q, s.settled)
	if err := s.Snapshot.Scan(&m.upperQuery, m.keep); err != nil {
		return err
	}
	err = s.lower.Scan(&m.lowerQuery, func(src Source) error {
		if keys[m.key(src)] {
			return nil
		}
		if err := m.upTo(src, each); err != nil {
			return err
		}
		return m.emit(src, each)
	})
	if err == nil {
		err = m.upTo(nil, each)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// keysOf reads the keys of upper's rows once.
func (s *layered) keysOf(t *Table) (map[string]bool, error) {
	if keys, ok := s.keys[t.Name]; ok {
		return keys, nil
	}
	keys := make(map[string]bool)
	m := newMerge(&Query{Table: t, Columns: []string{}}, 0)
	err := s.Snapshot.Scan(&m.upperQuery, func(src Source) error {
		keys[m.key(src)] = true
		return nil
	})
	s.keys[t.Name] = keys
	return keys, err
}

// errEnough ends a scan that has reached its limit.
var errEnough = errors.New("enough")

// merge is two scans becoming one.
type merge struct {
	q                      *Query
	upperQuery, lowerQuery Query
	types                  []ColumnType
	nulls                  []bool
	// keys and order are where the key's and the order's columns are in a row.
	keys, order []int
	// kept are upper's rows that are still to come.
	kept    []memorySource
	emitted int
	scratch []value
}

// newMerge asks for a query's columns, and behind them for those that merging needs.
func newMerge(q *Query, settled uint64) *merge {
	m := &merge{q: q}
	columns := q.Columns
	if columns == nil {
		for _, c := range q.Table.Columns {
			columns = append(columns, c.Name)
		}
	}
	columns = slices.Clone(columns)
	place := func(name string) int {
		i := slices.Index(columns, name)
		if i < 0 {
			i = len(columns)
			columns = append(columns, name)
		}
		return i
	}
	for _, c := range q.Table.Columns[:q.Table.Keys] {
		m.keys = append(m.keys, place(c.Name))
	}
	for _, o := range q.Order {
		m.order = append(m.order, place(o.Column))
	}
	at := places(q.Table)
	for _, name := range columns {
		c := q.Table.Columns[at[name]]
		m.types, m.nulls = append(m.types, c.Type), append(m.nulls, c.Null)
	}
	m.upperQuery, m.lowerQuery = *q, *q
	m.upperQuery.Columns, m.lowerQuery.Columns = columns, columns
	m.lowerQuery.Limit = 0
	m.lowerQuery.Where = append(slices.Clone(q.Where), Condition{
		Column: q.Table.Settled, Op: Below, Int: int64(min(settled, math.MaxInt64-1)) + 1,
	})
	return m
}

// value copies a column.
func (m *merge) value(src Source, i int) value {
	if m.nulls[i] && src.Null(i) {
		return value{null: true}
	}
	switch m.types[i] {
	case Integer:
		return value{int: src.Int(i)}
	case Real:
		return value{real: src.Real(i)}
	case Text:
		return value{text: src.Symbol(i)}
	case Blob:
		return value{text: string(src.Blob(i))}
	}
	panic("projections: a column of no type")
}

func (m *merge) keep(src Source) error {
	row := make(memorySource, len(m.types))
	for i := range row {
		row[i] = m.value(src, i)
	}
	m.kept = append(m.kept, row)
	return nil
}

// key is a row's key.
func (m *merge) key(src Source) string {
	m.scratch = m.scratch[:0]
	for _, i := range m.keys {
		m.scratch = append(m.scratch, m.value(src, i))
	}
	return sortable(m.q.Table, m.scratch)
}

// upTo emits the kept rows that come before one of the lower layer, or all of them.
func (m *merge) upTo(src Source, each func(Source) error) error {
	for len(m.kept) > 0 && (src == nil || m.compare(m.kept[0], src) <= 0) {
		row := m.kept[0]
		m.kept = m.kept[1:]
		if err := m.emit(row, each); err != nil {
			return err
		}
	}
	return nil
}

func (m *merge) emit(src Source, each func(Source) error) error {
	if m.q.Limit > 0 && m.emitted == m.q.Limit {
		return errEnough
	}
	m.emitted++
	return each(src)
}

func (m *merge) compare(a memorySource, b Source) int {
	for n, i := range m.order {
		v := m.value(b, i)
		d := cmp.Or(strings.Compare(a[i].text, v.text), cmp.Compare(a[i].int, v.int))
		if m.q.Order[n].Descending {
			d = -d
		}
		if d != 0 {
			return d
		}
	}
	return 0
}
