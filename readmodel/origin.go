package readmodel

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/events"
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

// Mark is the fact that the read models have seen last. The log has it as long as it is the one that they were folded from.
type Mark struct {
	Position uint64
	// Stream and Revision are where it stands; Stream is empty where nothing was seen yet.
	Stream   string
	Revision uint64
	// OccurredAt tells it from another one there, to the nanosecond. The fold does not read ids.
	OccurredAt int64
}

// MarkOf is the mark that a fact leaves.
func MarkOf(e *events.Envelope) Mark {
	return Mark{Position: e.Position, Stream: e.Stream, Revision: e.Revision, OccurredAt: UnixNanos(e.OccurredAt)}
}

type markRow struct {
	name string
	Mark
}

// markTable belongs to no generation: it moves in the transaction that moves the live checkpoint.
var markTable = NewTable("read_model_mark", TableOf[string, markRow]{
	Key:   func(r *markRow) string { return r.name },
	Fresh: func(name string, r *markRow) { r.name = name },
	Row: []ColumnOf[markRow]{
		Key(String("name", func(r *markRow) *string { return &r.name })),
		Int("position", func(r *markRow) *uint64 { return &r.Position }),
		String("stream", func(r *markRow) *string { return &r.Stream }),
		Int("revision", func(r *markRow) *uint64 { return &r.Revision }),
		Int("occurred_at", func(r *markRow) *int64 { return &r.OccurredAt }),
	},
})

// put notes the fact that the live tables have seen last.
func (k Mark) put(tx Tx) error {
	row := record[markRow]{columns: markTable.Row, row: &markRow{originName, k}}
	return tx.Put(Live, &markTable.Table, 1, func(int) Row { return &row })
}

// Mark is the fact that the read models have seen last. It returns ErrOutdated for those of another shape.
func (m *Models) Mark(ctx context.Context) (k Mark, err error) {
	s, _, err := snapshot(ctx, m.engine, m.shape)
	if err != nil {
		return k, fmt.Errorf("read mark: %w", err)
	}
	defer s.Close()
	q := byKey(&markTable.Table, 0)
	err = Scan(s, markTable, &q, func(row *markRow) error {
		k = row.Mark
		return nil
	})
	if err != nil {
		return k, fmt.Errorf("read mark: %w", err)
	}
	return k, nil
}

// keptTables belong to no generation, and are there as soon as read models are. One whose columns change gets another name,
// and the old one is former: no swap puts another in its place.
var keptTables = []*Table{&snapshotTable.Table, &originTable.Table, &markTable.Table, &noticeTable.Table}

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
