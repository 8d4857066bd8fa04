package readmodel

import (
	"slices"
	"unsafe"
)

// Cache is the working set of one table: the rows that the fold works on, some kept from batch to batch. Of the clean
// ones it keeps those used last, by two generations: where the young one is full it becomes the old one, and the old
// one is forgotten. A row that has ended is forgotten when it has been written.
type Cache[K comparable, R any] struct {
	spec       *TableOf[K, R]
	from       Scanner
	young, old map[K]*Slot[R]
	dirty      []*Slot[R]
	// complete tells that the table holds no row that the cache doesn't, but for ended ones, so that a miss needs no look-up.
	complete bool
	// all are the rows in the order in which they came, as long as the cache is complete and its rows never end.
	all []*Slot[R]
	// changed are those of them that changed since the last snapshot.
	changed []*Slot[R]
	// last is the row found last, of lastKey: facts of a row come together.
	last    *Slot[R]
	lastKey K
	// free are rows to be used again.
	free  []*Slot[R]
	bytes int
	limit int
	// measured is how many of the dirty rows bytes counts already.
	measured int
	// epoch rises when rows are forgotten: who remembers where a row is must look again.
	epoch int
	// keys asks for one row by its key.
	keys Query
}

// Slot is a row in the working set.
type Slot[R any] struct {
	Row   R
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
	// write puts the changed rows, sorted.
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
	// working is held as it was found last, and what was read since: it costs nothing.
	working() int
	// ends tells that its rows end, of what table.
	ends() *Table
	// retire takes the changed rows that have ended out of the cache, to be written elsewhere.
	retire() retired
}

// retired are rows of one table that left the working set.
type retired interface {
	write(tx Tx, side Side) error
	// recycle gives them back to be used again. It belongs to the fold's goroutine.
	recycle()
}

func newCache[K comparable, R any](s *TableOf[K, R], limit int) *Cache[K, R] {
	c := &Cache[K, R]{spec: s, limit: limit, keys: byKey(&s.Table, s.Keys)}
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
func (w *where) Real(float64)     { panic("readmodel: no key column is a real") }
func (w *where) JSON([]byte)      { panic("readmodel: no key column is a list") }
func (w *where) Blob([]byte)      { panic("readmodel: no key column is a blob") }
func (w *where) Null()            { panic("readmodel: no key column may be null") }
func (w *where) Scratch() *[]byte { panic("readmodel: no key column is a list") }

func (c *Cache[K, R]) reset(from Scanner, complete bool) {
	c.from, c.complete = from, complete
	c.young, c.old, c.last = make(map[K]*Slot[R]), nil, nil
	c.all, c.changed, c.dirty, c.free, c.bytes, c.measured = nil, nil, nil, nil, 0, 0
	c.epoch++
}

func (c *Cache[K, R]) source(from Scanner) { c.from = from }

// Row is the row of a key, to be changed: one from the table, or a fresh one.
func (c *Cache[K, R]) Row(k K) (*R, error) {
	e, err := c.Slot(k)
	if err != nil {
		return nil, err
	}
	return &e.Row, nil
}

// Slot is where Row is, as long as the Epoch lasts.
func (c *Cache[K, R]) Slot(k K) (*Slot[R], error) {
	e, err := c.find(k)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return c.insert(k), nil
	}
	c.Touch(e)
	return e, nil
}

// Epoch rises when rows are forgotten: who remembers a Slot must ask for it again.
func (c *Cache[K, R]) Epoch() int { return c.epoch }

// Existing is the row of a key, to be changed, or nil where there is none.
func (c *Cache[K, R]) Existing(k K) (*R, error) {
	e, err := c.find(k)
	if e == nil || err != nil {
		return nil, err
	}
	c.Touch(e)
	return &e.Row, nil
}

// Look is the row of a key, not to be changed, also one that has ended and was forgotten; nil where there is none. It is good
// until the next fact.
func (c *Cache[K, R]) Look(k K) (*R, error) {
	e := c.young[k]
	if e == nil {
		e = c.old[k]
	}
	if e == nil && (!c.complete || c.spec.Ended != nil) {
		var err error
		if e, err = c.load(k); err != nil {
			return nil, err
		}
		if e != nil {
			c.bytes -= e.bytes // it is not kept
		}
	}
	if e == nil {
		return nil, nil
	}
	return &e.Row, nil
}

// Insert makes the row of a key that no row has yet. Its lists are empty, and may have room.
func (c *Cache[K, R]) Insert(k K) *R { return &c.insert(k).Row }

func (c *Cache[K, R]) insert(k K) *Slot[R] {
	var e *Slot[R]
	if n := len(c.free); n > 0 {
		e, c.free = c.free[n-1], c.free[:n-1]
	} else {
		e = &Slot[R]{}
	}
	c.spec.Fresh(k, &e.Row)
	c.lastKey = c.spec.Key(&e.Row)
	c.young[c.lastKey], c.last = e, e
	if c.complete && c.spec.Ended == nil {
		c.all = append(c.all, e)
	}
	c.Touch(e)
	return e
}

// Touch notes that a row changes.
func (c *Cache[K, R]) Touch(e *Slot[R]) {
	if c.complete && !e.changed && c.spec.Ended == nil {
		e.changed = true
		c.changed = append(c.changed, e)
	}
	if !e.dirty {
		e.dirty = true
		c.dirty = append(c.dirty, e)
	}
}

func (c *Cache[K, R]) find(k K) (*Slot[R], error) {
	if c.last != nil && c.lastKey == k {
		return c.last, nil
	}
	e := c.young[k]
	if e == nil {
		if e = c.old[k]; e != nil {
			delete(c.old, k)
			c.bytes += e.bytes
		} else if !c.complete {
			var err error
			if e, err = c.load(k); err != nil {
				return nil, err
			}
		}
		if e == nil {
			return nil, nil
		}
		k = c.spec.Key(&e.Row)
		c.young[k] = e
	}
	c.last, c.lastKey = e, c.spec.Key(&e.Row)
	return e, nil
}

func (c *Cache[K, R]) load(k K) (*Slot[R], error) {
	var probe R
	c.spec.Fresh(k, &probe)
	r := record[R]{columns: c.spec.Row, row: &probe}
	if err := r.Encode(c.spec.Keys, &where{q: &c.keys}); err != nil {
		return nil, err
	}
	var e *Slot[R]
	err := c.from.Scan(&c.keys, func(s Source) error {
		e = &Slot[R]{}
		return c.spec.decode(&e.Row, s)
	})
	if e == nil || err != nil {
		return nil, err
	}
	if c.spec.Loaded != nil {
		c.spec.Loaded(&e.Row)
	}
	e.bytes = c.size(e)
	c.bytes += e.bytes
	return e, nil
}

// overhead is about what a map's entry and the allocator add to a row.
const overhead = 64

func (c *Cache[K, R]) size(e *Slot[R]) int {
	n := int(unsafe.Sizeof(*e)) + overhead
	if c.spec.Weigh != nil {
		n += c.spec.Weigh(&e.Row)
	}
	return n
}

func (c *Cache[K, R]) write(tx Tx, side Side) error { return c.put(tx, side, c.dirty) }

// put writes rows in the order that their table is stored in, and leaves them in it.
func (c *Cache[K, R]) put(tx Tx, side Side, rows []*Slot[R]) error {
	if len(rows) == 0 {
		return nil
	}
	c.sort(rows)
	r := record[R]{columns: c.spec.Row}
	return tx.Put(side, &c.spec.Table, len(rows), func(i int) Row {
		r.row = &rows[i].Row
		return &r
	})
}

func (c *Cache[K, R]) sort(rows []*Slot[R]) {
	slices.SortFunc(rows, func(a, b *Slot[R]) int { return c.spec.compare(&a.Row, &b.Row) })
}

func (c *Cache[K, R]) ended(e *Slot[R]) bool { return c.spec.Ended != nil && c.spec.Ended(&e.Row) }

func (c *Cache[K, R]) ends() *Table {
	if c.spec.Ended == nil {
		return nil
	}
	return &c.spec.Table
}

// retiredRows are rows of a Cache.
type retiredRows[K comparable, R any] struct {
	cache *Cache[K, R]
	rows  []*Slot[R]
}

func (r retiredRows[K, R]) write(tx Tx, side Side) error { return r.cache.put(tx, side, r.rows) }

func (r retiredRows[K, R]) recycle() {
	for _, e := range r.rows {
		r.cache.recycle(e)
	}
}

// retire leaves the other rows where they are, changed as they are.
func (c *Cache[K, R]) retire() retired {
	open, gone := c.dirty[:0], retiredRows[K, R]{cache: c}
	for _, e := range c.dirty {
		if !c.ended(e) {
			open = append(open, e)
			continue
		}
		c.forget(e)
		gone.rows = append(gone.rows, e)
	}
	clear(c.dirty[len(open):])
	c.dirty, c.last, c.measured = open, nil, 0
	return gone
}

// forget takes a row of the young generation out of it.
func (c *Cache[K, R]) forget(e *Slot[R]) {
	delete(c.young, c.spec.Key(&e.Row))
	c.bytes -= e.bytes
}

func (c *Cache[K, R]) settle() {
	for _, e := range c.dirty {
		if c.ended(e) {
			c.forget(e)
			c.recycle(e)
			continue
		}
		n := c.size(e)
		c.bytes += n - e.bytes
		e.dirty, e.bytes = false, n
	}
	clear(c.dirty)
	c.dirty, c.last, c.measured = c.dirty[:0], nil, 0
	if c.bytes <= c.limit/2 {
		return
	}
	if len(c.old) > 0 {
		c.complete, c.all, c.changed = false, nil, nil
	}
	c.old, c.young, c.bytes = c.young, make(map[K]*Slot[R]), 0
	c.epoch++
}

// maxFree is the greatest number of rows kept to be used again.
const maxFree = 4096

func (c *Cache[K, R]) recycle(e *Slot[R]) {
	if c.spec.Reuse == nil || len(c.free) >= maxFree || !c.spec.Reuse(&e.Row) {
		return
	}
	e.dirty, e.changed, e.bytes = false, false, 0
	c.free = append(c.free, e)
}

func (c *Cache[K, R]) whole() bool { return c.complete || c.spec.packsNone() }

func (c *Cache[K, R]) pack(p *packer, written Scanner) error {
	if c.spec.packsNone() {
		return nil
	}
	p.begin(&c.spec.Table)
	defer p.end()
	if !c.complete {
		q := byKey(&c.spec.Table, 0)
		if q.Where = c.spec.Open; c.spec.Cluster != "" {
			q.Order = Ascending(c.spec.Cluster)
		}
		return p.scan(written, &q)
	}
	rows := c.all
	switch {
	case c.spec.Ended != nil:
		rows = nil
		for _, generation := range []map[K]*Slot[R]{c.young, c.old} {
			for _, e := range generation {
				if !c.ended(e) {
					rows = append(rows, e)
				}
			}
		}
		c.sort(rows)
	case p.base > 0:
		rows = c.changed
	}
	r := record[R]{columns: c.spec.Row}
	for _, e := range rows {
		r.row = &e.Row
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

func (c *Cache[K, R]) held() int {
	if c.spec.Ended != nil {
		// Rows that stay grow.
		c.measured = 0
	}
	for _, e := range c.dirty[c.measured:] {
		n := c.size(e)
		c.bytes += n - e.bytes
		e.bytes = n
	}
	c.measured = len(c.dirty)
	return c.bytes
}

func (c *Cache[K, R]) working() int { return c.bytes }
