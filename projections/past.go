package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Past is the read models as they were at a position: what the system knew there. Apply folds the log on from Position,
// up to the position that is wanted. The live read models may go on meanwhile.
type Past struct {
	*Models
	upper *Models
}

// Past makes the read models of a position from the last snapshot before it, in an empty engine that it comes to own.
// The rows that a snapshot leaves out are read from the live tables: both must stay open. Where there is no snapshot,
// Past begins at position 0.
func (m *Models) Past(ctx context.Context, empty Engine, position uint64) (*Past, error) {
	upper, err := Open(ctx, empty, Options{CacheBytes: m.cacheBytes, SnapshotEvery: -1})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the past: %w", err), empty.Close())
	}
	past := &Past{Models: upper, upper: upper}
	at, err := m.restore(ctx, upper, position)
	if err == nil && at > 0 {
		past.Models = m.over(upper, at)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the past: %w", err), upper.Close())
	}
	return past, nil
}

// Apply is Models.Apply, on the way to the position that is wanted.
func (p *Past) Apply(ctx context.Context, after uint64, batch []Entry) error {
	return p.upper.Apply(ctx, after, batch)
}

// Close closes the engine that was given to Past.
func (p *Past) Close() error { return p.upper.Close() }

// restore fills empty models from the last snapshot up to a position. It returns where that was taken.
func (m *Models) restore(ctx context.Context, upper *Models, position uint64) (uint64, error) {
	s, live, err := snapshot(ctx, m.engine, m.shape)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	at, err := latest(s, m.shape, min(position, live.Position))
	if err != nil || at == 0 {
		return 0, err
	}
	err = upper.engine.Update(ctx, func(tx Tx) error {
		from, err := tx.Checkpoint(Live)
		if err != nil {
			return err
		}
		to := from
		to.Position = at
		if err := tx.Advance(Live, from, to); err != nil {
			return err
		}
		chain, err := chainOf(s, at)
		if err != nil {
			return err
		}
		l := layering{tables: m.tables, tx: tx, seen: make(map[*Table]map[string]bool)}
		for _, position := range chain {
			if err := l.add(s, position); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("restore the snapshot at position %d: %w", at, err)
	}
	return at, upper.reload(ctx)
}

// chainOf is the positions of a snapshot and of those that it builds on, the last one first.
func chainOf(s Scanner, at uint64) ([]uint64, error) {
	var chain []uint64
	q := Query{Table: &snapshotTable.Table, Columns: []string{"base"}, Where: []Condition{{Column: "position"}}, Limit: 1}
	for at > 0 {
		chain = append(chain, at)
		q.Where[0].Int, at = int64(at), 0
		err := s.Scan(&q, func(src Source) error {
			at = uint64(src.Int(0))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return chain, nil
}

// layering writes snapshots, the last one first: of a row only what was there last.
type layering struct {
	tables []*Table
	tx     Tx
	seen   map[*Table]map[string]bool
	layers int
}

// add writes a snapshot under those that build on it. Of the runs only the last one's are open.
func (l *layering) add(s Scanner, position uint64) error {
	l.layers++
	q := byKey(&snapshotTable.Table, 1)
	q.Where[0].Int = int64(position)
	return scan(s, snapshotTable, &q, func(part *snapshotRow) error {
		i := slices.IndexFunc(l.tables, func(t *Table) bool { return t.Name == part.table })
		if i < 0 {
			return errSnapshot
		}
		t := l.tables[i]
		if t.Settled != "" && l.layers > 1 {
			return nil
		}
		rows, err := unpack(part, t)
		if err != nil {
			return err
		}
		if l.seen[t] == nil {
			l.seen[t] = make(map[string]bool)
		}
		seen := l.seen[t]
		rows = slices.DeleteFunc(rows, func(row memorySource) bool {
			key := sortable(t, row)
			again := seen[key]
			seen[key] = true
			return again
		})
		packed := packedRow{table: t}
		return l.tx.Put(Live, t, len(rows), func(i int) Row {
			packed.source = rows[i]
			return &packed
		})
	})
}

// over is the reading of upper over the rows of the live tables that were settled at a position.
func (m *Models) over(upper *Models, settled uint64) *Models {
	e := &layers{lower: m.engine, upper: upper.engine, shape: m.shape, settled: settled}
	past := &Models{engine: e, members: m.members, tables: m.tables, shape: m.shape, cacheBytes: m.cacheBytes, every: -1}
	past.Reader = &reader{engine: e, shape: m.shape}
	past.live = newFolder(Live, m.members, Checkpoint{}, m.cacheBytes)
	return past
}

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
