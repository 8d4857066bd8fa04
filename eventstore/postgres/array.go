package postgres

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"
)

// array builds a one-dimensional array in PostgreSQL's binary format, in memory that is used again for the next one:
// https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES and array_recv in its source.
type array struct {
	buf []byte
	n   uint32
}

// The header's fields: dimensions, whether there are nulls, the element's type, the length, the lower bound.
const arrayHeader = 20

// keptArray is how much memory is kept for the next array.
const keptArray = 4 << 20

func (a *array) begin(element uint32) {
	if a.n = 0; cap(a.buf) > keptArray {
		a.buf = nil
	}
	a.buf = append(a.buf[:0], make([]byte, arrayHeader)...)
	binary.BigEndian.PutUint32(a.buf[8:], element)
}

func (a *array) text(s string) {
	a.n++
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(len(s))) //nolint:gosec // names are bounded
	a.buf = append(a.buf, s...)
}

func (a *array) bytes(b []byte) {
	a.n++
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(len(b))) //nolint:gosec // data is bounded
	a.buf = append(a.buf, b...)
}

func (a *array) null() {
	a.n++
	a.buf[7] = 1
	a.buf = append(a.buf, 0xff, 0xff, 0xff, 0xff)
}

func (a *array) int64(v int64) {
	a.n++
	a.buf = append(a.buf, 0, 0, 0, 8)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(v))
}

func (a *array) int32(v int32) {
	a.n++
	a.buf = append(a.buf, 0, 0, 0, 4)
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(v))
}

// end is valid until the next begin.
func (a *array) end() []byte {
	if a.n == 0 { // an empty array has no dimension
		return a.buf[:12]
	}
	binary.BigEndian.PutUint32(a.buf, 1)
	binary.BigEndian.PutUint32(a.buf[12:], a.n)
	binary.BigEndian.PutUint32(a.buf[16:], 1)
	return a.buf
}

// The types of the insert's arrays, in the order of its columns.
var rowTypes = [...]uint32{
	pgtype.UUIDOID, pgtype.TextOID, pgtype.Int8OID, pgtype.TextOID, pgtype.Int4OID, pgtype.Int8OID, pgtype.UUIDOID,
	pgtype.TextOID, pgtype.TextOID, pgtype.TextOID, pgtype.TextOID,
}
