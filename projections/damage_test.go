package projections_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

func TestDamagedHistoryIsParked(t *testing.T) {
	t.Parallel()
	started := events.RunStarted{Run: "r", Workflow: "w"}
	step := events.RunStepStarted{Step: 0, Name: "a"}
	finished := events.RunStepFinished{Step: 0, Outcome: events.Succeeded}
	ended := events.RunFinished{Outcome: events.Succeeded}
	for name, c := range map[string]struct {
		facts []any
		in    string
	}{
		"step without a run":       {[]any{"run-r", step}, "runs"},
		"step finished, not begun": {[]any{"run-r", started, "run-r", finished}, "runs"},
		"negative step":            {[]any{"run-r", started, "run-r", events.RunStepFinished{Step: -1, Outcome: events.Succeeded}}, "runs"},
		"step number left out":     {[]any{"run-r", started, "run-r", events.RunStepStarted{Step: 1 << 60}}, "runs"},
		"step finished twice":      {[]any{"run-r", started, "run-r", step, "run-r", finished, "run-r", finished}, "runs"},
		"unknown step outcome":     {[]any{"run-r", started, "run-r", step, "run-r", events.RunStepFinished{Outcome: "running"}}, "runs"},
		"negative tokens":          {[]any{"run-r", started, "run-r", step, "run-r", events.RunStepFinished{Outcome: events.Failed, InputTokens: -1}}, "runs"},
		"unknown run outcome":      {[]any{"run-r", started, "run-r", events.RunFinished{}}, "runs"},
		"fact after the end":       {[]any{"run-r", started, "run-r", ended, "run-r", step}, "runs"},
		"second end":               {[]any{"run-r", started, "run-r", ended, "run-r", events.RunFailed{}}, "runs"},
		"run started twice":        {[]any{"run-r", started, "run-r", started}, "runs"},
		"run of another stream":    {[]any{"run-x", started}, "runs"},
		"agent never spawned":      {[]any{"agent-a", events.AgentRetired{}}, "agents"},
		"agent spawned twice":      {[]any{"agent-a", events.AgentSpawned{Agent: "a"}, "agent-a", events.AgentSpawned{Agent: "a"}}, "agents"},
		"task never opened":        {[]any{"task-a", events.TaskUpdated{Note: "x"}}, "tasks"},
		"feedback given twice":     {[]any{"feedback-a", events.FeedbackGiven{Feedback: "a"}, "feedback-a", events.FeedbackGiven{Feedback: "a"}}, "feedback"},
		"improvement not proposed": {[]any{"improvement-a", events.ImprovementApproved{}}, "improvements"},
		"runbook of another name":  {[]any{"runbook-a", events.RunbookSaved{Runbook: "b"}}, "runbooks"},
		"budget never set":         {[]any{"budget-a", events.BudgetExhausted{}}, "budgets"},
		"goal never created":       {[]any{"goal-a", events.GoalStarted{}}, "goals"},
		"goal created twice":       {[]any{"goal-a", events.GoalCreated{Goal: "a"}, "goal-a", events.GoalCreated{Goal: "a"}}, "goals"},
		"tool never seen":          {[]any{"tool-a", events.ToolAccepted{Digest: "1"}}, "tools"},
		"tool pinned twice":        {[]any{"tool-a", events.ToolPinned{Tool: "a"}, "tool-a", events.ToolPinned{Tool: "a"}}, "tools"},
		"token never created":      {[]any{"token-a", events.TokenRevoked{}}, "tokens"},
		"trigger never set":        {[]any{"trigger-a", events.TriggerRemoved{}}, "triggers"},
		"timer of no trigger":      {[]any{"timer-a", events.TimerFired{Trigger: "a"}}, "triggers"},
		"trigger of another name":  {[]any{"trigger-a", events.TriggerSet{Trigger: "b"}}, "triggers"},
		"token created twice":      {[]any{"token-a", events.TokenCreated{Token: "a"}, "token-a", events.TokenCreated{Token: "a"}}, "tokens"},
		"budget of another name":   {[]any{"budget-a", events.BudgetSet{Budget: "b"}}, "budgets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries := given(c.facts...)
			last := entries[len(entries)-1].Envelope
			sound := digest(t, folded(t, c.facts[:len(c.facts)-2]...))
			// In one batch, and behind a restart.
			for _, split := range []int{0, len(entries) - 1} {
				m := memory(t)
				if err := m.Apply(t.Context(), 0, entries[:split]); err != nil {
					t.Fatal(err)
				}
				if err := m.Apply(t.Context(), uint64(split), entries[split:]); err != nil {
					t.Fatal(err)
				}
				parked, err := m.Parked(t.Context())
				if err != nil || len(parked) != 1 {
					t.Fatalf("got %+v, %v, want one parked stream", parked, err)
				}
				if p := parked[0]; p.Position != last.Position || p.Stream != last.Stream || p.Projection != c.in || !strings.Contains(p.Reason, "damaged history") {
					t.Errorf("got %+v", p)
				}
				// What can't be folded leaves no other trace but that of its hour.
				for i, table := range digest(t, m).Tables {
					if table != sound.Tables[i] && table.Table != "parked_streams" && table.Table != "log_hours" {
						t.Errorf("%s changed", table.Table)
					}
				}
			}
		})
	}
}

func TestFailedBatchIsForgotten(t *testing.T) {
	t.Parallel()
	run := func(name string) []any {
		return []any{
			"run-" + name, events.RunStarted{Run: name, Workflow: "w", Task: "t"},
			"run-" + name, events.RunFinished{Outcome: events.Succeeded},
		}
	}
	m := memory(t)
	entries := given(slices.Concat(run("a"), run("b"), run("c"))...)
	entries[4].Envelope.Position = 4
	if err := m.Apply(t.Context(), 0, entries[:2]); err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(t.Context(), 2, entries[2:]); !errors.Is(err, readmodel.ErrOrder) {
		t.Fatal(err)
	}
	if err := m.Apply(t.Context(), 2, entries[2:4]); err != nil {
		t.Fatal(err)
	}
	for row, err := range m.Patterns(t.Context(), projections.VariantPattern, "w", 0) {
		if err != nil || row.Runs != 2 || row.Count != 2 || row.Succeeded != 2 {
			t.Errorf("got %+v, %v", row, err)
		}
	}
	tasks, err := m.Tasks(t.Context())
	if err != nil || len(tasks) != 1 || tasks[0].Runs != 2 || tasks[0].Succeeded != 2 {
		t.Errorf("got %+v, %v", tasks, err)
	}
}
