package projections

import (
	"slices"
	"unsafe"
)

// cache is the working set of one table: the rows that the fold works on, some kept from batch to batch. Of the clean
// ones it keeps those used last, by two generations: where the young one is full it becomes the old one, and the old
// one is forgotten.
type cache[K comparable, R any] struct {
	spec       *spec[K, R]
	from       Scanner
	young, old map[K]*cached[R]
	dirty      []*cached[R]
	// complete tells that the table holds no row that the cache doesn't, so that a miss needs no look-up.
	complete bool
	// all are the rows in the order in which they came, as long as the cache is complete.
	all []*cached[R]
	// changed are those of them that changed since the last snapshot.
	changed []*cached[R]
	bytes   int
	limit   int
	// measured is how many of the dirty rows bytes counts already.
	measured int
	// epoch rises when rows are forgotten: who remembers where a row is must look again.
	epoch int
	// keys asks for one row by its key.
	keys Query
}

// cached is a row in the working set.
type cached[R any] struct {
	row   R
	dirty bool
	// changed tells that it is among the changed ones.
	changed bool
	// bytes is what it counts for in its generation.
	bytes int
}

// member is a cache of any rows.
type member interface {
	// reset forgets everything. complete tells that the table is empty.
	reset(from Scanner, complete bool)
	// source changes where misses are looked up.
	source(from Scanner)
	// write puts the changed rows, sorted by key.
	write(tx Tx, side Side) error
	// settle makes all rows clean after a commit, and forgets those beyond the limit.
	settle()
	// pack packs what a snapshot keeps of the table: from memory where it is all there, else from what is written. In one
	// that builds on another, what has changed since that one is enough.
	pack(p *packer, written Scanner) error
	// whole tells that memory holds all of it.
	whole() bool
	// held is about how many bytes the rows take, the changed ones included.
	held() int
}

func newCache[K comparable, R any](s *spec[K, R], limit int) *cache[K, R] {
	c := &cache[K, R]{spec: s, limit: limit, keys: byKey(&s.Table, s.Keys)}
	c.reset(nil, false)
	return c
}

// byKey asks for the rows whose first n key columns are given, in key order.
func byKey(t *Table, n int) Query {
	q := Query{Table: t, Where: make([]Condition, n)}
	for i := range n {
		q.Where[i].Column = t.Columns[i].Name
	}
	for _, c := range t.Columns[n:t.Keys] {
		q.Order = append(q.Order, Order{Column: c.Name})
	}
	return q
}

// where is a Sink that makes the key of a row the condition of a query.
type where struct {
	q *Query
	n int
}

func (w *where) Text(v string)    { w.q.Where[w.n].Text = v; w.n++ }
func (w *where) Int(v int64)      { w.q.Where[w.n].Int = v; w.n++ }
func (w *where) Real(float64)     { panic("projections: no key column is a real") }
func (w *where) JSON([]byte)      { panic("projections: no key column is a list") }
func (w *where) Blob([]byte)      { panic("projections: no key column is a blob") }
func (w *where) Null()            { panic("projections: no key column may be null") }
func (w *where) Scratch() *[]byte { panic("projections: no key column is a list") }

func (c *cache[K, R]) reset(from Scanner, complete bool) {
	c.from, c.complete = from, complete
	c.young, c.old = make(map[K]*cached[R]), nil
	c.all, c.changed, c.dirty, c.bytes, c.measured = nil, nil, nil, 0, 0
	c.epoch++
}

func (c *cache[K, R]) source(from Scanner) { c.from = from }

// row is the row of a key, to be changed: one from the table, or a fresh one.
func (c *cache[K, R]) row(k K) (*R, error) {
	e, err := c.place(k)
	if err != nil {
		return nil, err
	}
	return &e.row, nil
}

// place is where row is, as long as the epoch lasts.
func (c *cache[K, R]) place(k K) (*cached[R], error) {
	e, err := c.find(k)
	if err != nil {
		return nil, err
	}
	if e == nil {
		e = c.insert(c.spec.fresh(k))
	}
	c.touch(e)
	return e, nil
}

// existing is the row of a key, to be changed, or nil where there is none.
func (c *cache[K, R]) existing(k K) (*R, error) {
	e, err := c.find(k)
	if e == nil || err != nil {
		return nil, err
	}
	c.touch(e)
	return &e.row, nil
}

// insert takes the row of a key that no row has yet.
func (c *cache[K, R]) insert(row R) *cached[R] {
	e := &cached[R]{row: row}
	c.young[c.spec.key(&e.row)] = e
	if c.complete {
		c.all = append(c.all, e)
	}
	c.touch(e)
	return e
}

func (c *cache[K, R]) touch(e *cached[R]) {
	if c.complete && !e.changed {
		e.changed = true
		c.changed = append(c.changed, e)
	}
	if !e.dirty {
		e.dirty = true
		c.dirty = append(c.dirty, e)
	}
}

func (c *cache[K, R]) find(k K) (*cached[R], error) {
	if e := c.young[k]; e != nil {
		return e, nil
	}
	if e := c.old[k]; e != nil {
		delete(c.old, k)
		c.young[k] = e
		c.bytes += e.bytes
		return e, nil
	}
	if c.complete {
		return nil, nil
	}
	probe := c.spec.fresh(k)
	r := record[R]{columns: c.spec.columns, row: &probe}
	if err := r.Encode(c.spec.Keys, &where{q: &c.keys}); err != nil {
		return nil, err
	}
	var e *cached[R]
	err := c.from.Scan(&c.keys, func(s Source) error {
		e = &cached[R]{}
		return c.spec.decode(&e.row, s)
	})
	if e == nil || err != nil {
		return nil, err
	}
	c.young[k] = e
	e.bytes = c.size(e)
	c.bytes += e.bytes
	return e, nil
}

// overhead is about what a map's entry and the allocator add to a row.
const overhead = 64

func (c *cache[K, R]) size(e *cached[R]) int {
	return int(unsafe.Sizeof(*e)) + overhead + c.spec.weigh(&e.row)
}

func (c *cache[K, R]) write(tx Tx, side Side) error {
	if len(c.dirty) == 0 {
		return nil
	}
	slices.SortFunc(c.dirty, func(a, b *cached[R]) int { return c.spec.compare(&a.row, &b.row) })
	r := record[R]{columns: c.spec.columns}
	return tx.Put(side, &c.spec.Table, len(c.dirty), func(i int) Row {
		r.row = &c.dirty[i].row
		return &r
	})
}

func (c *cache[K, R]) settle() {
	for _, e := range c.dirty {
		n := c.size(e)
		c.bytes += n - e.bytes
		e.dirty, e.bytes = false, n
	}
	clear(c.dirty)
	c.dirty, c.measured = c.dirty[:0], 0
	if c.bytes <= c.limit/2 {
		return
	}
	if len(c.old) > 0 {
		c.complete, c.all, c.changed = false, nil, nil
	}
	c.old, c.young, c.bytes = c.young, make(map[K]*cached[R]), 0
	c.epoch++
}

func (c *cache[K, R]) whole() bool { return c.complete || c.spec.Settled != "" }

func (c *cache[K, R]) pack(p *packer, written Scanner) error {
	if c.spec.Settled != "" {
		return nil
	}
	p.begin(&c.spec.Table)
	defer p.end()
	if !c.complete {
		q := byKey(&c.spec.Table, 0)
		return p.scan(written, &q)
	}
	rows := c.all
	if p.base > 0 {
		rows = c.changed
	}
	r := record[R]{columns: c.spec.columns}
	for _, e := range rows {
		r.row = &e.row
		if err := p.row(&r); err != nil {
			return err
		}
	}
	for _, e := range c.changed {
		e.changed = false
	}
	clear(c.changed)
	c.changed = c.changed[:0]
	return nil
}

func (c *cache[K, R]) held() int {
	for _, e := range c.dirty[c.measured:] {
		n := c.size(e)
		c.bytes += n - e.bytes
		e.bytes = n
	}
	c.measured = len(c.dirty)
	return c.bytes
}
