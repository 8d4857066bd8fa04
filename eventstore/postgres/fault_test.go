package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
)

// wants checks an error's kind, and that its text holds the advice and no password.
func wants(t *testing.T, err, kind error, advice string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), advice) {
		t.Errorf("got %v, want %v that says %q", err, kind, advice)
	}
	if err != nil && strings.Contains(err.Error(), "hush") {
		t.Errorf("the error tells the password: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	direct := database(t)
	pg := server.Server(t)
	admin := connect(t, direct)
	exec(t, admin, "CREATE ROLE anna LOGIN PASSWORD 'hush-right'")
	exec(t, admin, "CREATE ROLE newcomer LOGIN PASSWORD 'hush'")
	name := admin.Config().Database
	as := func(user, password, database string) string {
		return fmt.Sprintf("postgres://%s:%s@/%s?host=%s", user, password, database, pg.Dir)
	}
	empty, err := pg.Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	fresh := connect(t, empty).Config().Database
	for _, c := range []struct {
		name, url string
		advice    string
	}{
		{"a wrong password", as("anna", "hush", name), "refused the user or the password"},
		{"an unknown user", as("nobody", "hush", name), "refused the user or the password"},
		{"an unknown database", as("anna", "hush-right", "none"), "does not exist"},
		{"an unknown host", "postgres://anna:hush@host.invalid/log", "host name is not known"},
		{"a port that nobody listens at", "postgres://anna:hush@127.0.0.1:1/log", "can't be reached"},
		{"a socket that is not there", "postgres://anna:hush@/log?host=/nowhere", "can't be reached"},
		{"a port that is none", "postgres://anna:hush@localhost:hush/log", "the URL of the log can't be read"},
		{"a password with what is special", "postgres://anna:hu/sh@hush?@localhost/log", "the URL of the log can't be read"},
		{"a password that reads as a port and a database", "postgres://anna:7/hush@127.0.0.1:1/log", "the URL of the log can't be read"},
		{"a password that reads as a host", "postgres://anna:a@hush@127.0.0.1:1/log", "the URL of the log can't be read"},
		{"a password that reads as a host and a parameter", "postgres://anna:a@hush?b=c@127.0.0.1:1/log", "the URL of the log can't be read"},
		{"a password that is read as it is meant", "postgres://anna:hush?#%40@127.0.0.1:1/log", "can't be reached"},
		{"a password that reads as a setting", "postgres:anna:hush=a@127.0.0.1:1/log", "the URL of the log can't be read"},
		{"a mode that is none", "postgres://anna:hush@localhost/log?sslmode=hush", "the URL of the log can't be read"},
		{"no URL", "hush", "the URL of the log can't be read"},
		{"tables that the user may not read", as("anna", "hush-right", name), "grant"},
		{"a schema that the user may not write to", as("newcomer", "hush", fresh), "grant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), c.url, Config{})
			wants(t, err, eventstore.ErrUnavailable, c.advice)
		})
	}
	t.Run("a done context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Open(ctx, direct, Config{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestLocked has another session hold the append lock for longer than the store's patience.
func TestLocked(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, other := open(t, url, Config{Patience: 2 * time.Second}), connect(t, url)
	exec(t, other, "BEGIN")
	exec(t, other, "SELECT pg_advisory_xact_lock($1)", appendLock)
	_, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 0, 2))
	wants(t, err, eventstore.ErrUnavailable, "another session keeps the log locked")
	if head, err := s.Head(t.Context()); err != nil || head != 0 {
		t.Errorf("reading: head %d, %v", head, err)
	}
	exec(t, other, "ROLLBACK")
	for range 2 {
		if a, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 0, 2)); err != nil || a.Position != 2 {
			t.Errorf("afterwards: %+v, %v", a, err)
		}
	}
}

// TestOneRequestFailsAlone has the server refuse what one of many submits at once.
func TestOneRequestFailsAlone(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, admin := open(t, url, Config{}), connect(t, url)
	exec(t, admin, "ALTER TABLE events ADD CHECK (actor <> 'unwelcome')")
	var waits []func() (eventstore.Appended, error)
	for i := range 40 {
		batch := numbered(0, i, 2)
		if i == 20 {
			batch[1].Actor = "unwelcome"
		}
		waits = append(waits, s.Submit(t.Context(), nil, "run-1", eventstore.Any, batch))
	}
	for i, wait := range waits {
		a, err := wait()
		if i == 20 {
			wants(t, err, eventstore.ErrCorrupt, "breaks its own rules")
		} else if err != nil || a.Revision%2 != 1 {
			t.Errorf("submission %d: %+v, %v", i, a, err)
		}
	}
	whole(t, s, 78, 2)
}

// TestAppendAfterSessionsEnd ends the store's connections on the server, as an administrator or an upgrade would.
func TestAppendAfterSessionsEnd(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, admin := open(t, url, Config{}), connect(t, url)
	for i := range 5 {
		if _, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, i, 2)); err != nil {
			t.Fatal(err)
		}
		exec(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		if head, err := s.Head(t.Context()); err != nil || head != uint64(2*i+2) {
			t.Errorf("head %d, %v", head, err)
		}
	}
	whole(t, s, 10, 2)
}

// TestServerGone: an append is answered at the end of the store's patience, or of its caller's, and all
// that read are told at once.
func TestServerGone(t *testing.T) {
	t.Parallel()
	pg, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() { _ = pg.Stop() })
	s := open(t, pg.URL("postgres"), Config{Patience: 300 * time.Millisecond})
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	if err := pg.Halt(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 1, 2))
	wants(t, err, eventstore.ErrUnavailable, "can't be reached")
	_, err = s.Head(t.Context())
	wants(t, err, eventstore.ErrUnavailable, "can't be reached")
	for _, err := range s.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		wants(t, err, eventstore.ErrUnavailable, "can't be reached")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Append(ctx, "run-1", eventstore.Any, numbered(0, 2, 2)); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := pg.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 1, 2)); err != nil || a.Revision != 3 {
		t.Errorf("when it was back: %+v, %v", a, err)
	}
	whole(t, s, 4, 2)
}

// TestKill kills PostgreSQL with SIGKILL under eight writers, again and again: what was acknowledged is there, once, no
// batch is there in part, appends only take longer, and a subscription goes on as if nothing had been.
func TestKill(t *testing.T) {
	t.Parallel()
	const writers, rounds = 8, 3
	pg, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() { _ = pg.Stop() })
	s := open(t, pg.URL("postgres"), Config{Patience: 30 * time.Second, Poll: 20 * time.Millisecond})
	var mu sync.Mutex
	acknowledged := make(map[string]bool)
	progress, stop := make(chan struct{}, 1), make(chan struct{})
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				a, err := s.Append(t.Context(), fmt.Sprintf("run-%d", w), eventstore.Any, numbered(w, i, 3))
				if err != nil || a.Revision != uint64(3*i+2) {
					t.Errorf("append %d of writer %d: got %+v, %v, want revision %d", i, w, a, err, 3*i+2)
					return
				}
				mu.Lock()
				acknowledged[fmt.Sprintf("%d/%d", w, i)] = true
				mu.Unlock()
				select {
				case progress <- struct{}{}:
				default:
				}
			}
		})
	}
	var seen []uint64
	reading.Go(func() {
		for m, err := range s.Subscribe(t.Context(), 0) {
			if err != nil {
				t.Errorf("the subscription ended: %v", err)
				return
			}
			if m.CaughtUp {
				continue
			}
			seen = append(seen, m.Position)
			if m.Event.Stream == "run-last" {
				return
			}
		}
	})
	for range rounds {
		for range 60 {
			<-progress
		}
		if err := pg.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := pg.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		<-progress
	}
	close(stop)
	writing.Wait()
	parts := whole(t, s, 0, 3)
	if _, err := s.Append(t.Context(), "run-last", eventstore.Any, numbered(writers, 0, 1)); err != nil {
		t.Error(err)
	}
	reading.Wait()
	for batch := range acknowledged {
		if parts[batch] == 0 {
			t.Errorf("batch %s was acknowledged and is gone", batch)
		}
	}
	for i := range seen {
		if i > 0 && seen[i] <= seen[i-1] {
			t.Fatalf("the subscription yielded %d after %d", seen[i], seen[i-1])
		}
	}
	if want := 3*len(parts) + 1; len(seen) != want {
		t.Errorf("the subscription yielded %d events, the log holds %d", len(seen), want)
	}
}
