package audit_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdb"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
	"github.com/virtuous6/virtuous6/eventstore/postgres"
	"github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
)

// tampering is something that who owns the database can do to a log. SQL works on the events' table, with %[1]d for the
// position it is about, %[2]d for the next one and %[3]s for a new id; stored does the same to a node of EventStoreDB.
type tampering struct {
	how string
	// at finds the index of the event that it is about.
	at     func(forged) int
	sql    string
	stored func(all []esdbtest.Stored, at int) []esdbtest.Stored
}

// aFinish is a run that succeeded, in the middle of what the second seal vouches for.
func aFinish(log forged) int {
	seals, _ := log.seals(nil)
	return slices.IndexFunc(log[seals[0]+5:], func(e events.Envelope) bool {
		return e.Kind == "run.finished" && bytes.Contains(e.Data, []byte(`"succeeded"`))
	}) + seals[0] + 5
}

func theFirstSeal(log forged) int {
	seals, _ := log.seals(nil)
	return seals[0]
}

var tamperings = map[string]tampering{
	"data": {
		"changed", aFinish, `UPDATE events SET data = replace(data, '"succeeded"', '"failed"') WHERE position = %[1]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored {
			all[at].Data = bytes.ReplaceAll(all[at].Data, []byte(`"succeeded"`), []byte(`"failed"`))
			return all
		},
	},
	"data that is no JSON any more": {
		"changed", aFinish, `UPDATE events SET data = '{' WHERE position = %[1]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored {
			all[at].Data = []byte("{")
			return all
		},
	},
	"actor": {
		"changed", aFinish, `UPDATE events SET actor = 'user:mallory' WHERE position = %[1]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored {
			all[at].Custom = bytes.Replace(all[at].Custom, []byte(`"actor":"`), []byte(`"actor":"user:mallory and `), 1)
			return all
		},
	},
	"occurred at": {
		"changed", aFinish, `UPDATE events SET occurred_at = occurred_at + 1 WHERE position = %[1]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored {
			all[at].Custom = bytes.Replace(all[at].Custom, []byte(`"occurred_at":"2`), []byte(`"occurred_at":"1`), 1)
			return all
		},
	},
	"removed": {
		"removed", aFinish, `DELETE FROM events WHERE position = %[1]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored { return slices.Delete(all, at, at+1) },
	},
	"swapped": {
		"swapped", aFinish, `
			UPDATE events SET position = 1000000 WHERE position = %[1]d;
			UPDATE events SET position = %[1]d WHERE position = %[2]d;
			UPDATE events SET position = %[2]d WHERE position = 1000000`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored {
			all[at], all[at+1] = all[at+1], all[at]
			return all
		},
	},
	"inserted": {
		"inserted", aFinish, `
			UPDATE events SET position = position + 1000000 WHERE position >= %[1]d;
			UPDATE events SET position = position - 999999 WHERE position >= 1000000;
			INSERT INTO events (position, id, stream, revision, kind, version, occurred_at, recorded_at, causation, correlation, actor, workspace, data)
				SELECT %[1]d, %[3]s, stream, revision + 1000, kind, version, occurred_at, recorded_at, causation, correlation, actor, workspace, data
				FROM events WHERE position = %[2]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored {
			more := all[at]
			more.ID, more.Revision = uuid.New(), more.Revision+1000
			return slices.Insert(all, at, more)
		},
	},
	"a seal's digest": {
		"changed", theFirstSeal, `UPDATE events SET data = replace(data, '"digest":"', '"digest":"00') WHERE position = %[1]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored {
			all[at].Data = bytes.Replace(all[at].Data, []byte(`"digest":"`), []byte(`"digest":"00`), 1)
			return all
		},
	},
	"a seal removed": {
		"removed", theFirstSeal, `DELETE FROM events WHERE position = %[1]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored { return slices.Delete(all, at, at+1) },
	},
	"the end cut off with its seals": {
		"", theFirstSeal, `DELETE FROM events WHERE position > %[1]d`,
		func(all []esdbtest.Stored, at int) []esdbtest.Stored { return all[:at+1] },
	},
}

// ground is an engine whose log can be copied and tampered with.
type ground struct {
	// fresh makes a log that fill has filled, and tamper changes one underneath: its store is closed meanwhile.
	fresh  func(t *testing.T, fill func(url string)) (url string)
	open   func(t *testing.T, url string) eventstore.Store
	tamper func(t *testing.T, url string, w tampering, log forged, at int)
}

func TestVerifyNamesWhatWasDoneUnderneathEveryEngine(t *testing.T) {
	t.Parallel()
	history, _ := logtest.New(t)
	d := orchestrator.NewDispatcher(history, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	for runs := range 3 {
		logtest.Import(t, history, logtest.Simulated(3*runs+3))
		if _, err := audit.Seal(t.Context(), history, d.Dispatch, logtest.Clock, 1); err != nil {
			t.Fatal(err)
		}
	}
	noted, err := hex.DecodeString(verify(t, history, nil).Seal)
	if err != nil {
		t.Fatal(err)
	}
	for engine, g := range map[string]func(t *testing.T) ground{"SQLite": onSQLite, "PostgreSQL": onPostgres, "EventStoreDB": onESDB} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			g := g(t)
			for what, w := range tamperings {
				url := g.fresh(t, func(url string) {
					store := g.open(t, url)
					_, err := audit.Copy(t.Context(), history, store, nil)
					if err = errors.Join(err, store.Close()); err != nil {
						t.Fatal(err)
					}
				})
				store := g.open(t, url)
				log := everything(t, store)
				if found := verify(t, store, noted); !found.OK || found.UnsealedEvents != 1 {
					t.Fatalf("untouched: %+v", found)
				}
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
				at := w.at(log)
				g.tamper(t, url, w, log, at)
				store = g.open(t, url)
				found, other := verify(t, store, nil), everything(t, store)
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
				switch {
				case w.how == "":
					if !found.OK {
						t.Errorf("%s: %+v", what, found)
					}
					if found := verify(t, other, noted); found.OK {
						t.Errorf("%s: the digest that was noted is not missed", what)
					}
					continue
				case found.OK || found.Tampered == nil || found.Tampered.How != w.how || found.Problems[0] != found.Tampered.Reason:
					t.Errorf("%s: %+v", what, found)
					continue
				}
				want, says := other[at].Position, fmt.Sprintf("position %d was %s", other[at].Position, w.how)
				switch w.how {
				case "removed":
					want, says = other[at-1].Position+1, fmt.Sprintf("missing between positions %d and %d", other[at-1].Position, other[at].Position)
				case "swapped":
					says = fmt.Sprintf("the events at positions %d and %d were swapped", other[at].Position, other[at+1].Position)
				}
				if found.Tampered.Position != want || !strings.Contains(found.Tampered.Reason, says) {
					t.Errorf("%s: %+v, want position %d and %q", what, found.Tampered, want, says)
				}
			}
		})
	}
}

func (w tampering) script(log forged, at int, newID string) string {
	next := log[at].Position
	if at+1 < len(log) {
		next = log[at+1].Position
	}
	return fmt.Sprintf(w.sql+"\n-- %[1]d %[2]d %[3]s", log[at].Position, next, newID)
}

func onSQLite(*testing.T) ground {
	return ground{
		fresh: func(t *testing.T, fill func(string)) string {
			url := filepath.Join(t.TempDir(), "log.db")
			fill(url)
			return url
		},
		open: func(t *testing.T, url string) eventstore.Store {
			store, err := sqlite.Open(t.Context(), url, sqlite.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		tamper: func(t *testing.T, url string, w tampering, log forged, at int) {
			conn, err := driver.OpenConn(url, driver.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			triggers := "DROP TRIGGER events_never_change; DROP TRIGGER events_never_go;"
			if err := sqlitex.ExecuteScript(conn, triggers+w.script(log, at, "randomblob(16)"), nil); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func onPostgres(t *testing.T) ground {
	server, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	filled := "" // a database to make others from, which is faster than to fill each
	return ground{
		fresh: func(t *testing.T, fill func(string)) string {
			create := func(template string) *pgx.ConnConfig {
				url, err := server.Create(t.Context(), template)
				if err != nil {
					t.Fatal(err)
				}
				config, err := pgx.ParseConfig(url)
				if err != nil {
					t.Fatal(err)
				}
				return config
			}
			if filled == "" {
				made := create("")
				fill(made.ConnString())
				filled = made.Database
			}
			return create(filled).ConnString()
		},
		open: func(t *testing.T, url string) eventstore.Store {
			store, err := postgres.Open(t.Context(), url, postgres.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		tamper: func(t *testing.T, url string, w tampering, log forged, at int) {
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
			triggers := "ALTER TABLE events DISABLE TRIGGER events_never_change;"
			if _, err := conn.PgConn().Exec(t.Context(), triggers+w.script(log, at, "gen_random_uuid()")).ReadAll(); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// onESDB works on the double of a node: no real one can be tampered with from outside.
func onESDB(t *testing.T) ground {
	doubles := map[string]*esdbtest.Server{}
	return ground{
		fresh: func(t *testing.T, fill func(string)) string {
			double, err := esdbtest.Start(esdbtest.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(double.Close)
			url := double.URL() + "&prefix=ledger/" // the log's events stand alone there, without notes about it
			doubles[url] = double
			fill(url)
			return url
		},
		open: func(t *testing.T, url string) eventstore.Store {
			store, err := esdb.Open(t.Context(), url, esdb.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		tamper: func(_ *testing.T, url string, w tampering, _ forged, at int) {
			doubles[url].Tamper(func(all []esdbtest.Stored) []esdbtest.Stored { return w.stored(all, at) })
		},
	}
}
