package readmodel

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	upper, err := Open(ctx, empty, Options{CacheBytes: m.cacheBytes, SnapshotEvery: -1}, m.set)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the past: %w", err), empty.Close())
	}
	past := &Past{Models: upper, upper: upper}
	at, err := m.restore(ctx, upper, position)
	if err == nil && at > 0 {
		past.Models = m.over(upper, at)
		upper.engine = &onward{Engine: upper.engine, layers: past.Models.engine.(*layers)}
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

// Rest gives the memory of the fold back: what is wanted is reached.
func (p *Past) Rest() {
	p.upper.mu.Lock()
	defer p.upper.mu.Unlock()
	p.upper.live = newFolder(Live, p.upper.set.members, p.upper.live.at, p.upper.cacheBytes)
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
		l := layering{tables: m.set.tables, tx: tx, seen: make(map[*Table]map[string]bool)}
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
	return Scan(s, snapshotTable, &q, func(part *snapshotRow) error {
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
	past := &Models{View: View{engine: e, shape: m.shape}, set: m.set, cacheBytes: m.cacheBytes, every: -1}
	past.live = newFolder(Live, m.set.members, Checkpoint{}, m.cacheBytes)
	return past
}
