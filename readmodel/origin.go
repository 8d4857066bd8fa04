package readmodel

import (
	"context"
	"fmt"
)

// Origin is what read models were built from.
type Origin struct {
	// Log is the id of the log's first event. It is empty where that is not known yet.
	Log string
	// Built tells that they show the log as of a moment, and never go on from there.
	Built bool
}

type originRow struct {
	name  string
	log   string
	built bool
}

// originTable belongs to no generation: a rebuild notes it when it is done.
var originTable = NewTable("read_model_origin", TableOf[string, originRow]{
	Key:   func(r *originRow) string { return r.name },
	Fresh: func(name string, r *originRow) { r.name = name },
	Row: []ColumnOf[originRow]{
		Key(String("name", func(r *originRow) *string { return &r.name })),
		String("log", func(r *originRow) *string { return &r.log }),
		Bool("built", func(r *originRow) *bool { return &r.built }),
	},
})

// keptTables belong to no generation, and are there as soon as read models are. One whose columns change gets another name,
// and the old one is former: no swap puts another in its place.
var keptTables = []*Table{&snapshotTable.Table, &originTable.Table, &noticeTable.Table}

const originName = "read_models"

// Origin tells what the read models were built from, as it was noted last. It returns ErrOutdated for those of another
// shape.
func (m *Models) Origin(ctx context.Context) (o Origin, err error) {
	s, _, err := snapshot(ctx, m.engine, m.shape)
	if err != nil {
		return o, fmt.Errorf("read origin: %w", err)
	}
	defer s.Close()
	q := byKey(&originTable.Table, 0)
	err = Scan(s, originTable, &q, func(row *originRow) error {
		o = Origin{Log: row.log, Built: row.built}
		return nil
	})
	if err != nil {
		return o, fmt.Errorf("read origin: %w", err)
	}
	return o, nil
}

// SetOrigin notes what the read models were built from.
func (m *Models) SetOrigin(ctx context.Context, o Origin) error {
	err := m.engine.Update(ctx, func(tx Tx) error {
		if err := tx.Ensure([]*Table{&originTable.Table}); err != nil {
			return err
		}
		row := record[originRow]{columns: originTable.Row, row: &originRow{name: originName, log: o.Log, built: o.Built}}
		return tx.Put(Live, &originTable.Table, 1, func(int) Row { return &row })
	})
	if err != nil {
		return fmt.Errorf("note origin: %w", err)
	}
	return nil
}
