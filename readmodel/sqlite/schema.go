package sqlite

import (
	"context"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/readmodel"
)

// The names that a person sees in the table of checkpoints.
var sideNames = [...]string{readmodel.Live: "read_models", readmodel.Beside: "rebuild"}

const checkpointTable = `CREATE TABLE IF NOT EXISTS projection_checkpoints (
	name TEXT NOT NULL PRIMARY KEY,
	shape TEXT NOT NULL,
	generation INTEGER NOT NULL,
	position INTEGER NOT NULL
) STRICT, WITHOUT ROWID`

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func tableName(t *readmodel.Table, side readmodel.Side) string {
	if side == readmodel.Beside {
		return t.Name + "_rebuild"
	}
	return t.Name
}

var columnTypes = [...]string{readmodel.Integer: "INTEGER", readmodel.Real: "REAL", readmodel.Text: "TEXT", readmodel.Blob: "BLOB"}

// createSQL makes a table. One with a column to cluster by is stored in that order, which makes a new row an append;
// its key is then a unique index. The others are stored in key order.
func createSQL(t *readmodel.Table, side readmodel.Side) string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + quote(tableName(t, side)) + " (\n")
	var keys []string
	for _, c := range t.Columns {
		b.WriteString("\t" + quote(c.Name) + " " + columnTypes[c.Type])
		if !c.Null {
			b.WriteString(" NOT NULL")
		}
		if c.Name == t.Cluster {
			b.WriteString(" PRIMARY KEY")
		}
		b.WriteString(",\n")
		if c.Key {
			keys = append(keys, quote(c.Name))
		}
	}
	list := " (" + strings.Join(keys, ", ") + ")\n) STRICT"
	if t.Cluster != "" {
		b.WriteString("\tUNIQUE" + list)
	} else {
		b.WriteString("\tPRIMARY KEY" + list + ", WITHOUT ROWID")
	}
	return b.String()
}

func indexSQL(t *readmodel.Table, i readmodel.Index) string {
	columns := make([]string, len(i.Columns))
	for n, c := range i.Columns {
		columns[n] = quote(c)
	}
	return "CREATE INDEX " + quote(i.Name) + " ON " + quote(t.Name) + " (" + strings.Join(columns, ", ") + ")"
}

// putSQL writes rows over those of the same keys.
func putSQL(t *readmodel.Table, side readmodel.Side, rows int) string {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = quote(c.Name)
	}
	row := "(" + strings.Repeat("?, ", len(columns)-1) + "?)"
	return "REPLACE INTO " + quote(tableName(t, side)) + " (" + strings.Join(columns, ", ") + ") VALUES " +
		strings.Repeat(row+", ", rows-1) + row
}

// checkpoint reads a side's checkpoint, the zero one where the side has no tables.
func (c *connection) checkpoint(ctx context.Context, side readmodel.Side) (readmodel.Checkpoint, error) {
	var at readmodel.Checkpoint
	made, err := c.exists(ctx, "projection_checkpoints")
	if err != nil || !made {
		return at, err
	}
	err = sqlitex.Execute(c.Conn, "SELECT shape, generation, position FROM projection_checkpoints WHERE name = ?",
		&sqlitex.ExecOptions{
			Args: []any{sideNames[side]},
			ResultFunc: func(s *sqlite.Stmt) error {
				at = readmodel.Checkpoint{Shape: s.ColumnText(0), Generation: s.ColumnInt64(1), Position: uint64(s.ColumnInt64(2))}
				return nil
			},
		})
	return at, c.engine.explain(ctx, err)
}

// exists tells whether there is a table of a name.
func (c *connection) exists(ctx context.Context, table string) (bool, error) {
	made := false
	err := sqlitex.Execute(c.Conn, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
		&sqlitex.ExecOptions{
			Args:       []any{table},
			ResultFunc: func(*sqlite.Stmt) error { made = true; return nil },
		})
	return made, c.engine.explain(ctx, err)
}
