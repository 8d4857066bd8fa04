package readmodel

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Column is one column of a table as an engine sees it.
type Column struct {
	Name string
	Type ColumnType
	// Key columns come first, in the order of the primary key. Null ones may hold nothing.
	Key  bool
	Null bool
}

// Table is one table as an engine sees it. Wide columns stand last, so that a scan of the others leaves them alone.
type Table struct {
	Name    string
	Columns []Column
	// Keys is how many of the columns make up the primary key.
	Keys int
	// Cluster names an integer column that no two rows share and that rises from row to row as they are made. An
	// engine may store the rows in that order. Empty where there is none.
	Cluster string
	// Settled names the column that holds the position of a row's latest change, in a table of which few rows change for
	// long: one whose Settled is not above a position is as it was there. Snapshots leave such rows out.
	Settled string
	// Large tells that it may have as many rows as there are runs: a rebuild writes them long before it ends, or many at its
	// end.
	Large bool
	// Indexes are the secondary indexes that reading needs.
	Indexes []Index
}

// Type is the type of a column. It panics where there is none of that name: the queries are the program's own.
func (t *Table) Type(column string) ColumnType {
	for _, c := range t.Columns {
		if c.Name == column {
			return c.Type
		}
	}
	panic("readmodel: table " + t.Name + " has no column " + column)
}

// Index is a secondary index.
type Index struct {
	Name    string
	Columns []string
}

// Row is a row on its way into an engine: Encode gives the first n columns.
type Row interface {
	Encode(n int, s Sink) error
}

// TableOf is a table of rows R with the key K, as its projection sees it: the handle that its rows are folded and read by.
type TableOf[K comparable, R any] struct {
	Table
	// keys are those of the columns that doors show.
	keys []string
	// Row are the columns, those of the key first.
	Row []ColumnOf[R]
	Key func(*R) K
	// Fresh gives its key to the row of a key that no row has yet. For rows that are kept long it clones the key's texts:
	// those of a decoded fact may hold on to all of the fact's memory.
	Fresh func(K, *R)
	// Weigh is about how many bytes a row's texts and lists take in memory, nil for few.
	Weigh func(*R) int
	// Share is how many sixteenths of the memory for rows it gets; 0 means one.
	Share int
	// Ended tells that no fact changes a row any more: it is forgotten when it has been written. nil is never. Open tells
	// an engine the same of the rows that have not ended; there are none such in a Settled table without it.
	Ended func(*R) bool
	Open  []Condition
	// Loaded finds out what a row has in memory only, when it has been read again.
	Loaded func(*R)
	// Reuse empties a row that is forgotten but for the room of its lists, for another one. It is false where that would
	// keep too much.
	Reuse func(*R) bool
}

// NewTable finishes a table: the engine's view of it is derived from the columns. It panics where they can't be right.
func NewTable[K comparable, R any](name string, t TableOf[K, R]) *TableOf[K, R] {
	t.Name = name
	if t.Key == nil || t.Fresh == nil {
		panic("readmodel: table " + name + " lacks Key or Fresh")
	}
	seen := make(map[string]bool)
	for _, c := range t.Row {
		if seen[c.Name] {
			panic("readmodel: table " + name + " has the column " + c.Name + " twice")
		}
		seen[c.Name] = true
		if c.Column.Key {
			if t.Keys < len(t.Columns) {
				panic("readmodel: a key column of " + name + " does not come first: " + c.Name)
			}
			t.Keys++
		}
		t.Columns = append(t.Columns, c.Column)
		if c.Show != nil {
			t.keys = append(t.keys, cmp.Or(c.Shown, c.Name))
		}
	}
	if t.Keys == 0 {
		panic("readmodel: table " + name + " has no key column")
	}
	needed := []string{t.Cluster, t.Settled}
	for _, x := range t.Indexes {
		needed = append(needed, x.Columns...)
	}
	for _, column := range needed {
		if column != "" && !seen[column] {
			panic("readmodel: table " + name + " has no column " + column)
		}
	}
	return &t
}

// engineTable is the engine's view.
func (t *TableOf[K, R]) engineTable() *Table { return &t.Table }

// cacheIn makes the table's working set.
func (t *TableOf[K, R]) cacheIn(bytes int) member { return newCache(t, bytes/16*max(t.Share, 1)) }

// In is the table's working set. It panics where the projection that is bound does not list the table.
func (t *TableOf[K, R]) In(w *WorkingSet) *Cache[K, R] { return w.memberOf(&t.Table).(*Cache[K, R]) }

// packsNone tells that a snapshot holds none of the rows: they are as they were, in the table.
func (t *TableOf[K, R]) packsNone() bool { return t.Settled != "" && t.Open == nil }

// Names are those of the first n columns.
func (t *TableOf[K, R]) Names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = t.Row[i].Name
	}
	return names
}

// compare orders rows as an engine likes to store them: by the column that they are clustered by, or by their key.
func (t *TableOf[K, R]) compare(a, b *R) int {
	for i := range t.Row {
		switch c := &t.Row[i]; {
		case t.Cluster != "" && c.Name != t.Cluster:
		case t.Cluster == "" && i == t.Keys:
			return 0
		default:
			if d := c.Compare(a, b); d != 0 || t.Cluster != "" {
				return d
			}
		}
	}
	return 0
}

// decode reads a row whose columns were all asked for.
func (t *TableOf[K, R]) decode(r *R, src Source) error { return t.decodeSome(r, src, len(t.Row)) }

// decodeSome reads a row's first n columns.
func (t *TableOf[K, R]) decodeSome(r *R, src Source, n int) error {
	for i := range t.Row[:n] {
		if err := t.Row[i].Take(r, src, i); err != nil {
			return err
		}
	}
	return nil
}

// record is a Row that is moved from row to row.
type record[R any] struct {
	columns []ColumnOf[R]
	row     *R
}

// Encode implements Row.
func (r *record[R]) Encode(n int, s Sink) error {
	for i := range r.columns[:n] {
		if err := r.columns[i].Put(r.row, s); err != nil {
			return err
		}
	}
	return nil
}

// shapeOf fingerprints the tables and the versions of the projections that fill them. Read models of another shape
// are rebuilt.
func shapeOf(members []Projection) string {
	type table struct {
		Projection string
		Version    int
		Tables     []*Table
	}
	var all []table
	for _, p := range members {
		all = append(all, table{p.Name, p.Version, engineTables(p.Tables)})
	}
	all = append(all, table{"kept", 1, keptTables})
	b, err := json.Marshal(all)
	if err != nil {
		panic("a table's description can always be JSON: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
