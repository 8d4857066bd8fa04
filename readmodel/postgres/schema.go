package postgres

import (
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/readmodel"
)

// The names that a person sees in the table of checkpoints.
var sideNames = [...]string{readmodel.Live: "read_models", readmodel.Beside: "rebuild"}

const checkpointTable = `CREATE TABLE IF NOT EXISTS projection_checkpoints (
	name text NOT NULL PRIMARY KEY,
	shape text NOT NULL,
	generation bigint NOT NULL,
	position bigint NOT NULL
)`

func tableName(t *readmodel.Table, side readmodel.Side) string {
	if side == readmodel.Beside {
		return t.Name + "_rebuild"
	}
	return t.Name
}

// Texts compare byte by byte, as in Go.
var columnTypes = [...]string{
	readmodel.Integer: "bigint", readmodel.Real: "double precision", readmodel.Text: `text COLLATE "C"`, readmodel.Blob: "bytea",
}

// The element types of the arrays that rows come in.
var elementTypes = [...]string{
	readmodel.Integer: "bigint", readmodel.Real: "double precision", readmodel.Text: "text", readmodel.Blob: "bytea",
}

// mark tells the read models' tables from another program's, which are never dropped.
const mark = "A read model of virtuous6: virtuous6 replay builds it from the log."

// late tells that a table beside gets its primary key and its indexes when its rows are there. For a small one, to alter it
// costs more than that saves.
func late(t *readmodel.Table) bool { return t.Large }

// createSQL makes a table.
func createSQL(t *readmodel.Table, side readmodel.Side) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (", quote(tableName(t, side)))
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n\t%s %s", quote(c.Name), columnTypes[c.Type])
		if !c.Null {
			b.WriteString(" NOT NULL")
		}
	}
	if side == readmodel.Live || !late(t) {
		fmt.Fprintf(&b, ",\n\t%s", primaryKey(t))
	}
	// To compress the texts of a run takes PostgreSQL longer than all else that it does with them; blobs are compressed.
	// Rows of up to a page stay in one piece.
	fmt.Fprintf(&b, "\n) WITH (toast_tuple_target = 8160);\nCOMMENT ON TABLE %s IS '%s';\n", quote(tableName(t, side)), mark)
	separator := "ALTER TABLE " + quote(tableName(t, side))
	for _, c := range t.Columns[t.Keys:] {
		if c.Type == readmodel.Text || c.Type == readmodel.Blob {
			fmt.Fprintf(&b, "%s ALTER COLUMN %s SET STORAGE EXTERNAL", separator, quote(c.Name))
			separator = ","
		}
	}
	if separator == "," {
		b.WriteString(";\n")
	}
	if side == readmodel.Live || !late(t) {
		b.WriteString(indexSQL(t, side))
	}
	return b.String()
}

func primaryKey(t *readmodel.Table) string {
	return "PRIMARY KEY (" + columnList(t.Columns[:t.Keys]) + ")"
}

// keySQL gives a late table beside its primary key, if it has none. It may be run by several at the same time.
func keySQL(t *readmodel.Table) string {
	name := quote(tableName(t, readmodel.Beside))
	return fmt.Sprintf(`DO $do$ BEGIN
	LOCK TABLE %[1]s IN ACCESS EXCLUSIVE MODE;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = '%[1]s'::regclass AND contype = 'p') THEN
		ALTER TABLE %[1]s ADD %[2]s;
	END IF;
END $do$;
`, name, primaryKey(t))
}

func columnList(columns []readmodel.Column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.Name)
	}
	return strings.Join(names, ", ")
}

// indexes are a table's own, and one in the order that its rows were made in.
func indexes(t *readmodel.Table) []readmodel.Index {
	if t.Cluster == "" {
		return t.Indexes
	}
	return append([]readmodel.Index{{Name: t.Name + "_by_" + t.Cluster, Columns: []string{t.Cluster}}}, t.Indexes...)
}

func indexName(i readmodel.Index, side readmodel.Side) string {
	if side == readmodel.Beside {
		return quote(i.Name + "_rebuild")
	}
	return quote(i.Name)
}

// indexSQL makes a table's indexes. Those beside may be there already.
func indexSQL(t *readmodel.Table, side readmodel.Side) string {
	var b strings.Builder
	create := "CREATE INDEX"
	if side == readmodel.Beside {
		create = "CREATE INDEX IF NOT EXISTS"
	}
	for _, i := range indexes(t) {
		names := make([]string, len(i.Columns))
		for n, c := range i.Columns {
			names[n] = quote(c)
		}
		fmt.Fprintf(&b, "%s %s ON %s (%s);\n", create, indexName(i, side), quote(tableName(t, side)), strings.Join(names, ", "))
	}
	return b.String()
}

// analyzeSQL looks at a few thousand rows of a table beside: enough to tell a column of one value from one of many.
func analyzeSQL(t *readmodel.Table) string {
	return "SET LOCAL default_statistics_target = 10; ANALYZE " + quote(tableName(t, readmodel.Beside)) + ";"
}

// promoteSQL puts a table beside in the live one's place.
func promoteSQL(t *readmodel.Table) string {
	var b strings.Builder
	live, beside := quote(t.Name), quote(tableName(t, readmodel.Beside))
	fmt.Fprintf(&b, "DROP TABLE IF EXISTS %s;\nALTER TABLE %s RENAME TO %s;\n", live, beside, live)
	fmt.Fprintf(&b, "ALTER INDEX %s RENAME TO %s;\n", quote(tableName(t, readmodel.Beside)+"_pkey"), quote(t.Name+"_pkey"))
	for _, i := range indexes(t) {
		fmt.Fprintf(&b, "ALTER INDEX %s RENAME TO %s;\n", indexName(i, readmodel.Beside), indexName(i, readmodel.Live))
	}
	return b.String()
}

// putSQL writes rows, given as one array a column, over those of the same keys.
func putSQL(t *readmodel.Table, side readmodel.Side) string {
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
		columnList(t.Columns), strings.Join(arrays, ", "), columnList(t.Columns[:t.Keys]), update)
}

var operators = [...]string{
	readmodel.Equal: "=", readmodel.NotEqual: "<>", readmodel.AtLeast: ">=", readmodel.Below: "<",
}

func whereSQL(where []readmodel.Condition) string {
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

func selectSQL(q *readmodel.Query, side readmodel.Side) string {
	var b strings.Builder
	columns := columnList(q.Table.Columns)
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
