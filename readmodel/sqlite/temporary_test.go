package sqlite

import (
	"path/filepath"
	"testing"

	"zombiezen.com/go/sqlite/sqlitex"
)

// What is sorted, and what a statement would undo, must not be in memory whole: dropping a table of some GB would hold them.
func TestWhatSortsAndUndoesHasFiles(t *testing.T) {
	t.Parallel()
	e, err := Open(t.Context(), filepath.Join(t.TempDir(), "models.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := e.readers.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*connection{"the writer": e.writer, "a reader": reader} {
		stmt, _, err := c.PrepareTransient("PRAGMA temp_store")
		if err != nil {
			t.Fatal(err)
		}
		const file = 1
		if at, err := sqlitex.ResultInt(stmt); err != nil || at != file {
			t.Errorf("%s has its temporary tables at %d (%v)", name, at, err)
		}
		if err := stmt.Finalize(); err != nil {
			t.Error(err)
		}
	}
	e.readers.give(reader)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
