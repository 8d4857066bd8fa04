package readmodel

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// memory is the in-memory twin of the engines. It keeps rows as values, not as the fold's structs, so that what a
// table can't hold is lost here too.
type memory struct {
	mu     sync.RWMutex
	sides  [2]memorySide
	closed bool
}

// memorySide is never changed once it is there: a transaction works on a copy, a snapshot keeps what it began with.
type memorySide struct {
	at     Checkpoint
	tables map[string]map[string][]value
}

// value is one column of a row.
type value struct {
	text string
	int  int64
	real float64
	null bool
}

// NewMemory makes the in-memory twin of the engines, for tests. A transaction copies the tables it writes to.
func NewMemory() Engine { return &memory{} }

func (m *memory) Finish(context.Context, *Table) error { return nil }

func (m *memory) Overwrite(context.Context, []*Table) error { return nil }

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *memory) Snapshot(ctx context.Context) (Snapshot, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, fmt.Errorf("%w: they are closed", ErrUnavailable)
	}
	return &memoryScan{ctx: ctx, side: m.sides[Live]}, ctx.Err()
}

func (m *memory) Loader(ctx context.Context, side Side) Scanner {
	return &memoryLoader{memory: m, ctx: ctx, side: side}
}

type memoryLoader struct {
	*memory
	ctx  context.Context
	side Side
}

func (l *memoryLoader) Scan(q *Query, each func(Source) error) error {
	l.mu.RLock()
	s := memoryScan{ctx: l.ctx, side: l.sides[l.side]}
	l.mu.RUnlock()
	return s.Scan(q, each)
}

func (m *memory) Update(ctx context.Context, f func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("%w: they are closed", ErrUnavailable)
	}
	tx := &memoryTx{ctx: ctx, sides: m.sides, owned: make(map[ownedTable]bool)}
	for i := range tx.sides {
		tx.sides[i].tables = maps.Clone(tx.sides[i].tables)
	}
	if err := f(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.sides = tx.sides
	return nil
}

type ownedTable struct {
	side Side
	name string
}

// memoryTx is a transaction. It owns the tables that it has copied.
type memoryTx struct {
	ctx   context.Context
	sides [2]memorySide
	owned map[ownedTable]bool
}

func (tx *memoryTx) Checkpoint(side Side) (Checkpoint, error) {
	at := tx.sides[side].at
	if at.Shape == "" {
		at = Checkpoint{}
	}
	return at, nil
}

func (tx *memoryTx) Advance(side Side, from, to Checkpoint) error {
	if tx.sides[side].at != from {
		return ErrCheckpointMoved
	}
	tx.sides[side].at = to
	return nil
}

func (tx *memoryTx) On(side Side) Scanner { return &memoryScan{ctx: tx.ctx, side: tx.sides[side]} }

func (tx *memoryTx) Put(side Side, t *Table, n int, row func(i int) Row) error {
	tx.own(side, t)
	for i := range n {
		sink := memoryRow{}
		if err := row(i).Encode(len(t.Columns), &sink); err != nil {
			return err
		}
		tx.sides[side].tables[t.Name][sortable(t, sink.values)] = sink.values
	}
	return nil
}

// own makes a table this transaction's to change.
func (tx *memoryTx) own(side Side, t *Table) {
	own := ownedTable{side, t.Name}
	if !tx.owned[own] {
		tx.owned[own] = true
		tx.sides[side].tables[t.Name] = maps.Clone(tx.sides[side].tables[t.Name])
	}
}

func (tx *memoryTx) Delete(t *Table, where []Condition) error {
	tx.own(Live, t)
	q := &Query{Table: t, Where: where}
	place := places(t)
	maps.DeleteFunc(tx.sides[Live].tables[t.Name], func(_ string, row []value) bool { return matches(row, q, place) })
	return nil
}

func (tx *memoryTx) Ensure(tables []*Table) error {
	live := &tx.sides[Live]
	for _, t := range tables {
		if live.tables[t.Name] == nil {
			if live.tables == nil {
				live.tables = make(map[string]map[string][]value)
			}
			live.tables[t.Name] = make(map[string][]value)
		}
	}
	return nil
}

func (tx *memoryTx) Durable() error { return nil }

func (tx *memoryTx) Now() (time.Time, error) { return time.Now(), nil }

func (tx *memoryTx) Create(side Side, shape string, tables []*Table) (Checkpoint, error) {
	s := &tx.sides[side]
	s.at = Checkpoint{Shape: shape, Generation: s.at.Generation + 1}
	if s.tables == nil {
		s.tables = make(map[string]map[string][]value)
	}
	for _, t := range tables {
		s.tables[t.Name] = make(map[string][]value)
		tx.owned[ownedTable{side, t.Name}] = true
	}
	return s.at, nil
}

func (tx *memoryTx) Drop(side Side, tables []*Table) error {
	s := &tx.sides[side]
	s.at = Checkpoint{Generation: s.at.Generation + 1}
	for _, t := range tables {
		delete(s.tables, t.Name)
	}
	return nil
}

func (tx *memoryTx) Forget(names []string) error {
	for _, name := range names {
		delete(tx.sides[Live].tables, name)
	}
	return nil
}

func (tx *memoryTx) Promote(tables []*Table) (Checkpoint, error) {
	live, beside := &tx.sides[Live], &tx.sides[Beside]
	live.at = Checkpoint{Shape: beside.at.Shape, Generation: live.at.Generation + 1, Position: beside.at.Position}
	for _, t := range tables {
		live.tables[t.Name] = beside.tables[t.Name]
		delete(tx.owned, ownedTable{Live, t.Name})
	}
	return live.at, tx.Drop(Beside, tables)
}

// sortable encodes a row's key so that texts compare as the keys do.
func sortable(t *Table, values []value) string {
	var b []byte
	for i, c := range t.Columns[:t.Keys] {
		if c.Type == Integer {
			b = binary.BigEndian.AppendUint64(b, uint64(values[i].int)^1<<63)
			continue
		}
		b = append(b, strings.ReplaceAll(values[i].text, "\x00", "\x00\xff")...)
		b = append(b, 0, 0)
	}
	return string(b)
}

// memoryRow is a Sink.
type memoryRow struct {
	values  []value
	scratch []byte
}

func (r *memoryRow) add(v value)      { r.values = append(r.values, v) }
func (r *memoryRow) Int(v int64)      { r.add(value{int: v}) }
func (r *memoryRow) Real(v float64)   { r.add(value{real: v}) }
func (r *memoryRow) Text(v string)    { r.add(value{text: v}) }
func (r *memoryRow) JSON(v []byte)    { r.add(value{text: string(v)}) }
func (r *memoryRow) Blob(v []byte)    { r.add(value{text: string(v)}) }
func (r *memoryRow) Null()            { r.add(value{null: true}) }
func (r *memoryRow) Scratch() *[]byte { return &r.scratch }

// memoryScan is a Snapshot of a side.
type memoryScan struct {
	ctx  context.Context
	side memorySide
}

func (s *memoryScan) Close() {}

func (s *memoryScan) Checkpoint() (Checkpoint, error) {
	if s.side.at.Shape == "" {
		return Checkpoint{}, nil
	}
	return s.side.at, nil
}

func (s *memoryScan) Scan(q *Query, each func(Source) error) error {
	table := s.side.tables[q.Table.Name]
	place := places(q.Table)
	var rows [][]value
	for _, k := range slices.Sorted(maps.Keys(table)) {
		if matches(table[k], q, place) {
			rows = append(rows, table[k])
		}
	}
	slices.SortStableFunc(rows, func(a, b []value) int {
		for _, o := range q.Order {
			i := place[o.Column]
			d := cmp.Or(strings.Compare(a[i].text, b[i].text), cmp.Compare(a[i].int, b[i].int))
			if o.Descending {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
	if q.Limit > 0 && len(rows) > q.Limit {
		rows = rows[:q.Limit]
	}
	for _, row := range rows {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		src := memorySource(row)
		if q.Columns != nil {
			src = make(memorySource, len(q.Columns))
			for i, name := range q.Columns {
				src[i] = row[place[name]]
			}
		}
		if err := each(src); err != nil {
			return err
		}
	}
	return nil
}

// places tells where a table's columns are.
func places(t *Table) map[string]int {
	place := make(map[string]int, len(t.Columns))
	for i, c := range t.Columns {
		place[c.Name] = i
	}
	return place
}

func matches(row []value, q *Query, place map[string]int) bool {
	for _, c := range q.Where {
		i := place[c.Column]
		d := strings.Compare(row[i].text, c.Text)
		if q.Table.Columns[i].Type == Integer {
			d = cmp.Compare(row[i].int, c.Int)
		}
		ok := false
		switch c.Op {
		case Equal:
			ok = d == 0
		case NotEqual:
			ok = d != 0
		case AtLeast:
			ok = d >= 0
		case Below:
			ok = d < 0
		}
		if !ok {
			return false
		}
	}
	return true
}

type memorySource []value

func (s memorySource) Int(i int) int64     { return s[i].int }
func (s memorySource) Real(i int) float64  { return s[i].real }
func (s memorySource) Text(i int) string   { return s[i].text }
func (s memorySource) Symbol(i int) string { return s[i].text }
func (s memorySource) Blob(i int) []byte   { return []byte(s[i].text) }
func (s memorySource) Null(i int) bool     { return s[i].null }
