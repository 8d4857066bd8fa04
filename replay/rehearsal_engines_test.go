package replay_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/audit"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/eventstore/esdb"
	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
	"github.com/virtuous6/virtuous6/eventstore/pgtest"
	"github.com/virtuous6/virtuous6/eventstore/postgres"
	"github.com/virtuous6/virtuous6/eventstore/sqlite"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	readmodels "github.com/virtuous6/virtuous6/readmodel/sqlite"
	"github.com/virtuous6/virtuous6/replay"
)

// inSQLite are empty read models in a file that is thrown away.
func inSQLite(t *testing.T) *projections.Models {
	t.Helper()
	engine, err := readmodels.Open(t.Context(), filepath.Join(t.TempDir(), "read-models.db"), readmodels.Options{Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	models, err := projections.Open(t.Context(), engine, readmodel.Options{SnapshotEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := models.Close(); err != nil {
			t.Error(err)
		}
	})
	return models
}

// TestARehearsalIsTheSameOnEveryEngine has today's analysts go through one history on each engine, several times: what
// they propose is the same to the byte, log positions aside, and whether they proposed it then or not.
func TestARehearsalIsTheSameOnEveryEngine(t *testing.T) {
	t.Parallel()
	paced := analysts.All()
	paced[0].Every = 100 * time.Minute // so that it looks often at a day
	rehearse := func(t *testing.T, store eventstore.Store, models *projections.Models) replay.Rehearsal {
		t.Helper()
		found, err := replay.Rehearse(t.Context(), logtest.ReadOnly{Store: store, T: t}, models, paced, replay.RehearsalConfig{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	bring := func(t *testing.T, store eventstore.Store) *orchestrator.Dispatcher {
		t.Helper()
		d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
		records := func(yield func(ingest.Record, error) bool) {
			for r := range (ingest.Simulation{Seed: 5, Runs: 900, Workflows: 1, Tasks: 5, NoisePermille: -1, Patterns: 1}).Records() {
				if !yield(r, nil) {
					return
				}
			}
		}
		if _, err := orchestrator.Import(t.Context(), d, records, nil); err != nil {
			t.Fatal(err)
		}
		return d
	}
	twin, _ := logtest.New(t)
	bring(t, twin)
	want := rehearse(t, twin, logtest.Models(t))
	if want.Looks < 4 || len(want.Proposals) < 2 || !want.Proposals[0].Would.At.Before(*want.Last) {
		t.Fatalf("this history proves nothing: %s", asJSON(t, want))
	}

	for engine, empty := range map[string]func(t *testing.T) (eventstore.Store, error){
		"SQLite": func(t *testing.T) (eventstore.Store, error) {
			return sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "log.db"), sqlite.Config{})
		},
		"PostgreSQL": func(t *testing.T) (eventstore.Store, error) {
			server, err := pgtest.Start(t.Context())
			pgtest.Need(t, err)
			t.Cleanup(func() {
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
			})
			url, err := server.Create(t.Context(), "")
			if err != nil {
				return nil, err
			}
			return postgres.Open(t.Context(), url, postgres.Config{})
		},
		"EventStoreDB": func(t *testing.T) (eventstore.Store, error) {
			double, err := esdbtest.Start(esdbtest.Config{})
			if err != nil {
				return nil, err
			}
			t.Cleanup(double.Close)
			return esdb.Open(t.Context(), double.URL(), esdb.Config{})
		},
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			store, err := empty(t)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}()
			d := bring(t, store)
			first := rehearse(t, store, logtest.Models(t))
			if first.Digest != want.Digest || first.Looks != want.Looks || len(first.Proposals) != len(want.Proposals) {
				t.Fatalf("got\n%s\nthe memory twin gives\n%s", asJSON(t, first), asJSON(t, want))
			}
			if engine == "SQLite" { // where the analysts read from makes no difference either
				if again := asJSON(t, rehearse(t, store, inSQLite(t))); again != asJSON(t, first) {
					t.Errorf("a second run says\n%s\nthe first said\n%s", again, asJSON(t, first))
				}
			}

			// The analysts look at the end of the history, and what they say is recorded and sealed.
			models := logtest.Models(t)
			if err := replay.CatchUp(t.Context(), store, models, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := orchestrator.Analyze(t.Context(), models, "", d.Dispatch, logtest.Clock, analysts.All()); err != nil {
				t.Fatal(err)
			}
			if _, err := audit.Seal(t.Context(), store, d.Dispatch, logtest.Clock, 1); err != nil {
				t.Fatal(err)
			}
			after := rehearse(t, store, logtest.Models(t))
			if after.Digest != want.Digest || len(after.Proposals) != len(want.Proposals) {
				t.Errorf("once it was analysed it gives\n%s", asJSON(t, after))
			}
			for _, p := range after.Proposals {
				// What is claimed first at the last look was recorded in the same words, if much later.
				if last := p.Would != nil && p.Would.At.Equal(*want.Last); last != (len(p.Differs) == 1 && p.Differs[0] == "when") {
					t.Errorf("%s, last look %s", asJSON(t, p), want.Last)
				}
			}
		})
	}
}
