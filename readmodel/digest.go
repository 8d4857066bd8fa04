package readmodel

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"slices"
	"strings"
)

// TableDigest is the fingerprint of one table.
type TableDigest struct {
	Table string `json:"table"`
	Rows  int64  `json:"rows"`
	// SHA256 is over the rows in key order, in an encoding that is the same on every engine, in hex.
	SHA256 string `json:"sha256"`
}

// Digest is the fingerprint of the read models at a log position.
type Digest struct {
	Position uint64 `json:"position"`
	// Tables are in order of their names.
	Tables []TableDigest `json:"tables"`
	// SHA256 is over the tables' digests, in hex. The position is not part of it.
	SHA256 string `json:"sha256"`
}

// Digest is a fingerprint of every row, from one snapshot.
func (m *Models) Digest(ctx context.Context) (Digest, error) {
	s, at, err := snapshot(ctx, m.engine, m.shape)
	if err != nil {
		return Digest{}, fmt.Errorf("digest: %w", err)
	}
	defer s.Close()
	d := Digest{Position: at.Position}
	total := sha256.New()
	tables := slices.SortedFunc(slices.Values(m.set.tables), func(a, b *Table) int { return strings.Compare(a.Name, b.Name) })
	for _, t := range tables {
		td, err := digestTable(s, t)
		if err != nil {
			return Digest{}, fmt.Errorf("digest %s: %w", t.Name, err)
		}
		d.Tables = append(d.Tables, td)
		fmt.Fprintf(total, "%s %d %s\n", td.Table, td.Rows, td.SHA256)
	}
	d.SHA256 = hex.EncodeToString(total.Sum(nil))
	return d, nil
}

func digestTable(s Scanner, t *Table) (TableDigest, error) {
	d := TableDigest{Table: t.Name}
	q := byKey(t, 0)
	sum := hasher{Hash: sha256.New()}
	err := s.Scan(&q, func(src Source) error {
		d.Rows++
		for i, c := range t.Columns {
			switch {
			case c.Null && src.Null(i):
				sum.b = append(sum.b, 0)
			case c.Type == Integer:
				sum.b = binary.BigEndian.AppendUint64(append(sum.b, 1), uint64(src.Int(i)))
			case c.Type == Real:
				sum.b = binary.BigEndian.AppendUint64(append(sum.b, 2), math.Float64bits(src.Real(i)))
			case c.Type == Blob:
				v := src.Blob(i)
				sum.b = binary.BigEndian.AppendUint64(append(sum.b, 3), uint64(len(v)))
				sum.b = append(sum.b, v...)
			default:
				v := src.Symbol(i)
				sum.b = binary.BigEndian.AppendUint64(append(sum.b, 3), uint64(len(v)))
				sum.b = append(sum.b, v...)
			}
		}
		sum.flush(1 << 14)
		return nil
	})
	sum.flush(0)
	d.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return d, err
}

// hasher hashes in large pieces.
type hasher struct {
	hash.Hash
	b []byte
}

func (h *hasher) flush(above int) {
	if len(h.b) > above {
		h.Write(h.b)
		h.b = h.b[:0]
	}
}
