package projections_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// An agent of history and a live one of its name are two, also in early logs, where they share a stream.
func TestAgentsOfHistoryStandApart(t *testing.T) {
	t.Parallel()
	run := func(id string, source *events.Source) []any {
		return []any{
			"run-" + id, events.RunStarted{Run: id, Workflow: "w", Source: source},
			"run-" + id, events.RunStepStarted{Step: 0, Name: "ask", Agent: "clerk"},
			"run-" + id, events.RunStepFinished{Step: 0, Outcome: events.Succeeded, CostNanos: 5},
			"run-" + id, events.RunFinished{Outcome: events.Succeeded},
		}
	}
	old := events.AgentSpawned{Agent: "clerk", Imported: true}
	for name, facts := range map[string][]any{
		"named by source":    {"agent-clerk (chat)", events.AgentSpawned{Agent: "clerk (chat)", Imported: true}, "agent-clerk (chat)", events.AgentAdopted{As: "bert"}, "agent-clerk", events.AgentSpawned{Agent: "clerk"}},
		"of an early log":    {"agent-clerk", old, "agent-clerk", events.AgentAdopted{As: "bert"}, "agent-clerk", events.AgentSpawned{Agent: "clerk"}},
		"made by configure":  {"agent-clerk", old, "agent-clerk", events.AgentAdopted{As: "bert"}, "agent-clerk", events.AgentConfigured{}},
		"known to both ways": {"agent-clerk", old, "agent-clerk", events.AgentAdopted{As: "bert"}, "agent-clerk (chat)", events.AgentSpawned{Agent: "clerk (chat)", Imported: true}, "agent-clerk", events.AgentSpawned{Agent: "clerk"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries := given(append(append(facts, run("a", &events.Source{Format: "chat"})...), run("b", nil)...)...)
			for i := range entries {
				if e, ok := entries[i].Event.(events.AgentSpawned); ok && e.Imported {
					entries[i].Envelope.Actor = "import:chat"
				}
			}
			m := memory(t)
			if err := m.Apply(t.Context(), 0, entries); err != nil {
				t.Fatal(err)
			}
			if parked, err := m.Parked(t.Context()); err != nil || len(parked) > 0 {
				t.Fatalf("parked: %+v, %v", parked, err)
			}
			agents, err := m.Agents(t.Context())
			if err != nil || len(agents) != 2 {
				t.Fatalf("%+v, %v", agents, err)
			}
			live, history := agents[0], agents[1]
			if live.Agent != "clerk" || live.Imported || live.Status != projections.AgentActive || live.Runs != 1 || live.Configured != 1 {
				t.Errorf("live: %+v", live)
			}
			if history.Agent != "clerk (chat)" || !history.Imported || history.AdoptedAs != "bert" || history.Runs != 1 || history.Configured != 1 {
				t.Errorf("of history: %+v", history)
			}
			r, err := m.Report(t.Context(), projections.MetricsFilter{})
			if err != nil || r.ByAgent["clerk"].Runs != 1 || r.ByAgent["clerk (chat)"].Runs != 1 {
				t.Errorf("metrics: %+v, %v", r.ByAgent, err)
			}
			for _, name := range []string{"clerk", "clerk (chat)"} {
				runs, err := readmodel.Collect(m.Runs(t.Context(), projections.RunFilter{Agent: name}))
				if err != nil || len(runs) != 1 || runs[0].Agents[0] != name {
					t.Errorf("runs of %s: %+v, %v", name, runs, err)
				}
			}
		})
	}
}
