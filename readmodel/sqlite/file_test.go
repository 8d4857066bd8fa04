package sqlite_test

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
	"github.com/virtuous6/virtuous6/readmodel/sqlite"
)

// stranger is another program's connection to the same file, such as the log's.
func stranger(t *testing.T, path string) *zombiezen.Conn {
	t.Helper()
	c, err := zombiezen.OpenConn(path, zombiezen.OpenReadWrite|zombiezen.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	c.SetBusyTimeout(0)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestTablesArePlainSQL(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "virtuous6.db")
	m := models(t, path)
	entries := enginetest.Simulated(1, 20)
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	c := stranger(t, path)
	names := func() (all []string) {
		err := sqlitex.Execute(c, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name", &sqlitex.ExecOptions{
			ResultFunc: func(s *zombiezen.Stmt) error {
				all = append(all, s.ColumnText(0))
				if !strings.Contains(s.ColumnText(1), "STRICT") {
					t.Errorf("%s is not strict", s.ColumnText(0))
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := []string{
		"agent_registry",
		"agent_versions",
		"agent_zones",
		"analysts", "approvals",
		"budgets",
		"dataset_runs",
		"drawn_goals",
		"drawn_runs",
		"evals",
		"experiments",
		"feedback",
		"former_agents",
		"goal_talks",
		"goals",
		"improvements",
		"judges",
		"llm_costs",
		"log_hours",
		"loop",
		"metrics",
		"notices",
		"observations",
		"parked_streams",
		"patterns",
		"projection_checkpoints",
		"read_model_mark",
		"read_model_origin",
		"read_model_snapshots",
		"reviews",
		"roles",
		"rules",
		"run_zones",
		"runbooks",
		"skill_texts",
		"skills",
		"slack_threads",
		"task_keys",
		"tasks",
		"tokens",
		"tools",
		"triggers",
		"verdicts",
		"verdicts_waiting",
		"workflow_runs",
	}
	if got := names(); !slices.Equal(got, want) {
		t.Errorf("tables %v, want %v", got, want)
	}
	// A table that an earlier version had is gone after a swap.
	if err := sqlitex.ExecuteTransient(c, "CREATE TABLE run_steps (run TEXT) STRICT", nil); err != nil {
		t.Fatal(err)
	}
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	if err := r.Swap(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, want) {
		t.Errorf("tables after a swap %v, want %v", got, want)
	}
	indexed := false
	err = sqlitex.Execute(c, "EXPLAIN QUERY PLAN SELECT * FROM feedback WHERE run = 'x' ORDER BY position", &sqlitex.ExecOptions{
		ResultFunc: func(s *zombiezen.Stmt) error {
			indexed = indexed || strings.Contains(s.ColumnText(3), "feedback_by_run")
			return nil
		},
	})
	if err != nil || !indexed {
		t.Errorf("the index is gone after a swap (%v)", err)
	}
	position, err := sqlitex.ResultInt64(c.Prep("SELECT position FROM projection_checkpoints WHERE name = 'read_models'"))
	if err != nil || position != int64(len(entries)) {
		t.Errorf("checkpoint at %d (%v), want %d", position, err, len(entries))
	}
}

func TestNothingIsAppendedDuringASwap(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "virtuous6.db")
	m := models(t, path)
	log := stranger(t, path)
	if err := sqlitex.Execute(log, "CREATE TABLE events (position INTEGER PRIMARY KEY) STRICT", nil); err != nil {
		t.Fatal(err)
	}
	entries := enginetest.Simulated(1, 20)
	r, err := m.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tail := func(uint64) iter.Seq2[[]readmodel.Entry, error] {
		return func(yield func([]readmodel.Entry, error) bool) {
			if n, err := sqlitex.ResultInt64(log.Prep("SELECT count(*) FROM events")); n != 0 || err != nil {
				t.Errorf("the log can't be read during a swap: %d, %v", n, err)
			}
			err := sqlitex.Execute(log, "INSERT INTO events VALUES (1)", nil)
			if zombiezen.ErrCode(err) != zombiezen.ResultBusy {
				t.Errorf("an append during a swap: got %v, want busy", err)
			}
			yield(entries, nil)
		}
	}
	if err := r.Swap(t.Context(), tail); err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.Execute(log, "INSERT INTO events VALUES (1)", nil); err != nil {
		t.Errorf("an append after a swap: %v", err)
	}
	if p, err := m.Position(t.Context()); p != uint64(len(entries)) || err != nil {
		t.Errorf("position %d, %v", p, err)
	}
}

func TestUnusableFilesAreExplained(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	noDatabase := filepath.Join(folder, "no.db")
	if err := os.WriteFile(noDatabase, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, hint := range map[string]string{
		noDatabase:                               "no SQLite file",
		filepath.Join(folder, "missing", "x.db"): "folder exists",
	} {
		_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if !errors.Is(err, readmodel.ErrUnavailable) || !strings.Contains(err.Error(), hint) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	path := filepath.Join(folder, "locked.db")
	e, err := sqlite.Open(t.Context(), path, sqlite.Options{BusyTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	m, err := projections.Open(t.Context(), e, readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	other := stranger(t, path)
	if err := sqlitex.Execute(other, "BEGIN IMMEDIATE", nil); err != nil {
		t.Fatal(err)
	}
	entries := enginetest.Simulated(1, 5)
	if err := m.Apply(t.Context(), 0, entries); !errors.Is(err, readmodel.ErrUnavailable) {
		t.Errorf("locked: got %v, want ErrUnavailable", err)
	}
	if err := sqlitex.Execute(other, "ROLLBACK", nil); err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// Another program's tables stay as they are.
func TestAnotherProgramsTablesAreNotDropped(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "theirs.db")
	c, err := zombiezen.OpenConn(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, "CREATE TABLE tasks (title); INSERT INTO tasks VALUES ('my todo')", nil); err != nil {
		t.Fatal(err)
	}
	e, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err == nil {
		_, err = projections.Open(t.Context(), e, readmodel.Options{})
		err = errors.Join(err, e.Close())
	}
	if !errors.Is(err, readmodel.ErrUnavailable) || !strings.Contains(err.Error(), "another program's") {
		t.Errorf("got %v, want that the table is another program's", err)
	}
	kept := ""
	err = sqlitex.Execute(c, "SELECT title FROM tasks", &sqlitex.ExecOptions{ResultFunc: func(s *zombiezen.Stmt) error {
		kept = s.ColumnText(0)
		return nil
	}})
	if err != nil || kept != "my todo" {
		t.Errorf("it holds %q, %v", kept, err)
	}
}
