//go:build unix

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/eventstore/pgtest"
)

// TestAServerOutlivesItsDatabase kills PostgreSQL under a server that serves runs, and starts it again. Nothing that was
// acknowledged is lost, and the server goes on by itself. Without the database, verbs say what to do.
func TestAServerOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	database, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() {
		if err := database.Stop(); err != nil {
			t.Error(err)
		}
	})
	p := newProgram(t)
	if p.store, err = database.Create(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	b := newPair(p, "1s")
	b.until("the first server serves runs", func() bool { return b.served(b.firstURL) > 5 })
	for range 2 {
		if err := database.Kill(); err != nil {
			t.Fatal(err)
		}
		b.until("the server says that it is not ready", func() bool { return status(b.firstURL+"/readyz") == http.StatusServiceUnavailable })
		if run := b.ask(b.firstURL, "hello"); run != "" {
			t.Errorf("run %s was acknowledged without a database", run)
		}
		if said := p.fails("metrics"); !strings.Contains(said, "the server can't be reached: see that it runs") {
			t.Errorf("without its database it says %s", said)
		}
		if err := database.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := 0
		b.until("the database answers again", func() bool { before = b.served(b.firstURL); return before > 0 })
		b.until("runs are served again", func() bool { return b.served(b.firstURL) > before+3 })
	}
	b.finish()
}

func TestADatabaseThatCannotBeOpenedSaysWhy(t *testing.T) {
	t.Parallel()
	database, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() {
		if err := database.Stop(); err != nil {
			t.Error(err)
		}
	})
	url, err := database.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for store, says := range map[string]string{
		strings.Replace(url, "postgres@", "anna:secret@", 1): "the server refused the user or the password",
		strings.Replace(url, "/test", "/none", 1):            "the database does not exist",
		"postgres://anna:secret@127.0.0.1:1/x":               "the server can't be reached",
		"postgres://anna:secret@[x/y":                        "the URL of the log can't be read",
	} {
		p := newProgram(t)
		p.store = store
		if said := p.fails("metrics"); !strings.Contains(said, says) || strings.Contains(said, "secret") {
			t.Errorf("it says %s, want %q and no password", said, says)
		}
	}
}

// fails runs a command line that must fail, and returns what it said.
func (p program) fails(args ...string) string {
	p.t.Helper()
	out, err := p.command(args...).CombinedOutput()
	if err == nil {
		p.t.Fatalf("virtuous6 %s went well: %s", strings.Join(args, " "), out)
	}
	return string(out)
}

// status is what a server answers, 0 where it does not.
func status(url string) int {
	client := http.Client{Timeout: 3 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
