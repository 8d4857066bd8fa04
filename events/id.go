package events

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// DeriveID makes the UUIDv7 of the index-th thing that parent causes: parent's time, the rest from SHA-256. The same
// cause gives the same id, so that a repeat after a crash is recognised instead of stored twice.
func DeriveID(parent uuid.UUID, index int) uuid.UUID {
	var b [24]byte
	copy(b[:16], parent[:])
	binary.BigEndian.PutUint64(b[16:], uint64(index))
	id := seal(sha256.Sum256(b[:]))
	copy(id[:6], parent[:6])
	return id
}

// NameID makes the UUIDv7 of something that has a name of its own, such as a record in a file: at's milliseconds, the
// rest from SHA-256 of the name.
func NameID(at time.Time, name string) uuid.UUID {
	id := seal(sha256.Sum256([]byte(name)))
	ms := uint64(max(at.UnixMilli(), 0))
	id[0], id[1], id[2] = byte(ms>>40), byte(ms>>32), byte(ms>>24)
	id[3], id[4], id[5] = byte(ms>>16), byte(ms>>8), byte(ms)
	return id
}

// seal puts version 7 and RFC 9562's variant over the digest's first 16 bytes.
func seal(digest [sha256.Size]byte) (id uuid.UUID) {
	copy(id[:], digest[:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}
