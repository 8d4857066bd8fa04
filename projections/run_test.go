package projections_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Metrics of a period are those of the runs that ended in it.
func TestPeriods(t *testing.T) {
	t.Parallel()
	imported := &events.Source{Format: "runs", Record: "r"}
	run := func(id string, source *events.Source, cost events.Nanos) []any {
		return []any{
			"run-" + id, events.RunStarted{Run: id, Workflow: "w", Source: source},
			"run-" + id, events.RunStepStarted{Step: 0, Name: "ask", Agent: "bert"},
			"run-" + id, events.RunStepFinished{Step: 0, Outcome: events.Succeeded, CostNanos: 5},
			"run-" + id, events.RunFinished{Outcome: events.Succeeded, CostNanos: cost},
		}
	}
	entries := given(append(append(append(run("a", nil, 7), run("b", imported, 100)...), run("c", nil, 0)...), run("d", nil, 5)[:2]...)...)
	for i := range entries {
		entries[i].Envelope.OccurredAt = noon.AddDate(0, 0, i/4)
	}
	m := memory(t)
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		since, until  string
		runs, running int64
		cost          events.Nanos
	}{
		{"", "", 4, 1, 112}, {"2026-11-22", "2026-11-22", 1, 0, 7}, {"2026-11-23", "", 2, 0, 105}, {"", "2026-11-23", 2, 0, 107}, {"2026-12-01", "", 0, 0, 0},
	} {
		r, err := m.Report(t.Context(), projections.MetricsFilter{Since: c.since, Until: c.until})
		if err != nil || r.Runs != c.runs || r.Running != c.running || r.CostNanos != c.cost || r.ByAgent["bert"].Runs+r.ByAgent["bert (runs)"].Runs != min(c.runs, 3) {
			t.Errorf("%s to %s: %+v, %v, want %+v", c.since, c.until, r, err, c)
		}
	}
}

// TestMetricsOfAnyDays adds up days and weeks to what the runs of these days alone come to.
func TestMetricsOfAnyDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.Custom(func(t *rapid.T) string {
			return noon.AddDate(0, 0, rapid.IntRange(-30, 30).Draw(t, "day")).Format(time.DateOnly)
		})
		bound := rapid.OneOf(day, rapid.Just(""))
		since, until := bound.Draw(t, "since"), bound.Draw(t, "until")
		if since == "" && until == "" {
			since = "2000-01-01"
		}
		all, of := given(), given()
		for i, ended := range rapid.SliceOfN(day, 0, 60).Draw(t, "ended") {
			id := fmt.Sprint(i)
			entries := given(
				"run-"+id, events.RunStarted{Run: id, Workflow: "w"},
				"run-"+id, events.RunStepStarted{Step: 0, Name: "ask", Agent: "bert"},
				"run-"+id, events.RunStepFinished{Step: 0, Outcome: events.Succeeded, CostNanos: events.Nanos(i)},
				"run-"+id, events.RunFinished{Outcome: events.Succeeded, CostNanos: events.Nanos(1 + i)},
			)
			for j := range entries {
				entries[j].Envelope.OccurredAt, _ = time.Parse(time.DateOnly, ended)
				entries[j].Envelope.OccurredAt = entries[j].Envelope.OccurredAt.Add(time.Duration(i*j) * time.Second)
			}
			all = append(all, entries...)
			if ended >= since && (until == "" || ended <= until) {
				of = append(of, entries...)
			}
		}
		if got, want := reported(t, all, projections.MetricsFilter{Since: since, Until: until}), reported(t, of, projections.MetricsFilter{}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s to %s: %+v, want %+v", since, until, got, want)
		}
	})
}

// reported is what facts come to, without pass^k.
func reported(t *rapid.T, entries []readmodel.Entry, f projections.MetricsFilter) projections.Report {
	m, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		entries[i].Envelope.Position = uint64(i + 1)
	}
	if err := m.Apply(t.Context(), 0, entries); err != nil {
		t.Fatal(err)
	}
	r, err := m.Report(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []map[string]projections.Metrics{r.ByWorkflow, r.ByAgent, r.ByModel, r.ByTool} {
		for name, m := range by {
			m.PassHat, m.PassHatTasks = nil, nil
			by[name] = m
		}
	}
	r.PassHat, r.PassHatTasks = nil, nil
	return r
}

// A live run tells who answers it, and a conversation's runs are found by it.
func TestRunsOfAConversation(t *testing.T) {
	t.Parallel()
	m := folded(t,
		"run-a", events.RunStarted{Run: "a", Workflow: "w", Conversation: "a", Agent: "bert"},
		"run-b", events.RunStarted{Run: "b", Workflow: "w", Conversation: "b", Agent: "bert"},
		"run-c", events.RunStarted{Run: "c", Workflow: "w", Conversation: "a", Agent: "bert"},
		"run-a", events.RunAssigned{Agent: "carl", Revision: 3},
		"run-a", events.RunFinished{Outcome: events.Succeeded, FinishReason: "stop"},
	)
	type row struct {
		run, agent, reason string
		revision           int64
	}
	var got []row
	for r, err := range m.Runs(t.Context(), projections.RunFilter{Conversation: "a"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row{r.Run, r.Agent, r.FinishReason, r.AgentRevision})
	}
	if want := []row{{"c", "bert", "", -1}, {"a", "carl", "stop", 3}}; !slices.Equal(got, want) {
		t.Errorf("runs %v, want %v", got, want)
	}
}

// What nobody knows is counted, and a source's total for the whole run leaves nothing unknown.
func TestACostIsKnownOrCountedAsUnknown(t *testing.T) {
	t.Parallel()
	step := func(nanos events.Nanos, unpriced bool) events.RunStepFinished {
		return events.RunStepFinished{Outcome: events.Succeeded, CostNanos: nanos, Unpriced: unpriced}
	}
	for name, c := range map[string]struct {
		step events.RunStepFinished
		end  events.Run
		want events.Cost
	}{
		"all known":                 {step(5, false), events.RunFinished{Outcome: events.Succeeded}, events.Cost{CostNanos: 5}},
		"a step is not":             {step(5, true), events.RunFinished{Outcome: events.Succeeded}, events.Cost{CostNanos: 5, UnpricedCalls: 1}},
		"calls in no step":          {step(0, true), events.RunFailed{UnpricedCalls: 2}, events.Cost{UnpricedCalls: 3}},
		"the whole is told":         {step(5, true), events.RunFinished{Outcome: events.Succeeded, CostNanos: 9}, events.Cost{CostNanos: 9}},
		"the whole is told as less": {step(5, true), events.RunCancelled{CostNanos: 4}, events.Cost{CostNanos: 5, UnpricedCalls: 1}},
	} {
		m := folded(t, "run-r", events.RunStarted{Run: "r", Workflow: "w"}, "run-r", events.RunStepStarted{Name: "ask", Type: events.ChatStep, Agent: "bert"}, "run-r", c.step, "run-r", c.end)
		run, _, err := m.Run(t.Context(), "r")
		if err != nil || run.Cost != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, run.Cost, err, c.want)
		}
		report, err := m.Report(t.Context(), projections.MetricsFilter{})
		if err != nil || report.Cost != c.want || report.ByWorkflow["w"].Cost != c.want || report.ByAgent["bert"].Cost != c.step.Cost() {
			t.Errorf("%s: metrics %+v, %v, want %+v", name, report, err, c.want)
		}
	}
}
