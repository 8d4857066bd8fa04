package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/readmodel"
)

// note is a row of a table that belongs to no generation.
type note struct {
	name string
	n    int64
	body []byte
}

var notes = &readmodel.Table{
	Name: "enginetest_notes", Keys: 2,
	Columns: []readmodel.Column{
		{Name: "name", Type: readmodel.Text, Key: true}, {Name: "n", Type: readmodel.Integer, Key: true},
		{Name: "body", Type: readmodel.Blob},
	},
}

// Encode implements readmodel.Row.
func (r note) Encode(n int, s readmodel.Sink) error {
	s.Text(r.name)
	if n > 1 {
		s.Int(r.n)
	}
	if n > 2 {
		s.Blob(r.body)
	}
	return nil
}

func put(tx readmodel.Tx, rows ...note) error {
	return tx.Put(readmodel.Live, notes, len(rows), func(i int) readmodel.Row { return rows[i] })
}

func noted(t fataler, e readmodel.Engine) []note {
	t.Helper()
	s, err := e.Snapshot(context.Background())
	ok(t, err)
	defer s.Close()
	var all []note
	ok(t, s.Scan(&readmodel.Query{Table: notes, Order: []readmodel.Order{{Column: "name"}, {Column: "n"}}}, func(src readmodel.Source) error {
		all = append(all, note{src.Text(0), src.Int(1), src.Blob(2)})
		return nil
	}))
	return all
}

func sameNotes(t fataler, got, want []note) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b note) bool { return a.name == b.name && a.n == b.n && bytes.Equal(a.body, b.body) }) {
		t.Fatal(fmt.Sprintf("got %v, want %v", got, want))
	}
}

// tablesApart: tables that belong to no generation outlive rebuilds and restarts, hold any bytes, and rows of them can
// be deleted.
func tablesApart(t *testing.T, fresh func() Storage) {
	ctx := context.Background()
	storage := fresh()
	e := storage()
	m := open(t, e)
	ensure := func(e readmodel.Engine) {
		ok(t, e.Update(ctx, func(tx readmodel.Tx) error { return tx.Ensure([]*readmodel.Table{notes}) }))
	}
	ensure(e)
	ensure(e)
	all := []note{{"a", -1, []byte{0, 255, 10}}, {"a", 2, []byte{}}, {"b", 1, bytes.Repeat([]byte("x\x00"), 1<<16)}}
	ok(t, e.Update(ctx, func(tx readmodel.Tx) error { return put(tx, all...) }))
	sameNotes(t, noted(t, e), all)
	ok(t, e.Update(ctx, func(tx readmodel.Tx) error { return put(tx, note{"a", 2, []byte("new")}) }))
	all[1].body = []byte("new")

	r := begin(t, m)
	sameNotes(t, noted(t, e), all)
	ok(t, r.Swap(ctx, nil))
	ok(t, m.Sweep(ctx))
	sameNotes(t, noted(t, e), all)
	closing(t, m)
	e = storage()
	m = open(t, e)
	ensure(e)
	sameNotes(t, noted(t, e), all)

	remove := func(where ...readmodel.Condition) {
		ok(t, e.Update(ctx, func(tx readmodel.Tx) error { return tx.Delete(notes, where) }))
	}
	remove(readmodel.Condition{Column: "name", Text: "a"}, readmodel.Condition{Column: "n", Op: readmodel.Below, Int: 0})
	sameNotes(t, noted(t, e), all[1:])
	ok(t, e.Overwrite(ctx, []*readmodel.Table{notes, {Name: "never_made"}}))
	sameNotes(t, noted(t, e), all[1:])
	remove()
	sameNotes(t, noted(t, e), nil)
	closing(t, m)
}

// clock: an engine's clock runs on.
func clock(t *testing.T, fresh func() Storage) {
	m := fresh()()
	var before, after time.Time
	for _, at := range []*time.Time{&before, &after} {
		ok(t, m.Update(context.Background(), func(tx readmodel.Tx) (err error) { *at, err = tx.Now(); return err }))
	}
	if before.IsZero() || after.Before(before) {
		t.Fatalf("the clock went from %v to %v", before, after)
	}
	ok(t, m.Close())
}
