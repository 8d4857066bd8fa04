package bench

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
	logpostgres "github.com/virtuous6/virtuous6/eventstore/postgres"
	logsqlite "github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/postgres"
	"github.com/virtuous6/virtuous6/readmodel/sqlite"
)

// engine is a database to measure on.
type engine struct {
	name string
	// place makes an empty place for a log and its read models: a file's path or a database's URL.
	place func(b *testing.B) string
	log   func(b *testing.B, place string) eventstore.Store
	// models are closed by the caller.
	models func(b *testing.B, place string, o readmodel.Options) *projections.Models
	// raw appends rows by bare statements: many writers, one transaction a batch. plain and lean scan the events.
	raw         func(b *testing.B, writers, batch int) sample
	plain, lean func(b *testing.B, place string) int
	// driver is that of database/sql.
	driver string
	// fill copies a log into an empty one.
	fill func(b *testing.B, from eventstore.Store, place string)
}

var onSQLite = engine{
	name:  "SQLite",
	place: func(b *testing.B) string { return filepath.Join(b.TempDir(), "bench.db") },
	log: func(b *testing.B, place string) eventstore.Store {
		store, err := logsqlite.Open(b.Context(), place, logsqlite.Config{})
		must(b, err)
		return store
	},
	models: func(b *testing.B, place string, o readmodel.Options) *projections.Models {
		e, err := sqlite.Open(b.Context(), place, sqlite.Options{})
		must(b, err)
		models, err := projections.Open(b.Context(), e, o)
		must(b, err)
		return models
	},
	raw:   rawSQLite,
	plain: scanSQLite,
	lean:  leanSQLite,

	driver: "sqlite",
}

// onPostgres is PostgreSQL on a server that was started for this, with synchronous_commit and fsync on.
func onPostgres(s *pgtest.Server) engine {
	return engine{
		name: "PostgreSQL",
		place: func(b *testing.B) string {
			url, err := s.Create(b.Context(), "")
			must(b, err)
			return url
		},
		log: func(b *testing.B, place string) eventstore.Store {
			store, err := logpostgres.Open(b.Context(), place, logpostgres.Config{})
			must(b, err)
			return store
		},
		models: func(b *testing.B, place string, o readmodel.Options) *projections.Models {
			e, err := postgres.Open(b.Context(), place, postgres.Options{})
			must(b, err)
			models, err := projections.Open(b.Context(), e, o)
			must(b, err)
			return models
		},
		raw:   func(b *testing.B, writers, batch int) sample { return rawPostgres(b, s, writers, batch) },
		plain: scanPostgres,
		lean:  leanPostgres,
		fill:  fillPostgres,

		driver: "pgx",
	}
}

// engines are those that can be measured here. The caller calls stop.
func engines(b *testing.B) (all []engine, stop func()) {
	all = []engine{onSQLite}
	s, err := pgtest.Start(b.Context())
	switch {
	case errors.Is(err, pgtest.ErrMissing):
		b.Logf("without PostgreSQL: %v", err)
		return all, func() {}
	case err != nil:
		b.Fatal(err)
	}
	return append(all, onPostgres(s)), func() { must(b, s.Stop()) }
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func dial(b *testing.B, url string) *pgx.Conn {
	conn, err := pgx.Connect(b.Context(), url)
	must(b, err)
	return conn
}
