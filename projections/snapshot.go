package projections

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/zstd"
)

// snapshotKey is the key of projection_snapshots.
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
	shape    string
	rows     int64
	data     []byte
}

// snapshotTable belongs to no generation: what was true at a position stays true.
var snapshotTable = of("projection_snapshots", spec[snapshotKey, snapshotRow]{
	key: func(r *snapshotRow) snapshotKey { return snapshotKey{r.position, r.table, r.part} },
	fresh: func(k snapshotKey) snapshotRow {
		return snapshotRow{position: k.position, table: k.table, part: k.part}
	},
	weigh: func(r *snapshotRow) int { return len(r.data) },
	columns: []column[snapshotRow]{
		key(integer("position", func(r *snapshotRow) *uint64 { return &r.position })),
		key(symbol("table_name", func(r *snapshotRow) *string { return &r.table })),
		key(integer("part", func(r *snapshotRow) *int64 { return &r.part })),
		symbol("shape", func(r *snapshotRow) *string { return &r.shape }),
		integer("rows", func(r *snapshotRow) *int64 { return &r.rows }),
		blob("data", func(r *snapshotRow) *[]byte { return &r.data }),
	},
})

// partSize bounds the rows of a part, in bytes before they are compressed.
const partSize = 4 << 20

// snapshots tells when to take one. The zero value never does.
type snapshots struct {
	tables []*Table
	shape  string
	// every is how many events lie between two at least. In a long log it is a 64th of what lies before, so that all
	// snapshots together grow slower than the log.
	every int
	// last is where the last one was taken, once that is known.
	last  uint64
	known bool
}

// due tells whether a snapshot is to be taken behind a batch. Positions may have gaps: how many events lie between is
// estimated from the batch.
func (s *snapshots) due(last, before, after uint64, events int) bool {
	if s.every <= 0 || after <= before || after <= last {
		return false
	}
	density := float64(events) / float64(after-before)
	return float64(after-last)*density >= max(float64(s.every), float64(after)*density/64)
}

// taken takes a snapshot behind a batch of a side, all rows of which are written, if one is due.
func (s *snapshots) taken(tx Tx, side Side, before uint64, at Checkpoint, events int) error {
	if !s.due(s.last, before, at.Position, events) {
		return nil
	}
	if !s.known {
		var err error
		if s.last, err = latest(tx.On(Live), s.shape, at.Position); err != nil {
			return err
		}
		if s.known = true; !s.due(s.last, before, at.Position, events) {
			return nil
		}
	}
	// Where the transaction fails, the checkpoint is looked up again, and this with it.
	s.last = at.Position
	return take(tx, side, at, s.tables)
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

// take writes a snapshot of a side's tables, all rows of which are written.
func take(tx Tx, side Side, at Checkpoint, tables []*Table) error {
	p := &packer{tx: tx, at: at}
	from := tx.On(side)
	for _, t := range tables {
		if t.Settled != "" {
			continue
		}
		q := byKey(t, 0)
		if err := p.pack(from, &q); err != nil {
			return err
		}
		if err := p.flush(t); err != nil {
			return err
		}
	}
	return p.openRuns(from)
}

// packer packs rows into parts.
type packer struct {
	tx   Tx
	at   Checkpoint
	rows int64
	part int64
	b    []byte
}

// openRuns packs the runs that have not ended, with all their steps: of the settled tables' rows, only these change.
func (p *packer) openRuns(from Scanner) error {
	var open []string
	q := Query{Table: &runTable.Table, Where: only("outcome", Running), Order: ascending("first_position")}
	err := from.Scan(&q, func(src Source) error {
		open = append(open, src.Text(0))
		return p.row(&runTable.Table, src)
	})
	if err == nil {
		err = p.flush(&runTable.Table)
	}
	if err != nil {
		return err
	}
	steps := byKey(&stepTable.Table, 1)
	for _, run := range open {
		steps.Where[0].Text = run
		if err := p.pack(from, &steps); err != nil {
			return err
		}
	}
	return p.flush(&stepTable.Table)
}

func (p *packer) pack(from Scanner, q *Query) error {
	return from.Scan(q, func(src Source) error { return p.row(q.Table, src) })
}

// row packs the row that a scan of all columns is at.
func (p *packer) row(t *Table, src Source) error {
	p.rows++
	for i, c := range t.Columns {
		if c.Null {
			if src.Null(i) {
				p.b = append(p.b, 1)
				continue
			}
			p.b = append(p.b, 0)
		}
		switch c.Type {
		case Integer:
			p.b = binary.AppendVarint(p.b, src.Int(i))
		case Real:
			p.b = binary.BigEndian.AppendUint64(p.b, math.Float64bits(src.Real(i)))
		case Text:
			v := src.Symbol(i)
			p.b = append(binary.AppendUvarint(p.b, uint64(len(v))), v...)
		case Blob:
			v := src.Blob(i)
			p.b = append(binary.AppendUvarint(p.b, uint64(len(v))), v...)
		}
	}
	if len(p.b) < partSize {
		return nil
	}
	return p.write(t)
}

// flush ends a table.
func (p *packer) flush(t *Table) error {
	defer func() { p.part = 0 }()
	if p.rows == 0 {
		return nil
	}
	return p.write(t)
}

func (p *packer) write(t *Table) error {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	row := snapshotRow{position: p.at.Position, table: t.Name, part: p.part, shape: p.at.Shape, rows: p.rows, data: w.EncodeAll(p.b, nil)}
	r := record[snapshotRow]{columns: snapshotTable.columns, row: &row}
	p.part, p.rows, p.b = p.part+1, 0, p.b[:0]
	return p.tx.Put(Live, &snapshotTable.Table, 1, func(int) Row { return &r })
}

// errSnapshot tells that a snapshot is not what take wrote.
var errSnapshot = errors.New("a snapshot of the read models is damaged: delete it with `virtuous6 snapshots --delete`")

// unpack calls put with each table's rows of a part.
func unpack(row *snapshotRow, t *Table) (rows []memorySource, err error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := r.DecodeAll(row.data, nil)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errSnapshot, err)
	}
	u := unpacker{b: b}
	for range row.rows {
		values := make(memorySource, len(t.Columns))
		for i, c := range t.Columns {
			if c.Null && u.byte() == 1 {
				values[i].null = true
				continue
			}
			switch c.Type {
			case Integer:
				values[i].int = u.varint()
			case Real:
				values[i].real = math.Float64frombits(binary.BigEndian.Uint64(u.bytes(8)))
			case Text, Blob:
				values[i].text = string(u.bytes(u.uvarint()))
			}
		}
		if u.short {
			return nil, errSnapshot
		}
		rows = append(rows, values)
	}
	return rows, nil
}

// unpacker reads what a packer appended. short tells that there was too little.
type unpacker struct {
	b     []byte
	short bool
}

var zeros [8]byte

func (u *unpacker) bytes(n uint64) []byte {
	if n > uint64(len(u.b)) {
		u.short, u.b = true, nil
		return zeros[:min(n, 8)]
	}
	v := u.b[:n]
	u.b = u.b[n:]
	return v
}

func (u *unpacker) byte() byte { return u.bytes(1)[0] }

func (u *unpacker) varint() int64 {
	v, n := binary.Varint(u.b)
	u.bytes(uint64(max(n, 0)))
	u.short = u.short || n <= 0
	return v
}

func (u *unpacker) uvarint() uint64 {
	v, n := binary.Uvarint(u.b)
	u.bytes(uint64(max(n, 0)))
	u.short = u.short || n <= 0
	return v
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
	err = scan(s, snapshotTable, &q, func(row *snapshotRow) error {
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
