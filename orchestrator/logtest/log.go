// Package logtest makes the logs and read models that tests of the rooms above the store begin with.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/ingest"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Noon is what Clock always tells.
var Noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Clock stands still.
func Clock() time.Time { return Noon }

// Meta is the meta data of a command that has a name of its own.
func Meta(name, run string) commands.Meta {
	return commands.Meta{ID: events.NameID(Noon, name), At: Noon, Actor: "user:anna", Correlation: run}
}

// New is an empty log in memory.
func New(t *testing.T) (eventstore.Store, *orchestrator.Dispatcher) {
	t.Helper()
	store := eventstore.NewMemory(Clock)
	t.Cleanup(func() { _ = store.Close() })
	return store, orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
}

// Models are empty read models in memory.
func Models(t *testing.T) *projections.Models {
	t.Helper()
	models, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = models.Close() })
	return models
}

// OneRun is a run of one step, from its start to its end.
func OneRun(run string) []commands.Command {
	return []commands.Command{
		commands.StartRun{Meta: Meta(run+"/start", run), Run: run, Workflow: "w"},
		commands.StartStep{Meta: Meta(run+"/step", run), Run: run, Name: "look", Type: events.ToolStep},
		commands.FinishStep{Meta: Meta(run+"/step/end", run), Run: run, Outcome: events.Succeeded},
		commands.FinishRun{Meta: Meta(run+"/end", run), Run: run, Outcome: events.Succeeded},
	}
}

// Simulated is a small history, each record with an error of nil.
func Simulated(runs int) iter.Seq2[ingest.Record, error] {
	return func(yield func(ingest.Record, error) bool) {
		for r := range (ingest.Simulation{Seed: 3, Runs: runs}).Records() {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Import takes records into a log, and returns the problems with them as texts.
func Import(t *testing.T, store eventstore.Store, records iter.Seq2[ingest.Record, error]) (orchestrator.Imported, []string) {
	t.Helper()
	var problems []string
	d := orchestrator.NewDispatcher(store, aggregates.All(aggregates.Everywhere(aggregates.Policy{})))
	sum, err := orchestrator.Import(t.Context(), d, records, func(p *ingest.Problem) { problems = append(problems, p.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	return sum, problems
}

// Fill appends facts of no importance, numbered from one number up to another.
func Fill(t *testing.T, store eventstore.Store, from, to int) {
	t.Helper()
	stream := commands.BudgetStream("", fmt.Sprint(from))
	batch := make([]events.Envelope, 0, to-from)
	for n := from; n < to; n++ {
		batch = append(batch, events.Envelope{
			ID: events.DeriveID(uuid.UUID{1}, n), Kind: "budget.set", Version: 1, OccurredAt: Noon, Actor: "user:anna",
			Data: fmt.Appendf(nil, `{"budget":"%d","period":"day","limit_nanos":%d}`, from, n),
		})
	}
	if _, err := store.Append(t.Context(), stream, eventstore.NoStream, batch); err != nil {
		t.Fatal(err)
	}
}

// Seals are the seals of a log.
func Seals(t *testing.T, store eventstore.Store) (all []events.LogSealed) {
	t.Helper()
	for e, err := range store.ReadStream(t.Context(), commands.LedgerStream, eventstore.StreamOptions{}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fact.(events.LogSealed))
	}
	return all
}

// ReadOnly is a store that fails the test when anything is appended.
type ReadOnly struct {
	eventstore.Store
	T testing.TB
}

// Append fails the test.
func (s ReadOnly) Append(_ context.Context, stream string, _ eventstore.Expected, _ []events.Envelope) (eventstore.Appended, error) {
	s.T.Errorf("an append to %s", stream)
	return eventstore.Appended{}, eventstore.ErrUnavailable
}

// Submit fails the test once it is waited for.
func (s ReadOnly) Submit(ctx context.Context, _ *eventstore.Chain, stream string, e eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	return func() (eventstore.Appended, error) { return s.Append(ctx, stream, e, batch) }
}
