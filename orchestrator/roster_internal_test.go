package orchestrator

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// garden is a log of facts about agents, and read models that are told of it when the test says so.
type garden struct {
	store  eventstore.Store
	engine readmodel.Engine
	models *projections.Models
	roster *roster
}

func newGarden(t *testing.T) *garden {
	t.Helper()
	g := &garden{store: eventstore.NewMemory(time.Now), engine: readmodel.NewMemory()}
	models, err := projections.Open(t.Context(), g.engine, readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g.models, g.roster = models, newRoster(g.store, models)
	return g
}

// is records a fact about an agent and gives it as it is in the log.
func (g *garden) is(t *testing.T, workspace, agent string, fact events.Agent) events.Envelope {
	t.Helper()
	kind, version, data, err := events.Encode(fact)
	if err != nil {
		t.Fatal(err)
	}
	e := events.Envelope{
		ID: events.NameID(time.Now(), fmt.Sprint(workspace, agent, kind)), Kind: kind, Version: version, Data: data, OccurredAt: time.Now(), Actor: "user:anna", Workspace: workspace,
	}
	if _, err := g.store.Append(t.Context(), events.StreamName("agent", workspace, agent), eventstore.Any, []events.Envelope{e}); err != nil {
		t.Fatal(err)
	}
	for last, err := range g.store.ReadAll(t.Context(), eventstore.ReadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		e = last
	}
	return e
}

// folds tells the read models of facts.
func (g *garden) folds(t *testing.T, facts ...events.Envelope) {
	t.Helper()
	batch := make([]readmodel.Entry, len(facts))
	for i, e := range facts {
		fact, err := events.Decode(e)
		batch[i] = readmodel.Entry{Envelope: e, Event: fact, Err: err}
	}
	if err := g.models.Apply(t.Context(), facts[0].Position-1, batch); err != nil {
		t.Fatal(err)
	}
}

// fits are those whom a task fits by its words.
func (g *garden) fits(t *testing.T, workspace, task string) (names []string) {
	t.Helper()
	fitting, err := g.roster.fitting(t.Context(), workspace, task)
	if err != nil {
		t.Error(err)
	}
	for _, m := range fitting {
		names = append(names, m.Name)
	}
	return names
}

func told(agent string) events.AgentSpawned {
	return events.AgentSpawned{Agent: agent, Role: "prunes roses"}
}

// TestWhoIsThereIsReadWhenSomebodyIsLookedFor: what was heard before is waited for, and what is heard while it is read counts.
func TestWhoIsThereIsReadWhenSomebodyIsLookedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGarden(t)
		gardener, pruner := g.is(t, "", "gardener", told("gardener")), g.is(t, "", "pruner", told("pruner"))
		other := g.is(t, "shop", "florist", told("florist"))
		for _, e := range []events.Envelope{gardener, pruner, other} {
			g.roster.hear(&e)
		}
		var names []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			names = g.fits(t, "", "prune the roses")
		}()
		synctest.Wait()
		left := g.is(t, "", "pruner", events.AgentRetired{Reason: "done"})
		g.roster.hear(&left)
		g.folds(t, gardener, pruner, other)
		<-done
		if fmt.Sprint(names) != "[gardener]" {
			t.Errorf("the roses are for %v", names)
		}
		gone := g.is(t, "", "gardener", events.AgentRetired{Reason: "done"})
		g.roster.hear(&gone)
		if names := g.fits(t, "", "prune the roses"); len(names) > 0 {
			t.Errorf("after that they are for %v", names)
		}
		g.folds(t, left, gone)
		if names := g.fits(t, "shop", "prune the roses"); fmt.Sprint(names) != "[florist]" {
			t.Errorf("in the shop they are for %v", names)
		}
	})
}

// TestWhoIsThereIsReadFromTheLogWhileReadModelsAreRebuilt: outdated ones tell nothing, and nobody waits for them.
func TestWhoIsThereIsReadFromTheLogWhileReadModelsAreRebuilt(t *testing.T) {
	t.Parallel()
	g := newGarden(t)
	g.is(t, "", "gardener", told("gardener"))
	last := g.is(t, "shop", "florist", told("florist"))
	g.roster.hear(&last)
	err := g.engine.Update(t.Context(), func(tx readmodel.Tx) error {
		at, err := tx.Checkpoint(readmodel.Live)
		if err != nil {
			return err
		}
		other := at
		other.Shape = "of another version"
		return tx.Advance(readmodel.Live, at, other)
	})
	if err != nil {
		t.Fatal(err)
	}
	if names := g.fits(t, "", "prune the roses"); fmt.Sprint(names) != "[gardener]" {
		t.Errorf("the roses are for %v", names)
	}
}
