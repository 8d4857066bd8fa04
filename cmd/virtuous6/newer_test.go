package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestALogOfANewerProgramIsNeverDropped puts facts into the log that only a newer program can read. Their
// streams are parked, which doctor tells with what to do, everything else goes on, and the log stays as it is.
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
			// The stream is parked, and everything else goes on.
			if out := p.run("metrics", "--json"); !bytes.Contains(out, []byte(`"runs": 3`)) {
				t.Errorf("metrics said %s", out)
			}
			// What is left out is told of the moments that leave it out, and of no others.
			for moment, told := range map[string]bool{"1": false, "2100-01-01": true} {
				cmd := p.command("metrics", "--as-of", moment)
				var errOut bytes.Buffer
				cmd.Stderr = &errOut
				if err := cmd.Run(); err != nil || strings.Contains(errOut.String(), "Parked streams") != told {
					t.Errorf("as of %s: %v, %s", moment, err, errOut.Bytes())
				}
			}
			for _, verb := range []string{"doctor", "retry", "verify"} {
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
			// A program that can read the fact takes the stream up again: here the fact becomes one that it knows.
			conn, err = sqlite.OpenConn(filepath.Join(p.dir, "store.db"), sqlite.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			err = sqlitex.ExecuteScript(conn, `DROP TRIGGER events_never_change; INSERT OR IGNORE INTO kinds (name) VALUES ('log.sealed');
				UPDATE events SET version = 1, kind = (SELECT id FROM kinds WHERE name = 'log.sealed') WHERE position = (SELECT max(position) FROM events)`, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			if out := p.run("retry"); !bytes.Contains(out, []byte("1 resumed, 0 still parked")) {
				t.Errorf("retry said %s", out)
			}
			if out := p.run("doctor"); !bytes.Contains(out, []byte("No stream is parked")) {
				t.Errorf("doctor said %s", out)
			}
			after := p.run("events", "--json", "--limit", "0")
			if !bytes.Contains(before, []byte(`"ok": true`)) || !bytes.Contains(after, []byte(`"version"`)) {
				t.Errorf("the log can no longer be listed: %s", after)
			}
		})
	}
}
