package readmodel

import (
	"context"
	"fmt"
	"math"
)

// snapshotKey is the key of read_model_snapshots.
type snapshotKey struct {
	position uint64
	table    string
	part     int64
}

// snapshotRow holds rows of one table as they were at a position. Rows that can't change any more are not in it: see
// Table.Settled.
type snapshotRow struct {
	position uint64
	table    string
	part     int64
	// base is the position of the snapshot that this one builds on: what it does not hold is as it was there. 0 is none.
	base  uint64
	shape string
	rows  int64
	data  []byte
}

// snapshotTable belongs to no generation: what was true at a position stays true.
var snapshotTable = NewTable("read_model_snapshots", TableOf[snapshotKey, snapshotRow]{
	Key:   func(r *snapshotRow) snapshotKey { return snapshotKey{r.position, r.table, r.part} },
	Fresh: func(k snapshotKey, r *snapshotRow) { r.position, r.table, r.part = k.position, k.table, k.part },
	Weigh: func(r *snapshotRow) int { return len(r.data) },
	Row: []ColumnOf[snapshotRow]{
		Key(Int("position", func(r *snapshotRow) *uint64 { return &r.position })),
		Key(Symbol("table_name", func(r *snapshotRow) *string { return &r.table })),
		Key(Int("part", func(r *snapshotRow) *int64 { return &r.part })),
		Int("base", func(r *snapshotRow) *uint64 { return &r.base }),
		Symbol("shape", func(r *snapshotRow) *string { return &r.shape }),
		Int("rows", func(r *snapshotRow) *int64 { return &r.rows }),
		Bytes("data", func(r *snapshotRow) *[]byte { return &r.data }),
	},
})

// partSize bounds the rows of a part, in bytes before they are compressed.
const partSize = 4 << 20

// snapshots tells when to take one. The zero value never does.
type snapshots struct {
	tables []*Table
	shape  string
	// every is how many events lie between two at least. In a long log it is a 32nd of what lies before, so that all
	// snapshots together grow slower than the log.
	every int
	// last is where the last one was taken, once that is known.
	last  uint64
	known bool
	// base is the last one that this folder took since its working set began, and links how many that builds on.
	base  uint64
	links int
}

// maxLinks bounds how many snapshots one builds on: a jump reads them all.
const maxLinks = 7

// begin begins to pack a snapshot. It builds on the last one, where that is this folder's own.
func (s *snapshots) begin(at Checkpoint) *packer {
	p := &packer{at: at}
	if s.base > 0 && s.base == s.last && s.links < maxLinks {
		p.base = s.base
		s.links++
	} else {
		s.links = 0
	}
	// Where the transaction fails, the checkpoint is looked up again, and all this with it.
	s.last, s.base = at.Position, at.Position
	return p
}

// due tells whether a snapshot is to be taken behind a batch. Positions may have gaps: how many events lie between is
// estimated from the batch.
func (s *snapshots) due(last, before, after uint64, events int) bool {
	if s.every <= 0 || after <= before || after <= last {
		return false
	}
	density := float64(events) / float64(after-before)
	return float64(after-last)*density >= max(float64(s.every), float64(after)*density/32)
}

// isDue is due, after a look at where the last one was taken, by this process or another.
func (s *snapshots) isDue(tx Tx, before, after uint64, events int) (bool, error) {
	if s.every > 0 && !s.known {
		var err error
		if s.last, err = latest(tx.On(Live), s.shape, after); err != nil {
			return false, err
		}
		s.known = true
	}
	return s.due(s.last, before, after, events), nil
}

// take takes a snapshot behind a batch of a side, if one is due. All rows of the working set are written.
func (s *snapshots) take(tx Tx, side Side, set *WorkingSet, before uint64, at Checkpoint, events int) error {
	due, err := s.isDue(tx, before, at.Position, events)
	if err != nil || !due {
		return err
	}
	p := s.begin(at)
	for _, m := range set.caches {
		if err := m.pack(p, tx.On(side)); err != nil {
			return err
		}
	}
	return p.put(tx)
}

// latest is the position of the last snapshot up to a position, 0 where there is none.
func latest(s Scanner, shape string, upTo uint64) (uint64, error) {
	var at uint64
	q := Query{
		Table: &snapshotTable.Table, Columns: []string{"position"}, Order: []Order{{Column: "position", Descending: true}}, Limit: 1,
		Where: []Condition{{Column: "shape", Text: shape}, {Column: "position", Op: Below, Int: int64(min(upTo, math.MaxInt64-1)) + 1}},
	}
	err := s.Scan(&q, func(src Source) error {
		at = uint64(src.Int(0))
		return nil
	})
	return at, err
}

// Snapshotted describes a snapshot of the read models.
type Snapshotted struct {
	Position uint64 `json:"position"`
	Rows     int64  `json:"rows"`
	// Bytes is what it takes in the engine.
	Bytes int64 `json:"bytes"`
	// Usable is false for those that another version took.
	Usable bool `json:"usable"`
}

// Snapshots lists the snapshots, by position.
func (m *Models) Snapshots(ctx context.Context) ([]Snapshotted, error) {
	s, _, err := snapshot(ctx, m.engine, m.shape)
	if err != nil {
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	defer s.Close()
	var all []Snapshotted
	q := byKey(&snapshotTable.Table, 0)
	err = Scan(s, snapshotTable, &q, func(row *snapshotRow) error {
		if n := len(all); n == 0 || all[n-1].Position != row.position {
			all = append(all, Snapshotted{Position: row.position})
		}
		last := &all[len(all)-1]
		last.Rows += row.rows
		last.Bytes += int64(len(row.data))
		last.Usable = row.shape == m.shape
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	return all, nil
}

// DeleteSnapshots deletes all snapshots. Nothing but time is lost: a look at a past position folds the log from its
// start.
func (m *Models) DeleteSnapshots(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.engine.Update(ctx, func(tx Tx) error { return tx.Delete(&snapshotTable.Table, nil) })
	if err != nil {
		return fmt.Errorf("delete snapshots: %w", err)
	}
	m.live.snapshots.known, m.live.snapshots.last = true, 0
	return nil
}
