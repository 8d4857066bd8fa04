package readmodel

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// Fold takes a fact into the working set that it was bound to. An error that wraps ErrDamaged parks the fact's stream for
// the projection; any other one must be the engine's.
type Fold func(f *Fact) error

// Projection is a pure fold from facts to rows.
type Projection struct {
	Name string
	// Version rises when the fold changes: the read models are then rebuilt.
	Version int
	Tables  []AnyTable
	// Lists are those that every door shows, of its tables.
	Lists []List
	// Bind makes the fold into a working set: it asks it for the tables, and for what projections before it find out.
	Bind func(w *WorkingSet) Fold
}

// AnyTable is a TableOf any rows.
type AnyTable interface {
	engineTable() *Table
	cacheIn(bytes int) member
}

// Fact is an entry of the log on its way through the projections.
type Fact struct {
	*Entry
	// When it occurred, as a column holds it: zero where that is not known.
	When time.Time
	// ID is what the stream's aggregate is called in its workspace.
	ID, Workspace string
}

// Damaged tells why a fact can't follow those before it.
func Damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// Opens checks that the stream's first fact names the stream's own id, and really is the first.
func (f *Fact) Opens(id string) error {
	if id != f.ID {
		return Damaged("it names %q, another than its stream", id)
	}
	if f.Envelope.Revision != 0 {
		return Damaged("it stands at revision %d, and only ever opens a stream", f.Envelope.Revision)
	}
	return nil
}

// Find is what one projection finds out about a fact for those behind it. Where the one can't fold a stream, they can't.
type Find[T any] struct {
	// Name is for the message to who forgot it.
	Name string
}

// Offer is the find in a working set, for the projection that fills it anew at each fact.
func (d *Find[T]) Offer(w *WorkingSet) *T {
	if _, twice := w.finds[d]; twice {
		panic("readmodel: " + d.Name + " is offered by two projections")
	}
	v := new(T)
	w.finds[d] = found{value: v, by: w.binding}
	return v
}

// In is the find in a working set. It panics where no projection before offers it.
func (d *Find[T]) In(w *WorkingSet) *T {
	v, ok := w.finds[d]
	if !ok {
		panic(fmt.Sprintf("readmodel: the projection %s goes by %s, which no projection before it offers", w.members[w.binding].Name, d.Name))
	}
	w.on[w.binding] |= 1<<v.by | w.on[v.by]
	return v.value.(*T)
}

type found struct {
	value any
	by    int
}

// Set is projections, in the order in which a fact passes through them.
type Set struct {
	members []Projection
	// tables are those of all, and that of the parked streams.
	tables []*Table
	shape  string
	lists  []List
	former []string
	// on are the sets of projections, by their place, whose finds each goes by.
	on []uint64
}

// NewSet registers projections, and the tables that earlier versions of the program had: a swap drops those. It panics
// where a name or a table is there twice, or where a projection asks for what nobody has: no fact must find that out.
func NewSet(former []string, members ...Projection) *Set {
	s := &Set{members: members, former: former, tables: tablesOf(members), shape: shapeOf(members)}
	if len(members) >= 63 {
		panic("readmodel: there are more than 62 projections")
	}
	names, lists := map[string]bool{Everything: true}, make(map[string]bool)
	for _, p := range members {
		switch {
		case p.Name == "" || p.Version < 1 || p.Bind == nil:
			panic(fmt.Sprintf("readmodel: projection %q lacks its Name, its Version from 1, or Bind", p.Name))
		case names[p.Name]:
			panic("readmodel: there are two projections of the name " + p.Name)
		}
		names[p.Name] = true
		for _, l := range p.Lists {
			switch {
			case l.read == nil:
				panic(fmt.Sprintf("readmodel: the list %q of %s is of no table: make it by TableOf.List", l.Name, p.Name))
			case !slices.Contains(engineTables(p.Tables), l.table):
				panic(fmt.Sprintf("readmodel: the projection %s lists %s, which is not among its Tables", p.Name, l.table.Name))
			case lists[l.Name]:
				panic("readmodel: there are two lists of the name " + l.Name)
			}
			lists[l.Name] = true
			s.lists = append(s.lists, l)
		}
	}
	s.on = newWorkingSet(0, members).on
	return s
}

// Lists are those that every door shows.
func (s *Set) Lists() []List { return s.lists }

// engineTables are the engine's views.
func engineTables(tables []AnyTable) []*Table {
	all := make([]*Table, len(tables))
	for i, t := range tables {
		all[i] = t.engineTable()
	}
	return all
}

// tablesOf lists the tables of projections and that of their parked streams, and panics where two of them have the same.
func tablesOf(members []Projection) []*Table {
	var tables []*Table
	names := map[string]bool{parkedTable.Name: true, leaseTable.Name: true, managedTable.Name: true, managerTable.Name: true}
	for _, t := range keptTables {
		names[t.Name] = true
	}
	for _, p := range members {
		for _, t := range engineTables(p.Tables) {
			if names[t.Name] {
				panic("readmodel: table declared twice: " + t.Name)
			}
			names[t.Name] = true
			tables = append(tables, t)
		}
	}
	return append(tables, parkedTable.engineTable())
}

// WorkingSet is what a fold keeps in memory: one cache a table.
type WorkingSet struct {
	// Bytes is about how much memory the rows may take.
	Bytes   int
	members []Projection
	folds   []Fold
	// on are the sets of projections, by their place, whose finds each goes by.
	on      []uint64
	caches  []member
	tables  map[*Table]member
	finds   map[any]found
	binding int
	parked  *parking
}

// newWorkingSet binds projections.
func newWorkingSet(bytes int, members []Projection) *WorkingSet {
	w := &WorkingSet{
		Bytes: bytes, members: members, on: make([]uint64, len(members)), tables: make(map[*Table]member), finds: make(map[any]found),
		parked: newParking(members),
	}
	for i, p := range members {
		w.binding = i
		for _, t := range p.Tables {
			c := t.cacheIn(bytes)
			w.caches, w.tables[t.engineTable()] = append(w.caches, c), c
		}
		w.folds = append(w.folds, p.Bind(w))
	}
	w.caches = append(w.caches, w.parked)
	return w
}

func (w *WorkingSet) memberOf(t *Table) member {
	p := &w.members[w.binding]
	if !slices.ContainsFunc(p.Tables, func(own AnyTable) bool { return own.engineTable() == t }) {
		panic(fmt.Sprintf("readmodel: the projection %s folds into the table %s, which is not among its Tables", p.Name, t.Name))
	}
	return w.tables[t]
}

// reset forgets all rows. empty tells that the tables hold none.
func (w *WorkingSet) reset(from Scanner, empty bool) {
	for _, m := range w.caches {
		m.reset(from, empty)
	}
}

func (w *WorkingSet) source(from Scanner) {
	for _, m := range w.caches {
		m.source(from)
	}
}

func (w *WorkingSet) write(tx Tx, side Side) error {
	for _, m := range w.caches {
		if err := m.write(tx, side); err != nil {
			return err
		}
	}
	return nil
}

func (w *WorkingSet) settle() {
	for _, m := range w.caches {
		m.settle()
	}
}

func (w *WorkingSet) whole() bool {
	for _, m := range w.caches {
		if !m.whole() {
			return false
		}
	}
	return true
}

func (w *WorkingSet) held() int {
	n := 0
	for _, m := range w.caches {
		n += m.held()
	}
	return n
}

func (w *WorkingSet) working() int {
	n := 0
	for _, m := range w.caches {
		n += m.working()
	}
	return n
}

// apply folds one entry into every projection. What a projection can't fold parks the fact's stream for it, and for
// those that build on it; the others go on. An error is the engine's.
func (w *WorkingSet) apply(f *Fact) error {
	_, f.Workspace, f.ID = events.SplitStream(f.Envelope.Stream)
	parked, err := w.parked.of(f.Envelope.Stream)
	if err != nil {
		return err
	}
	if parked != 0 {
		if err := w.parked.wait(f, parked); err != nil {
			return err
		}
	}
	if parked&everything != 0 {
		return nil
	}
	if f.Err != nil {
		return w.parked.park(f, Everything, f.Err)
	}
	for i := 0; i < len(w.folds); i++ {
		i, err = w.fold(f, i, parked)
		switch {
		case err == nil:
		case errors.Is(err, ErrDamaged):
			parked |= 1 << i
			if err := w.parked.park(f, w.members[i].Name, err); err != nil {
				return err
			}
		default:
			at := &f.Envelope
			return fmt.Errorf("projection %s: %s at position %d (stream %s): %w", w.members[i].Name, at.Kind, at.Position, at.Stream, err)
		}
	}
	return nil
}

// fold lets the projections from one on fold a fact, but for those whose stream is parked. It stops at the first that
// can't, and returns its place. A projection that panics has met a history that it was not made for.
func (w *WorkingSet) fold(f *Fact, i int, parked uint64) (at int, err error) {
	defer func() {
		if r := recover(); r != nil {
			at, err = i, Damaged("the projection panicked: %v", r)
		}
	}()
	for ; i < len(w.folds); i++ {
		if parked != 0 && parked&(1<<i|w.on[i]) != 0 {
			continue
		}
		if err := w.folds[i](f); err != nil {
			return i, err
		}
	}
	return i, nil
}
