package postgres

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/migrations"
)

func bare(t *testing.T) string {
	t.Helper()
	url, err := server.Server(t).Create(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func TestSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, before, advice string
		config               Config
	}{
		{"a newer one", "CREATE TABLE event_migrations (id serial, version_id bigint, is_applied bool, tstamp timestamp); INSERT INTO event_migrations (version_id, is_applied) VALUES (99, true)", "upgrade virtuous6", Config{}},
		{"another program's", "CREATE TABLE events (id int)", "another program", Config{}},
		{"an older one that is to stay", "CREATE TABLE events (id int); CREATE TABLE event_migrations (id serial, version_id bigint, is_applied bool, tstamp timestamp); INSERT INTO event_migrations (version_id, is_applied) VALUES (0, true)", "leave out --keep-schema", Config{KeepSchema: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url := bare(t)
			conn := connect(t, url)
			exec(t, conn, c.before)
			const tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
			var before, after int
			if err := conn.QueryRow(t.Context(), tables).Scan(&before); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), url, c.config)
			wants(t, err, eventstore.ErrSchema, c.advice)
			if err := conn.QueryRow(t.Context(), tables).Scan(&after); err != nil || after != before {
				t.Errorf("%d tables before, %d after, %v", before, after, err)
			}
		})
	}
}

// A verb that only reads makes no log.
func TestALogThatIsToBeThere(t *testing.T) {
	t.Parallel()
	url := bare(t)
	if _, err := Open(t.Context(), url, Config{Existing: true}); !errors.Is(err, eventstore.ErrNoLog) {
		t.Errorf("got %v, want ErrNoLog", err)
	}
	var tables int
	if err := connect(t, url).QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables); err != nil || tables > 0 {
		t.Errorf("%d tables were made (%v)", tables, err)
	}
	open(t, url, Config{KeepSchema: true}) // there is nothing to keep
	open(t, url, Config{Existing: true})
}

func TestEncodingIsRefused(t *testing.T) {
	t.Parallel()
	pg := server.Server(t)
	admin := connect(t, pg.URL("postgres"))
	exec(t, admin, "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
	_, err := Open(t.Context(), pg.URL("ascii"), Config{})
	wants(t, err, eventstore.ErrSchema, "ENCODING 'UTF8'")
}

// TestManyOpenAnEmptyDatabase: one of them makes the tables, whoever comes first.
func TestManyOpenAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	url := bare(t)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			s, err := Open(t.Context(), url, Config{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(w, 0, 2)); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	whole(t, open(t, url, Config{KeepSchema: true}), 8, 2)
	var version int64
	if err := connect(t, url).QueryRow(t.Context(), "SELECT max(version_id) FROM event_migrations").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if _, known := migrations.Postgres(); version != known {
		t.Errorf("schema version %d, want %d", version, known)
	}
}

// TestLogInASchemaOfItsOwn: search_path in the URL chooses it, and another program's tables beside it don't matter.
func TestLogInASchemaOfItsOwn(t *testing.T) {
	t.Parallel()
	url := bare(t)
	conn := connect(t, url)
	exec(t, conn, "CREATE TABLE events (id int)")
	s := open(t, url+"&search_path=log", Config{}) // it is made
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM log.events").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d events, %v", n, err)
	}
}

func TestEventsNeverChange(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, conn := open(t, url, Config{}), connect(t, url)
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, numbered(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"UPDATE events SET data = ''", "UPDATE events SET data = '' WHERE position = 1", "DELETE FROM events", "TRUNCATE events",
		"INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET data = ''",
		"SET session_replication_role = replica; DELETE FROM events", "UPDATE event_log SET data = ''",
	} {
		if _, err := conn.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	whole(t, s, 2, 2)
}

func TestEventLogIsForPeople(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, conn := open(t, url, Config{}), connect(t, url)
	batch := numbered(0, 0, 1)
	batch[0].Actor = "user:anna"
	if _, err := s.Append(t.Context(), "run-1", eventstore.Any, batch); err != nil {
		t.Fatal(err)
	}
	var line string
	const query = "SELECT concat_ws(' ', position, stream, revision, kind, occurred_at AT TIME ZONE 'UTC', actor, id, data, recorded_at > now() - interval '1 hour') FROM event_log"
	if err := conn.QueryRow(t.Context(), query).Scan(&line); err != nil {
		t.Fatal(err)
	}
	if want := "1 run-1 0 run.started 2023-11-14 22:13:20 user:anna " + batch[0].ID.String() + ` "0/0/0" t`; line != want {
		t.Errorf("got %s\nwant %s", line, want)
	}
}
