package readmodel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
)

// ErrUnknownProjection tells that no projection has a name that was asked for.
var ErrUnknownProjection = errors.New("there is no such read model")

// Rebuild folds the log from its start into tables beside the live ones. It is not safe for concurrent use. Nobody
// can read it before Swap.
type Rebuild struct {
	models *Models
	beside *folder
	// tables are those beside. chosen are the projections whose tables are to be swapped in, nil for all of them.
	tables []*Table
	chosen []Projection
	done   bool
	// broken tells that a Run ended early: the tables hold parts of what comes behind their checkpoint.
	broken bool
}

// errDone tells that a rebuild was swapped in or discarded.
var errDone = errors.New("the rebuild has ended")

// errBroken tells that a rebuild can only be discarded.
var errBroken = errors.New("the rebuild failed midway; discard it and begin another")

// Projections lists the names of the projections, in the order in which a fact passes through them.
func (m *Models) Projections() []string {
	names := make([]string, len(m.set.members))
	for i := range m.set.members {
		names[i] = m.set.members[i].Name
	}
	return names
}

// BuiltOn lists the projections that a projection's parked streams keep from folding them too.
func (m *Models) BuiltOn(name string) []string {
	var names []string
	i := slices.IndexFunc(m.set.members, func(p Projection) bool { return p.Name == name })
	for n, p := range m.set.members {
		if i >= 0 && m.set.on[n]&(1<<i) != 0 {
			names = append(names, p.Name)
		}
	}
	return names
}

// BeginRebuild makes empty tables beside the live ones, dropping what an earlier rebuild left there. Another rebuild
// that is under way fails with ErrRebuildLost. Of the projections that are named (by their own name or a table's), or of all where none is, the tables
// are swapped in at the end; outdated read models can only be rebuilt as a whole, and so can those for all of which a
// stream is parked that can be read by now: Swap returns ErrParkedForAll. It returns ErrUnknownProjection for a name that
// none has.
func (m *Models) BeginRebuild(ctx context.Context, names ...string) (*Rebuild, error) {
	r := &Rebuild{models: m, tables: m.set.tables}
	members := m.set.members
	if len(names) > 0 {
		if m.Outdated() {
			return nil, fmt.Errorf("begin rebuild: %w", ErrOutdated)
		}
		var err error
		if r.chosen, members, err = m.set.choose(names); err != nil {
			return nil, err
		}
		r.tables = tablesOf(members)
	}
	var at Checkpoint
	err := m.engine.Update(ctx, func(tx Tx) (err error) {
		if err := tx.Drop(Beside, m.set.tables); err != nil {
			return err
		}
		if at, err = tx.Create(Beside, m.shape, r.tables); err != nil || r.chosen != nil {
			return err
		}
		// A rebuild from the start makes its own snapshots.
		if err := tx.Ensure(keptTables); err != nil {
			return err
		}
		return deleteSnapshots(tx)
	})
	if err != nil {
		return nil, fmt.Errorf("begin rebuild: %w", err)
	}
	r.beside = newFolder(Beside, members, at, m.cacheBytes)
	if r.chosen == nil {
		r.beside.snapshots = snapshots{tables: m.set.tables, shape: m.shape, every: m.every}
	}
	r.beside.forget(at)
	return r, nil
}

// Overwrite has nothing be left in the files of the read models of what was deleted or replaced before, as by a rebuild: not
// what is free to be used again, and no write-ahead log. It does not look for what the log's own tables hold.
func (m *Models) Overwrite(ctx context.Context) error {
	if err := m.engine.Overwrite(ctx, slices.Concat(keptTables, managerTables)); err != nil {
		return fmt.Errorf("overwrite what was deleted: %w", err)
	}
	return nil
}

// deleteSnapshots deletes all snapshots: another fold of the log takes its own.
func deleteSnapshots(tx Tx) error {
	if err := tx.Ensure([]*Table{&snapshotTable.Table}); err != nil {
		return err
	}
	return tx.Delete(&snapshotTable.Table, nil)
}

// sameParkedForAll returns ErrParkedForAll unless the same streams are parked for all projections, live and beside.
func sameParkedForAll(tx Tx) error {
	live, err := parkedForAll(tx.On(Live))
	if err != nil {
		return err
	}
	beside, err := parkedForAll(tx.On(Beside))
	if err == nil && !slices.Equal(live, beside) {
		err = ErrParkedForAll
	}
	return err
}

// parkedForAll lists the streams that are parked for all projections of a side, each with where it was.
func parkedForAll(s Scanner) (streams []string, err error) {
	q := byKey(&parkedTable.Table, 0)
	q.Where = []Condition{{Column: "projection", Text: Everything}}
	err = Scan(s, parkedTable, &q, func(row *ParkedRow) error {
		streams = append(streams, fmt.Sprint(row.Stream, " ", row.Position))
		return nil
	})
	return streams, err
}

// choose picks projections by name, or by a table's, and those that they build on with them.
func (s *Set) choose(names []string) (chosen, needed []Projection, err error) {
	members := s.members
	wanted, on := make(map[string]bool), uint64(0)
	for _, name := range names {
		i := slices.IndexFunc(members, func(p Projection) bool {
			return p.Name == name || slices.ContainsFunc(engineTables(p.Tables), func(t *Table) bool { return t.Name == name })
		})
		if i < 0 {
			return nil, nil, fmt.Errorf("%w: %q", ErrUnknownProjection, name)
		}
		wanted[members[i].Name] = true
		on |= s.on[i]
	}
	for i := range members {
		if wanted[members[i].Name] {
			chosen = append(chosen, members[i])
		}
		if wanted[members[i].Name] || on&(1<<i) != 0 {
			needed = append(needed, members[i])
		}
	}
	return chosen, needed, nil
}

// Position is the log position that the rebuild has seen everything up to.
func (r *Rebuild) Position() uint64 { return r.beside.at.Position }

// Apply is like Models.Apply, beside the live tables.
func (r *Rebuild) Apply(ctx context.Context, after uint64, batch []Entry) error {
	switch {
	case r.done:
		return fmt.Errorf("apply to rebuild: %w", errDone)
	case r.broken:
		return fmt.Errorf("apply to rebuild: %w", errBroken)
	case len(batch) == 0:
		return nil
	}
	if err := r.beside.apply(ctx, r.models.engine, nil, after, batch); err != nil {
		r.beside.forget(r.beside.at)
		return fmt.Errorf("apply to rebuild: %w", lost(err))
	}
	return nil
}

// Swap puts the rebuilt tables in the live ones' place, in one write transaction that also keeps appends to the same
// file out. tail yields the log behind from, in batches as Apply takes them, up to its end: it must read on another
// connection, and no append can come in between. A reader sees the old tables or the new ones, never a mixture.
//
// Where only some projections were rebuilt, the live tables must be as far as the rebuild at least, or it returns
// ErrCheckpointMoved; it then goes on up to where they are.
//
// Where it returns an error the live tables are as they were, and the rebuild can go on or be swapped again.
func (r *Rebuild) Swap(ctx context.Context, tail func(from uint64) iter.Seq2[[]Entry, error]) error {
	return r.swap(ctx, tail, false)
}

// Replace is Swap without a tail for tables that are to show a past moment: the live ones may have been further.
func (r *Rebuild) Replace(ctx context.Context) error { return r.swap(ctx, nil, true) }

func (r *Rebuild) swap(ctx context.Context, tail func(from uint64) iter.Seq2[[]Entry, error], back bool) error {
	switch {
	case r.done:
		return fmt.Errorf("swap rebuild: %w", errDone)
	case r.broken:
		return fmt.Errorf("swap rebuild: %w", errBroken)
	}
	m := r.models
	m.mu.Lock()
	defer m.mu.Unlock()
	before := r.beside.at
	live, err := r.try(ctx, tail, back)
	for errors.Is(err, ErrReaders) && ctx.Err() == nil {
		r.beside.forget(before)
		live, err = r.try(ctx, tail, back)
	}
	if err != nil {
		r.beside.forget(before)
		return fmt.Errorf("swap rebuild: %w", err)
	}
	r.done = true
	if r.chosen != nil {
		m.take(live)
		return nil
	}
	r.beside.side, r.beside.at = Live, live
	m.live, m.unsure = r.beside, false
	m.outdated.Store(false)
	return nil
}

// try is one try of a swap, in one transaction.
func (r *Rebuild) try(ctx context.Context, tail func(from uint64) iter.Seq2[[]Entry, error], back bool) (live Checkpoint, err error) {
	m, before, mark := r.models, r.beside.at, r.beside.mark
	defer func() {
		if err != nil { // the tail was not taken in
			r.beside.mark = mark
		}
	}()
	err = m.engine.Update(ctx, func(tx Tx) (err error) {
		// Also where the tail is empty, it must be this rebuild's tables that are swapped in.
		if err := tx.Advance(Beside, before, before); err != nil {
			return lost(err)
		}
		old, err := tx.Checkpoint(Live)
		if err != nil {
			return err
		}
		to := uint64(math.MaxUint64)
		if r.chosen != nil {
			to = old.Position
		}
		if err := r.applyTail(tx, tail, to); err != nil {
			return err
		}
		if r.chosen != nil {
			live, err = r.swapChosen(tx, old)
			return err
		}
		if old.Position > r.beside.at.Position && !back {
			return fmt.Errorf("%w: the live tables are at %d, the rebuild's log ends at %d", ErrOrder, old.Position, r.beside.at.Position)
		}
		if live, err = tx.Promote(m.set.tables); err != nil {
			return err
		}
		if err := r.beside.mark.put(tx); err != nil {
			return err
		}
		return tx.Forget(m.set.former)
	})
	return live, err
}

// swapChosen swaps the tables of the chosen projections, and takes over which streams are parked for them.
func (r *Rebuild) swapChosen(tx Tx, old Checkpoint) (Checkpoint, error) {
	if at := r.beside.at; old.Shape != at.Shape || old.Position != at.Position {
		return old, fmt.Errorf("%w: they are at %d, the rebuild is at %d", ErrCheckpointMoved, old.Position, at.Position)
	}
	if err := sameParkedForAll(tx); err != nil {
		return old, err
	}
	// Those of the chosen projections hold what the fold of then made of the log.
	if err := deleteSnapshots(tx); err != nil {
		return old, err
	}
	var parked []ParkedRow
	for _, p := range r.chosen {
		where := []Condition{{Column: "projection", Text: p.Name}}
		if err := tx.Delete(&parkedTable.Table, where); err != nil {
			return old, err
		}
		q := Query{Table: &parkedTable.Table, Where: where}
		err := Scan(tx.On(Beside), parkedTable, &q, func(row *ParkedRow) error {
			parked = append(parked, *row)
			return nil
		})
		if err != nil {
			return old, err
		}
	}
	row := record[ParkedRow]{columns: parkedTable.Row}
	err := tx.Put(Live, &parkedTable.Table, len(parked), func(i int) Row {
		row.row = &parked[i]
		return &row
	})
	if err != nil {
		return old, err
	}
	var tables []*Table
	for _, p := range r.chosen {
		tables = append(tables, engineTables(p.Tables)...)
	}
	live, err := tx.Promote(tables)
	if err != nil {
		return old, err
	}
	return live, tx.Drop(Beside, r.models.set.tables)
}

// applyTail folds the log behind the rebuild, up to a position.
func (r *Rebuild) applyTail(tx Tx, tail func(from uint64) iter.Seq2[[]Entry, error], to uint64) error {
	if tail == nil {
		return nil
	}
	f := r.beside
	f.set.source(tx.On(Beside))
	for batch, err := range tail(f.at.Position) {
		if err != nil {
			return err
		}
		beyond := slices.IndexFunc(batch, func(e Entry) bool { return e.Envelope.Position > to })
		if beyond >= 0 {
			batch = batch[:beyond]
		}
		for len(batch) > 0 {
			at, n, err := f.fold(f.at.Position, batch)
			if err != nil {
				return err
			}
			if err := tx.Advance(Beside, f.at, at); err != nil {
				return err
			}
			if err := f.set.write(tx, Beside); err != nil {
				return err
			}
			f.at, batch = at, batch[n:]
			f.set.settle()
		}
		if beyond >= 0 {
			break
		}
	}
	return nil
}

// Discard drops the rebuild's tables. After Swap it does nothing.
func (r *Rebuild) Discard(ctx context.Context) error {
	if r.done {
		return nil
	}
	err := r.models.engine.Update(ctx, func(tx Tx) error {
		if err := tx.Advance(Beside, r.beside.at, r.beside.at); err != nil {
			return lost(err)
		}
		if r.chosen == nil { // those there are were taken by this rebuild
			if err := deleteSnapshots(tx); err != nil {
				return err
			}
		}
		return tx.Drop(Beside, r.models.set.tables)
	})
	if err != nil && !errors.Is(err, ErrRebuildLost) {
		return fmt.Errorf("discard rebuild: %w", err)
	}
	// Tables that another rebuild took over are that one's.
	r.done = true
	return nil
}
