package postgres

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
	"github.com/virtuous6/virtuous6/eventstore/storetest"
)

// server is the one PostgreSQL of all tests here that don't break theirs.
var server pgtest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// template is a database with the log's tables, made once.
var template = struct {
	once sync.Once
	name string
	err  error
}{}

// database returns the URL of an empty log of its own.
func database(t testing.TB) string {
	t.Helper()
	pg := server.Server(t)
	ctx := context.Background()
	template.once.Do(func() {
		var url string
		if url, template.err = pg.Create(ctx, ""); template.err != nil {
			return
		}
		s, err := Open(ctx, url, Config{})
		if template.err = err; err != nil {
			return
		}
		template.name = s.pool.Config().ConnConfig.Database
		template.err = s.Close()
	})
	if template.err != nil {
		t.Fatal(template.err)
	}
	url, err := pg.Create(ctx, template.name)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// used are databases of conformance tests that have ended. To make a database takes a tenth of a second, to empty one a
// hundredth.
var used struct {
	sync.Mutex
	urls []string
}

// recycled returns the URL of an empty log, which the next test may get after this one has ended.
func recycled(t *testing.T) (url string) {
	t.Helper()
	used.Lock()
	if n := len(used.urls); n > 0 {
		url, used.urls = used.urls[n-1], used.urls[:n-1]
	}
	used.Unlock()
	if url == "" {
		url = database(t)
	} else {
		const empty = "ALTER TABLE events DISABLE TRIGGER ALL; TRUNCATE events; ALTER TABLE events ENABLE ALWAYS TRIGGER events_never_change"
		exec(t, connect(t, url), empty)
	}
	t.Cleanup(func() {
		used.Lock()
		used.urls = append(used.urls, url)
		used.Unlock()
	})
	return url
}

func open(t testing.TB, url string, c Config) *Store {
	t.Helper()
	s, err := Open(context.Background(), url, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// where is the URL of a store.
func where(s eventstore.Store) string { return s.(*Store).pool.Config().ConnString() }

func TestConformance(t *testing.T) {
	server.Server(t)
	storetest.Run(t,
		func(t *testing.T) eventstore.Store { return open(t, recycled(t), Config{}) },
		storetest.WithReopen(func(t *testing.T, closed eventstore.Store) eventstore.Store {
			return open(t, where(closed), Config{})
		}),
		storetest.WithPeer(func(t *testing.T, s eventstore.Store) eventstore.Store {
			return open(t, where(s), Config{})
		}),
		storetest.WithCut(func(t *testing.T, s eventstore.Store) {
			exec(t, connect(t, where(s)), "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		}),
	)
}
