package projections_test

import (
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

func TestCountersAreNoPartOfNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"update-11": "update", "agent.react.partial_update-263": "agent.react.partial_update", "iteration_3": "iteration", "Task #4": "Task", "turn--2": "turn",
		"update": "update", "search2": "search2", "HTTP 404": "HTTP 404", "v1.2": "v1.2", "2026-11-28": "2026-11-28", "-7": "-7", "": "",
		"chat gpt-4": "chat gpt-4", "gpt-4": "gpt-4", "chat gpt-5": "chat gpt",
	} {
		if got := projections.WithoutCounter(name, []string{"", "gpt-4"}); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// Runs whose steps differ by counters alone are of one pattern; the run itself shows the names as they came.
func TestPatternsKnowNoCounters(t *testing.T) {
	t.Parallel()
	run := func(id string, names ...string) (all []any) {
		all = append(all, "run-"+id, events.RunStarted{Run: id, Workflow: "w"})
		for i, name := range names {
			all = append(all, "run-"+id, events.RunStepStarted{Step: i, Name: name}, "run-"+id, events.RunStepFinished{Step: i, Outcome: events.Succeeded})
		}
		return append(all, "run-"+id, events.RunFinished{Outcome: events.Succeeded})
	}
	m := folded(t, facts(run("a", "start-1", "update-11", "update-12"), run("b", "start-2", "update-13", "update-14"))...).In("")
	patterns, err := readmodel.Collect(m.Patterns(t.Context(), projections.VariantPattern, "w", 0))
	if err != nil || len(patterns) != 1 || patterns[0].Runs != 2 || !slices.Equal(patterns[0].Steps, []string{"start", "update", "update"}) {
		t.Errorf("%+v, %v", patterns, err)
	}
	row, steps, err := m.Run(t.Context(), "b")
	if err != nil || steps[1].Name != "update-13" || !slices.Equal(row.Trace, []string{"start-2", "update-13", "update-14"}) {
		t.Errorf("%+v, %+v, %v", row, steps, err)
	}
	var stats projections.StepStats
	observed, err := m.Observations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range observed {
		stats.Add(run)
	}
	if list := stats.List(); len(list) != 2 || list[1].Name != "update" || list[1].Steps != 4 || list[1].Runs != 2 {
		t.Errorf("%+v", list)
	}
}
