package projections

import (
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
	panic("projections: table " + t.Name + " has no column " + column)
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

// spec is what the projections know of a table of rows R with the key K.
type spec[K comparable, R any] struct {
	Table
	columns []column[R]
	key     func(*R) K
	// fresh is the row of a key that no row has yet. For rows that are kept long it clones the key's texts: those of a
	// decoded fact may hold on to all of the fact's memory.
	fresh func(K) R
	// weigh is about how many bytes a row's texts and lists take in memory.
	weigh func(*R) int
}

// of finishes a spec: the engine's view of it is derived from the columns.
func of[K comparable, R any](name string, s spec[K, R]) *spec[K, R] {
	s.Name = name
	for _, c := range s.columns {
		if c.Key {
			if s.Keys < len(s.Columns) {
				panic("projections: a key column of " + name + " does not come first: " + c.Name)
			}
			s.Keys++
		}
		s.Columns = append(s.Columns, c.Column)
	}
	return &s
}

// table is the engine's view.
func (s *spec[K, R]) table() *Table { return &s.Table }

// names are those of the first n columns.
func (s *spec[K, R]) names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = s.columns[i].Name
	}
	return names
}

// compare orders rows by their key.
func (s *spec[K, R]) compare(a, b *R) int {
	for _, c := range s.columns[:s.Keys] {
		if d := c.compare(a, b); d != 0 {
			return d
		}
	}
	return 0
}

// decode reads a row whose columns were all asked for.
func (s *spec[K, R]) decode(r *R, src Source) error { return s.decodeSome(r, src, len(s.columns)) }

// decodeSome reads a row's first n columns.
func (s *spec[K, R]) decodeSome(r *R, src Source, n int) error {
	for i := range s.columns[:n] {
		if err := s.columns[i].take(r, src, i); err != nil {
			return err
		}
	}
	return nil
}

// record is a Row that is moved from row to row.
type record[R any] struct {
	columns []column[R]
	row     *R
}

// Encode implements Row.
func (r *record[R]) Encode(n int, s Sink) error {
	for i := range r.columns[:n] {
		if err := r.columns[i].put(r.row, s); err != nil {
			return err
		}
	}
	return nil
}

// shapeOf fingerprints the tables and the versions of the projections that fill them. Read models of another shape
// are rebuilt.
func shapeOf(members []projection) string {
	type table struct {
		Projection string
		Version    int
		Tables     []*Table
	}
	var all []table
	for _, p := range members {
		all = append(all, table{p.name, p.version, p.tables})
	}
	all = append(all, table{"kept", 1, keptTables})
	b, err := json.Marshal(all)
	if err != nil {
		panic("a table's description can always be JSON: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
