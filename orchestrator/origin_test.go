package orchestrator_test

import (
	"errors"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// Read models go on with the log that they were built from, and with no other.
func TestReadModelsBelongToTheirLog(t *testing.T) {
	t.Parallel()
	one, _ := newLog(t)
	importInto(t, one, simulated(10))
	other, dispatch := newLog(t)
	meta := commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "user:anna"}
	if _, err := dispatch.Dispatch(t.Context(), commands.OpenTask{Meta: meta, Task: "t", Workflow: "w", Title: "Do"}); err != nil {
		t.Fatal(err)
	}
	importInto(t, other, simulated(30))
	restored := eventstore.NewMemory(time.Now)
	for e, err := range one.ReadAll(t.Context(), eventstore.ReadOptions{Limit: 20}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := restored.Append(t.Context(), e.Stream, eventstore.Any, []events.Envelope{e}); err != nil {
			t.Fatal(err)
		}
	}
	empty := eventstore.NewMemory(time.Now)
	built := func(m *projections.Models) error {
		return orchestrator.Build(t.Context(), one, m, orchestrator.Moment{Position: 7}, nil)
	}
	for name, c := range map[string]struct {
		before func(*projections.Models) error // nil: they follow one log
		then   eventstore.Store
		want   error
	}{
		"the same log":                      {nil, one, nil},
		"another log":                       {nil, other, orchestrator.ErrOtherLog},
		"an older backup":                   {nil, restored, orchestrator.ErrAhead},
		"no log":                            {nil, empty, orchestrator.ErrAhead},
		"what shows a moment":               {built, one, orchestrator.ErrBuilt},
		"what shows a moment of another":    {built, other, orchestrator.ErrBuilt},
		"new ones, from a log that is none": {func(m *projections.Models) error { return orchestrator.CatchUp(t.Context(), empty, m, nil) }, one, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := openModels(t)
			if c.before == nil {
				c.before = func(m *projections.Models) error { return orchestrator.CatchUp(t.Context(), one, m, nil) }
			}
			if err := c.before(m); err != nil {
				t.Fatal(err)
			}
			if err := orchestrator.CatchUp(t.Context(), c.then, m, nil); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err := orchestrator.RebuildModels(t.Context(), c.then, m, nil, "metrics"); !errors.Is(err, c.want) {
				t.Errorf("rebuilding one read model: got %v, want %v", err, c.want)
			}
			// Whoever rebuilds all of them means it.
			if err := orchestrator.RebuildModels(t.Context(), c.then, m, nil); err != nil {
				t.Fatal(err)
			}
			want := openModels(t)
			if err := orchestrator.CatchUp(t.Context(), c.then, want, nil); err != nil {
				t.Fatal(err)
			}
			if sumOf(t, m) != sumOf(t, want) {
				t.Error("after a rebuild they are not that log's")
			}
			if err := orchestrator.CatchUp(t.Context(), c.then, m, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// The state of a moment is built where nobody's live read models are.
func TestAMomentIsBuiltInAVacantPlace(t *testing.T) {
	t.Parallel()
	log, _ := newLog(t)
	importInto(t, log, simulated(10))
	m := openModels(t)
	for range 2 {
		if err := orchestrator.Vacant(t.Context(), m); err != nil {
			t.Fatalf("empty, or built before: %v", err)
		}
		if err := orchestrator.Build(t.Context(), log, m, orchestrator.Moment{Position: 9}, nil); err != nil {
			t.Fatal(err)
		}
	}
	live := openModels(t)
	if err := orchestrator.CatchUp(t.Context(), log, live, nil); err != nil {
		t.Fatal(err)
	}
	if err := orchestrator.Vacant(t.Context(), live); !errors.Is(err, orchestrator.ErrLive) {
		t.Errorf("got %v, want ErrLive", err)
	}
}
