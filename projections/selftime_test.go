package projections_test

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// A step is as slow as it is by itself: what ran beneath it, each moment once, is not its own time.
func TestAStepsTimeIsItsOwn(t *testing.T) {
	t.Parallel()
	entries := given("run-r", events.RunStarted{Run: "r", Workflow: "w"})
	put := func(at int, e events.Event) {
		n := uint64(len(entries))
		entries = append(entries, readmodel.Entry{Event: e, Envelope: events.Envelope{
			Stream: "run-r", Revision: n, Position: n + 1, Kind: e.Kind(), OccurredAt: noon.Add(time.Duration(at) * time.Second),
		}})
	}
	steps := []struct {
		name     string
		parent   int
		from, to int
		want     int64
	}{
		{name: "outer", parent: -1, from: 0, to: 100, want: 40},
		{name: "first", parent: 0, from: 10, to: 40, want: 20},
		{name: "inner", parent: 1, from: 15, to: 25, want: 10},
		{name: "beside", parent: 0, from: 30, to: 60, want: 30}, // ten seconds of it beside the first
		{name: "untimed", parent: 0, from: 0, to: -1},
		{name: "late", parent: 0, from: 90, to: 130, want: 40}, // beyond its parent's end
		{name: "under what is not timed", parent: 4, from: 50, to: 55, want: 5},
	}
	for i, s := range steps {
		e := events.RunStepStarted{Step: i, Name: s.name}
		if s.parent >= 0 {
			e.Parent = &s.parent
		}
		put(s.from, e)
	}
	for i, s := range steps {
		put(s.to, events.RunStepFinished{Step: i, Outcome: events.Succeeded, Undated: s.to < 0})
	}
	put(140, events.RunFinished{Outcome: events.Succeeded})
	m := memory(t)
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	observed, err := m.Observations(t.Context())
	if err != nil || len(observed) != 1 || len(observed[0].Steps) != len(steps) {
		t.Fatal(observed, err)
	}
	for i, s := range steps {
		want := s.want * int64(time.Second)
		if s.to < 0 {
			want = -1
		}
		if got := observed[0].Steps[i]; got.OwnNS != want || got.Name != s.name {
			t.Errorf("%s took %d ns by itself, want %d", s.name, got.OwnNS, want)
		}
	}
}
