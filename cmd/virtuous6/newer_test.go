package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestALogOfANewerProgramIsNeverDropped puts facts into the log that only a newer program can read. Every verb that
// would have to read them fails with what to do, and the log stays as it is.
func TestALogOfANewerProgramIsNeverDropped(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"unknown event kind":   `INSERT INTO kinds (name) VALUES ('run.teleported'); INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), randomblob(16), stream, max(revision) + 1, (SELECT id FROM kinds WHERE name = 'run.teleported'), 1, occurred_at, recorded_at, causation, correlation, actor, workspace, '{}' FROM events WHERE stream = 1`,
		"newer schema version": `INSERT INTO events SELECT (SELECT max(position) + 1 FROM events), randomblob(16), stream, max(revision) + 1, kind, 99, occurred_at, recorded_at, causation, correlation, actor, workspace, '{}' FROM events WHERE stream = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			p.run("simulate", "--runs", "3")
			before := p.run("verify", "--json")
			conn, err := sqlite.OpenConn(filepath.Join(p.dir, "store.db"), sqlite.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			if err := sqlitex.ExecuteScript(conn, change, nil); err != nil {
				t.Fatal(err)
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			for _, verb := range []string{"metrics", "replay", "verify"} {
				cmd := p.command(verb)
				var out, errOut bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errOut
				if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != exitFailed {
					t.Errorf("%s ended with %v", verb, err)
				}
				if said := out.String() + errOut.String(); !strings.Contains(said, name) || !strings.Contains(said, "upgrade") {
					t.Errorf("%s said %s", verb, said)
				}
			}
			after := p.run("events", "--json", "--limit", "0")
			if !bytes.Contains(before, []byte(`"ok": true`)) || !bytes.Contains(after, []byte(`"version"`)) {
				t.Errorf("the log can no longer be listed: %s", after)
			}
		})
	}
}
