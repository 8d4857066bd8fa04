package readmodel

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Managed is what a manager remembers: the states of what it manages, each as JSON, as of a log position.
type Managed struct {
	// Version is that of the manager that wrote them.
	Version  int
	Position uint64
	States   map[string]string
}

type managedRow struct {
	manager, key, state string
}

// managerRow is a manager's own checkpoint.
type managerRow struct {
	manager  string
	version  int64
	position uint64
}

// managedTable and managerTable belong to no generation: a rebuild of the read models leaves the managers' states alone.
var managedTable = NewTable("manager_states", TableOf[[2]string, managedRow]{
	Key:   func(r *managedRow) [2]string { return [2]string{r.manager, r.key} },
	Fresh: func(k [2]string, r *managedRow) { r.manager, r.key = k[0], k[1] },
	Row: []ColumnOf[managedRow]{
		Key(String("manager", func(r *managedRow) *string { return &r.manager })),
		Key(String("key", func(r *managedRow) *string { return &r.key })),
		String("state", func(r *managedRow) *string { return &r.state }),
	},
})

var managerTable = NewTable("managers", TableOf[string, managerRow]{
	Key:   func(r *managerRow) string { return r.manager },
	Fresh: func(manager string, r *managerRow) { r.manager = manager },
	Row: []ColumnOf[managerRow]{
		Key(String("manager", func(r *managerRow) *string { return &r.manager })),
		Int("version", func(r *managerRow) *int64 { return &r.version }),
		Int("position", func(r *managerRow) *uint64 { return &r.position }),
	},
})

var managerTables = []*Table{&managedTable.Table, &managerTable.Table}

// Managed reads what a manager remembers. One that remembers nothing stands at position 0.
func (m *Models) Managed(ctx context.Context, manager string) (out Managed, err error) {
	out.States = make(map[string]string)
	err = m.engine.Update(ctx, func(tx Tx) error {
		clear(out.States)
		if err := tx.Ensure(managerTables); err != nil {
			return err
		}
		at := Query{Table: &managerTable.Table, Where: []Condition{{Column: "manager", Text: manager}}}
		err := Scan(tx.On(Live), managerTable, &at, func(row *managerRow) error {
			out.Version, out.Position = int(row.version), row.position
			return nil
		})
		if err != nil {
			return err
		}
		states := Query{Table: &managedTable.Table, Where: []Condition{{Column: "manager", Text: manager}}}
		return Scan(tx.On(Live), managedTable, &states, func(row *managedRow) error {
			out.States[row.key] = row.state
			return nil
		})
	})
	if err != nil {
		return out, fmt.Errorf("read the states of manager %s: %w", manager, err)
	}
	return out, nil
}

// SetManaged notes what changed in what a manager remembers: the states in changed, those of gone no more. Where anew is
// set, it remembers nothing else. It returns ErrFenced, and nothing was written, where a lease is given that is no longer
// the holder's.
func (m *Models) SetManaged(ctx context.Context, l *Lease, manager string, anew bool, changed Managed, gone []string) error {
	err := m.engine.Update(ctx, func(tx Tx) error {
		if err := l.check(tx); err != nil {
			return err
		}
		if err := tx.Ensure(managerTables); err != nil {
			return err
		}
		if anew {
			if err := tx.Delete(&managedTable.Table, []Condition{{Column: "manager", Text: manager}}); err != nil {
				return err
			}
		}
		for _, key := range gone {
			if err := tx.Delete(&managedTable.Table, []Condition{{Column: "manager", Text: manager}, {Column: "key", Text: key}}); err != nil {
				return err
			}
		}
		rows := make([]managedRow, 0, len(changed.States))
		for _, key := range slices.Sorted(maps.Keys(changed.States)) {
			rows = append(rows, managedRow{manager, key, changed.States[key]})
		}
		states := record[managedRow]{columns: managedTable.Row}
		err := tx.Put(Live, &managedTable.Table, len(rows), func(i int) Row {
			states.row = &rows[i]
			return &states
		})
		if err != nil {
			return err
		}
		at := record[managerRow]{columns: managerTable.Row, row: &managerRow{manager, int64(changed.Version), changed.Position}}
		return tx.Put(Live, &managerTable.Table, 1, func(int) Row { return &at })
	})
	if err != nil {
		return fmt.Errorf("note the states of manager %s: %w", manager, err)
	}
	return nil
}

// ForgetManaged forgets what all managers remember: they begin anew, from the log.
func (m *Models) ForgetManaged(ctx context.Context) error {
	err := m.engine.Update(ctx, func(tx Tx) error {
		if err := tx.Ensure(managerTables); err != nil {
			return err
		}
		for _, t := range managerTables {
			if err := tx.Delete(t, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget what managers remember: %w", err)
	}
	return nil
}
