package postgres

import (
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/projections"
)

// The names that a person sees in the table of checkpoints.
var sideNames = [...]string{projections.Live: "read_models", projections.Beside: "rebuild"}

const checkpointTable = `CREATE TABLE IF NOT EXISTS projection_checkpoints (
	name text NOT NULL PRIMARY KEY,
	shape text NOT NULL,
	generation bigint NOT NULL,
	position bigint NOT NULL
)`

func tableName(t *projections.Table, side projections.Side) string {
	if side == projections.Beside {
		return t.Name + "_rebuild"
	}
	return t.Name
}

// Texts compare byte by byte, as in Go.
var columnTypes = [...]string{
	projections.Integer: "bigint", projections.Real: "double precision", projections.Text: `text COLLATE "C"`, projections.Blob: "bytea",
}

// The element types of the arrays that rows come in.
var elementTypes = [...]string{
	projections.Integer: "bigint", projections.Real: "double precision", projections.Text: "text", projections.Blob: "bytea",
}

func createSQL(t *projections.Table, side projections.Side) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", quote(tableName(t, side)))
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "\t%s %s", quote(c.Name), columnTypes[c.Type])
		if !c.Null {
			b.WriteString(" NOT NULL")
		}
		b.WriteString(",\n")
	}
	// A constraint's name is the schema's, and must not be in the way of the next rebuild's.
	fmt.Fprintf(&b, "\tPRIMARY KEY (%s)\n)", columnList(t.Columns[:t.Keys], ""))
	return b.String()
}

func columnList(columns []projections.Column, prefix string) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = prefix + quote(c.Name)
	}
	return strings.Join(names, ", ")
}

// indexes are those that a table has when it is read: its own, and one in the order that its rows were made in.
func indexes(t *projections.Table) []string {
	var all []string
	if t.Cluster != "" {
		all = append(all, fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s (%s)", quote(t.Name+"_by_"+t.Cluster), quote(t.Name), quote(t.Cluster)))
	}
	for _, i := range t.Indexes {
		names := make([]string, len(i.Columns))
		for n, c := range i.Columns {
			names[n] = quote(c)
		}
		all = append(all, fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s (%s)", quote(i.Name), quote(t.Name), strings.Join(names, ", ")))
	}
	return all
}

// putSQL writes rows, given as one array a column, over those of the same keys.
func putSQL(t *projections.Table, side projections.Side) string {
	arrays := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, elementTypes[c.Type])
	}
	set := make([]string, 0, len(t.Columns))
	for _, c := range t.Columns[t.Keys:] {
		set = append(set, fmt.Sprintf("%s = excluded.%s", quote(c.Name), quote(c.Name)))
	}
	update := "NOTHING"
	if len(set) > 0 {
		update = "UPDATE SET " + strings.Join(set, ", ")
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM unnest(%s) ON CONFLICT (%s) DO %s", quote(tableName(t, side)),
		columnList(t.Columns, ""), strings.Join(arrays, ", "), columnList(t.Columns[:t.Keys], ""), update)
}

var operators = [...]string{
	projections.Equal: "=", projections.NotEqual: "<>", projections.AtLeast: ">=", projections.Below: "<",
}

func whereSQL(where []projections.Condition) string {
	var b strings.Builder
	for i, c := range where {
		if i == 0 {
			b.WriteString(" WHERE ")
		} else {
			b.WriteString(" AND ")
		}
		fmt.Fprintf(&b, "%s %s $%d", quote(c.Column), operators[c.Op], i+1)
	}
	return b.String()
}

func selectSQL(q *projections.Query, side projections.Side) string {
	var b strings.Builder
	columns := columnList(q.Table.Columns, "")
	if q.Columns != nil {
		names := make([]string, len(q.Columns))
		for i, c := range q.Columns {
			names[i] = quote(c)
		}
		columns = strings.Join(names, ", ")
	}
	fmt.Fprintf(&b, "SELECT %s FROM %s%s", columns, quote(tableName(q.Table, side)), whereSQL(q.Where))
	for i, o := range q.Order {
		if i == 0 {
			b.WriteString(" ORDER BY ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(quote(o.Column))
		if o.Descending {
			b.WriteString(" DESC")
		}
	}
	if q.Limit > 0 {
		fmt.Fprintf(&b, " LIMIT %d", q.Limit)
	}
	return b.String()
}
