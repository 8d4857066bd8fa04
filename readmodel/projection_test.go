package readmodel

import (
	"fmt"
	"strings"
	"testing"
)

type thing struct {
	name string
	n    int64
}

func things(name string) *TableOf[string, thing] {
	return NewTable(name, TableOf[string, thing]{
		Key:   func(r *thing) string { return r.name },
		Fresh: func(name string, r *thing) { r.name = name },
		Row: []ColumnOf[thing]{
			Key(String("name", func(r *thing) *string { return &r.name })),
			Int("n", func(r *thing) *int64 { return &r.n }),
		},
	})
}

// nothing folds nothing, into no table or some.
func nothing(name string, tables ...AnyTable) Projection {
	return Projection{Name: name, Version: 1, Tables: tables, Bind: func(*WorkingSet) Fold { return func(*Fact) error { return nil } }}
}

// A mistake in a registration stops the start, and tells what it is. It must not show as parked streams.
func TestMistakesStopTheStart(t *testing.T) {
	t.Parallel()
	a := things("a")
	find := &Find[int]{Name: "the number of a fact"}
	uses := func(name string, bind func(w *WorkingSet)) Projection {
		p := nothing(name)
		p.Bind = func(w *WorkingSet) Fold { bind(w); return func(*Fact) error { return nil } }
		return p
	}
	for want, start := range map[string]func(){
		"table declared twice: a":                      func() { NewSet(nil, nothing("x", a), nothing("y", things("a"))) },
		"table declared twice: parked_streams":         func() { NewSet(nil, nothing("x", things("parked_streams"))) },
		"table declared twice: leases":                 func() { NewSet(nil, nothing("x", things("leases"))) },
		"two projections of the name x":                func() { NewSet(nil, nothing("x"), nothing("x")) },
		"two projections of the name all":              func() { NewSet(nil, nothing(Everything)) },
		`projection "x" lacks`:                         func() { NewSet(nil, Projection{Name: "x", Version: 1}) },
		"x folds into the table a, which is not among": func() { NewSet(nil, uses("x", func(w *WorkingSet) { a.In(w) })) },
		"y goes by the number of a fact, which no":     func() { NewSet(nil, uses("y", func(w *WorkingSet) { find.In(w) })) },
		"the number of a fact is offered by two": func() {
			NewSet(nil, uses("x", func(w *WorkingSet) { find.Offer(w) }), uses("y", func(w *WorkingSet) { find.Offer(w) }))
		},
		"table b lacks Key or Fresh": func() { NewTable("b", TableOf[string, thing]{}) },
		"table b has no key column":  func() { NewTable("b", TableOf[string, thing]{Key: a.Key, Fresh: a.Fresh, Row: a.Row[1:]}) },
		"table b has the column name twice": func() {
			NewTable("b", TableOf[string, thing]{Key: a.Key, Fresh: a.Fresh, Row: append(a.Row, a.Row[0])})
		},
		"key column of b does not come first: name": func() {
			NewTable("b", TableOf[string, thing]{Key: a.Key, Fresh: a.Fresh, Row: []ColumnOf[thing]{a.Row[1], a.Row[0]}})
		},
		"table b has no column unheard_of": func() {
			NewTable("b", TableOf[string, thing]{Key: a.Key, Fresh: a.Fresh, Row: a.Row, Table: Table{Cluster: "unheard_of"}})
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, want) {
					t.Errorf("it said %q, want %q", said, want)
				}
			}()
			start()
		})
	}
}

func TestShapeFollowsVersions(t *testing.T) {
	t.Parallel()
	before := []Projection{nothing("x", things("a")), nothing("y")}
	after := []Projection{nothing("x", things("a")), nothing("y")}
	if shapeOf(before) != shapeOf(after) {
		t.Error("the shape is not the same twice")
	}
	after[1].Version++
	if shapeOf(before) == shapeOf(after) {
		t.Error("a projection's new version does not change the shape")
	}
}

// Who goes by a projection's finds is known from the finds that it asks for.
func TestOnFollowsFinds(t *testing.T) {
	t.Parallel()
	find := &Find[int]{Name: "a number"}
	x, y, z := nothing("x"), nothing("y"), nothing("z")
	y.Bind = func(w *WorkingSet) Fold { find.Offer(w); return func(*Fact) error { return nil } }
	z.Bind = func(w *WorkingSet) Fold { find.In(w); return func(*Fact) error { return nil } }
	if s := NewSet(nil, x, y, z); s.on[0] != 0 || s.on[1] != 0 || s.on[2] != 1<<1 {
		t.Errorf("they go by %b, want z by y alone", s.on)
	}
}
