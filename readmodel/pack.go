package readmodel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/klauspost/compress/s2"
)

// packer is a Sink that packs rows into parts, and compresses them.
type packer struct {
	at    Checkpoint
	base  uint64
	parts []snapshotRow
	// table, rows and b are of the part that is being packed; column is the next one.
	table   *Table
	rows    int64
	column  int
	b       []byte
	scratch []byte
}

// begin begins a table. end ends it.
func (p *packer) begin(t *Table) { p.table, p.column = t, 0 }

func (p *packer) end() {
	if p.rows > 0 {
		p.cut()
	}
}

func (p *packer) cut() {
	part := int64(0)
	if n := len(p.parts); n > 0 && p.parts[n-1].table == p.table.Name {
		part = p.parts[n-1].part + 1
	}
	p.parts = append(p.parts, snapshotRow{
		position: p.at.Position, table: p.table.Name, part: part, base: p.base, shape: p.at.Shape, rows: p.rows, data: s2.Encode(nil, p.b),
	})
	p.rows, p.b = 0, p.b[:0]
}

// row packs a row.
func (p *packer) row(r Row) error {
	if err := r.Encode(len(p.table.Columns), p); err != nil {
		return err
	}
	p.rows++
	p.column = 0
	if len(p.b) >= partSize {
		p.cut()
	}
	return nil
}

// scan packs the rows that a query for all columns finds.
func (p *packer) scan(from Scanner, q *Query) error {
	row := packedRow{table: q.Table}
	return from.Scan(q, func(src Source) error {
		row.source = src
		return p.row(&row)
	})
}

// next begins a column.
func (p *packer) next(null bool) {
	if p.table.Columns[p.column].Null {
		if null {
			p.b = append(p.b, 1)
		} else {
			p.b = append(p.b, 0)
		}
	}
	p.column++
}

// Int implements Sink.
func (p *packer) Int(v int64) {
	p.next(false)
	p.b = binary.AppendVarint(p.b, v)
}

// Real implements Sink.
func (p *packer) Real(v float64) {
	p.next(false)
	p.b = binary.BigEndian.AppendUint64(p.b, math.Float64bits(v))
}

// Text implements Sink.
func (p *packer) Text(v string) {
	p.next(false)
	p.b = append(binary.AppendUvarint(p.b, uint64(len(v))), v...)
}

// JSON implements Sink.
func (p *packer) JSON(v []byte) { p.Blob(v) }

// Blob implements Sink.
func (p *packer) Blob(v []byte) {
	p.next(false)
	p.b = append(binary.AppendUvarint(p.b, uint64(len(v))), v...)
}

// Null implements Sink.
func (p *packer) Null() { p.next(true) }

// Scratch implements Sink.
func (p *packer) Scratch() *[]byte { return &p.scratch }

// put writes the parts, unless somebody has deleted what they build on.
func (p *packer) put(tx Tx) error {
	if p.base > 0 {
		if at, err := latest(tx.On(Live), p.at.Shape, p.base); err != nil || at != p.base {
			return err
		}
	}
	// A rebuild and the live tables can both take one here, one of them in more parts.
	here := []Condition{{Column: "position", Int: int64(p.at.Position)}}
	if err := tx.Delete(&snapshotTable.Table, here); err != nil {
		return err
	}
	row := record[snapshotRow]{columns: snapshotTable.Row}
	return tx.Put(Live, &snapshotTable.Table, len(p.parts), func(i int) Row {
		row.row = &p.parts[i]
		return &row
	})
}

// packedRow is a Row that copies the columns of a Source.
type packedRow struct {
	table  *Table
	source Source
}

// Encode implements Row.
func (r *packedRow) Encode(n int, s Sink) error {
	for i, c := range r.table.Columns[:n] {
		switch {
		case c.Null && r.source.Null(i):
			s.Null()
		case c.Type == Integer:
			s.Int(r.source.Int(i))
		case c.Type == Real:
			s.Real(r.source.Real(i))
		case c.Type == Text:
			s.Text(r.source.Symbol(i))
		case c.Type == Blob:
			s.Blob(r.source.Blob(i))
		}
	}
	return nil
}

// errSnapshot tells that a snapshot is not what take wrote.
var errSnapshot = errors.New("a snapshot of the read models is damaged: delete it with `virtuous6 snapshots --delete`")

// unpack gives the rows of a part.
func unpack(row *snapshotRow, t *Table) (rows []memorySource, err error) {
	b, err := s2.Decode(nil, row.data)
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
