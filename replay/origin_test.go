package replay_test

import (
	"errors"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// Read models go on with the log that they were built from, and with no other.
func TestReadModelsBelongToTheirLog(t *testing.T) {
	t.Parallel()
	one, _ := logtest.New(t)
	logtest.Import(t, one, logtest.Simulated(10))
	other, dispatch := logtest.New(t)
	meta := commands.Meta{ID: orchestrator.NewID(), At: time.Now(), Actor: "user:anna"}
	if _, err := dispatch.Dispatch(t.Context(), commands.OpenTask{Meta: meta, Task: "t", Workflow: "w", Title: "Do"}); err != nil {
		t.Fatal(err)
	}
	logtest.Import(t, other, logtest.Simulated(30))
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
		return replay.Build(t.Context(), one, m.Models, replay.Moment{Position: 7}, nil)
	}
	for name, c := range map[string]struct {
		before func(*projections.Models) error // nil: they follow one log
		then   eventstore.Store
		want   error
	}{
		"the same log":                      {nil, one, nil},
		"another log":                       {nil, other, replay.ErrOtherLog},
		"an older backup":                   {nil, restored, replay.ErrAhead},
		"no log":                            {nil, empty, replay.ErrAhead},
		"what shows a moment":               {built, one, replay.ErrBuilt},
		"what shows a moment of another":    {built, other, replay.ErrBuilt},
		"new ones, from a log that is none": {func(m *projections.Models) error { return replay.CatchUp(t.Context(), empty, m, nil) }, one, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := logtest.Models(t)
			if c.before == nil {
				c.before = func(m *projections.Models) error { return replay.CatchUp(t.Context(), one, m, nil) }
			}
			if err := c.before(m); err != nil {
				t.Fatal(err)
			}
			if err := replay.CatchUp(t.Context(), c.then, m, nil); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err := replay.RebuildModels(t.Context(), c.then, m, nil, "metrics"); !errors.Is(err, c.want) {
				t.Errorf("rebuilding one read model: got %v, want %v", err, c.want)
			}
			// Whoever rebuilds all of them means it.
			if err := replay.RebuildModels(t.Context(), c.then, m, nil); err != nil {
				t.Fatal(err)
			}
			want := logtest.Models(t)
			if err := replay.CatchUp(t.Context(), c.then, want, nil); err != nil {
				t.Fatal(err)
			}
			if sumOf(t, m) != sumOf(t, want) {
				t.Error("after a rebuild they are not that log's")
			}
			if err := replay.CatchUp(t.Context(), c.then, m, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// The state of a moment is built where nobody's live read models are.
func TestAMomentIsBuiltInAVacantPlace(t *testing.T) {
	t.Parallel()
	log, _ := logtest.New(t)
	logtest.Import(t, log, logtest.Simulated(10))
	m := logtest.Models(t)
	for range 2 {
		if err := replay.Vacant(t.Context(), m); err != nil {
			t.Fatalf("empty, or built before: %v", err)
		}
		if err := replay.Build(t.Context(), log, m.Models, replay.Moment{Position: 9}, nil); err != nil {
			t.Fatal(err)
		}
	}
	live := logtest.Models(t)
	if err := replay.CatchUp(t.Context(), log, live, nil); err != nil {
		t.Fatal(err)
	}
	if err := replay.Vacant(t.Context(), live); !errors.Is(err, replay.ErrLive) {
		t.Errorf("got %v, want ErrLive", err)
	}
}
