package projections_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// given makes entries of facts, one a minute from noon. A fact is prefixed by its stream.
func given(facts ...any) []readmodel.Entry {
	var entries []readmodel.Entry
	revisions := map[string]uint64{}
	for i := 0; i < len(facts); i += 2 {
		stream, e := facts[i].(string), facts[i+1].(events.Event)
		entries = append(entries, readmodel.Entry{Event: e, Envelope: events.Envelope{
			Stream: stream, Revision: revisions[stream], Position: uint64(len(entries) + 1), Kind: e.Kind(),
			OccurredAt: noon.Add(time.Duration(len(entries)) * time.Minute),
		}})
		revisions[stream]++
	}
	return entries
}

func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

func memory(t *testing.T) *projections.Models {
	t.Helper()
	m, err := projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func folded(t *testing.T, facts ...any) *projections.Models {
	t.Helper()
	m := memory(t)
	if err := m.Apply(t.Context(), 0, given(facts...)); err != nil {
		t.Fatal(err)
	}
	return m
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

// support is a run of three steps, of which the last one is still open when it fails, by an agent spawned too late.
func support() []any {
	zero := 0
	return []any{
		"run-r1", events.RunStarted{
			Run: "r1", Workflow: "support", Task: "t1", Requester: "anna", Prompt: "help", Labels: map[string]string{"b": "2", "a": "1"},
			Source: &events.Source{Format: "runs", Record: "r1"}, Conversation: "c1",
		},
		"run-r1", events.RunStepStarted{Step: 0, Name: "ask", Type: events.ChatStep, Agent: "bert", Model: "gpt"},
		"run-r1", events.RunStepStarted{Step: 1, Name: "look", Type: events.ToolStep, Agent: "bert", Tool: "search", Parent: &zero, DependsOn: []int{0}},
		"run-r1", events.RunStepFinished{Step: 1, Outcome: events.Failed, Error: "gone"},
		"run-r1", events.RunStepFinished{Step: 0, Outcome: events.Succeeded, Model: "gpt-1", InputTokens: 10, OutputTokens: 4, CachedTokens: 2, CostNanos: 7, Unpriced: true},
		"run-r1", events.RunLLMCalled{},
		"run-r1", events.RunStepStarted{Step: 2, Name: "look", Type: events.ToolStep, Agent: "carl", Tool: "search"},
		"run-r1", events.RunFailed{Error: "no answer", FinishReason: "length", CostNanos: 9},
		"agent-bert (runs)", events.AgentSpawned{Agent: "bert (runs)", Role: "clerk", Imported: true},
	}
}

func TestRunBecomesRows(t *testing.T) {
	t.Parallel()
	m := folded(t, support()...)
	run, steps, err := m.Run(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "run", run, projections.RunRow{
		Run: "r1", Workflow: "support", Task: "t1", Requester: "anna", Prompt: "help", Outcome: events.Failed,
		Conversation: "c1", AgentRevision: -1, FinishReason: "length", Error: "no answer", Labels: map[string]string{"a": "1", "b": "2"}, Source: "runs",
		StartedAt: minute(0), EndedAt: minute(7), DurationNS: int64(7 * time.Minute), Steps: 3, FailedSteps: 1, InputTokens: 10,
		OutputTokens: 4, Cost: events.Cost{CostNanos: 9}, Trace: []string{"ask", "look", "look"}, Agents: []string{"bert (runs)", "carl (runs)"},
		Models: []string{"gpt-1"}, Tools: []string{"search"}, FirstPosition: 1, LastPosition: 8,
	})
	equal(t, "steps", steps, []projections.StepRow{
		{
			Run: "r1", Step: 0, Workflow: "support", Name: "ask", Type: events.ChatStep, Agent: "bert (runs)", Model: "gpt-1", Parent: -1,
			Outcome: events.Succeeded, StartedAt: minute(1), EndedAt: minute(4), DurationNS: int64(3 * time.Minute),
			InputTokens: 10, OutputTokens: 4, CachedTokens: 2, CostNanos: 7, Unpriced: true, Position: 5,
		},
		{
			Run: "r1", Step: 1, Workflow: "support", Name: "look", Type: events.ToolStep, Agent: "bert (runs)", Tool: "search", Parent: 0,
			DependsOn: []int{0}, Outcome: events.Failed, Error: "gone", StartedAt: minute(2), EndedAt: minute(3),
			DurationNS: int64(time.Minute), Position: 4,
		},
		{
			Run: "r1", Step: 2, Workflow: "support", Name: "look", Type: events.ToolStep, Agent: "carl (runs)", Tool: "search", Parent: -1,
			Outcome: projections.Running, StartedAt: minute(6), DurationNS: -1, Position: 7,
		},
	})
}

func TestRunIsCounted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := folded(t, support()...)
	agents, _ := m.Agents(ctx)
	equal(t, "agents", agents, []projections.AgentRow{
		{Agent: "bert (runs)", Role: "clerk", Status: projections.AgentActive, Imported: true, Configured: 1, SpawnedAt: minute(8), Runs: 1, Position: 9},
		{Agent: "carl (runs)", Runs: 1, Position: 7},
	})
	tasks, _ := m.Tasks(ctx)
	equal(t, "tasks", tasks, []projections.TaskRow{{Workflow: "support", Task: "t1", Runs: 1, Failed: 1, UpdatedAt: minute(7), Position: 8}})
	costs, _ := m.Costs(ctx)
	equal(t, "costs", costs, []projections.CostRow{{
		Day: "2026-11-22", Workflow: "support", Agent: "bert (runs)", Model: "gpt-1", Calls: 1, InputTokens: 10, OutputTokens: 4,
		CachedTokens: 2, Cost: events.Cost{CostNanos: 7, UnpricedCalls: 1},
	}})
	var patterns []projections.PatternRow
	for _, kind := range []projections.PatternKind{projections.VariantPattern, projections.FollowsPattern} {
		for row, err := range m.Patterns(ctx, kind, "support", 0) {
			if err != nil {
				t.Fatal(err)
			}
			patterns = append(patterns, row)
		}
	}
	pattern := func(kind projections.PatternKind, steps ...string) projections.PatternRow {
		return projections.PatternRow{
			Workflow: "support", Kind: kind, Digest: projections.PatternDigest(steps), Steps: steps, Count: 1, Runs: 1, Failed: 1,
			FirstPosition: 1, LastPosition: 8,
		}
	}
	equal(t, "patterns", patterns, []projections.PatternRow{
		pattern(projections.VariantPattern, "ask", "look", "look"),
		pattern(projections.FollowsPattern, "ask", "look"), pattern(projections.FollowsPattern, "look", "look"),
	})
	metric := func(d projections.Dimension, name string) projections.MetricRow {
		return projections.MetricRow{Dimension: d, Name: name, Day: "2026-11-22", Runs: 1, Failed: 1}
	}
	workflow, bert, carl := metric(projections.ByWorkflow, "support"), metric(projections.ByAgent, "bert (runs)"), metric(projections.ByAgent, "carl (runs)")
	model, tool := metric(projections.ByModel, "gpt-1"), metric(projections.ByTool, "search")
	workflow.Steps, workflow.FailedSteps, workflow.InputTokens, workflow.OutputTokens, workflow.CostNanos = 3, 1, 10, 4, 9
	bert.Steps, bert.FailedSteps, bert.InputTokens, bert.OutputTokens, bert.Cost = 2, 1, 10, 4, events.Cost{CostNanos: 7, UnpricedCalls: 1}
	model.Steps, model.InputTokens, model.OutputTokens, model.Cost = 1, 10, 4, events.Cost{CostNanos: 7, UnpricedCalls: 1}
	tool.Steps, tool.FailedSteps = 2, 1
	carl.Steps = 1 // it never finished
	for d, want := range map[projections.Dimension][]projections.MetricRow{
		projections.ByWorkflow: {workflow}, projections.ByAgent: {bert, carl}, projections.ByModel: {model}, projections.ByTool: {tool},
	} {
		got, _ := m.Daily(ctx, d)
		equal(t, "metrics by "+string(d), got, want)
	}
}

func TestOtherNounsBecomeRows(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	half, step := .5, 3
	evidence := events.Evidence{From: 1, To: 9, Statistic: "s", Value: .5, Low: .1, High: .9, Confidence: .95, N: 4}
	m := folded(t,
		"agent-bert", events.AgentSpawned{Agent: "bert", Config: events.AgentConfig{Model: "m1", Temperature: &half, Tools: []string{"x"}}},
		"agent-bert", events.AgentConfigured{Config: events.AgentConfig{Model: "m2", MaxTokens: 9}, Author: "user:anna", Reason: "why", Improvement: "i", Restores: 1},
		"agent-bert", events.AgentRetired{},
		"task-a-b", events.TaskOpened{Task: "a-b", Workflow: "w", Title: "Do", Assignee: "anna"},
		"task-a-b", events.TaskUpdated{Status: events.TaskDone},
		"run-r", events.RunStarted{Run: "r", Workflow: "w", Task: "a-b", Undated: true},
		"run-r", events.RunFinished{Outcome: events.Unrated, Undated: true},
		"feedback-f", events.FeedbackGiven{Feedback: "f", Run: "r", Step: &step, User: "anna", Score: &half, Text: "ok"},
		"improvement-i", events.ImprovementProposed{
			Improvement: "i", Analyst: "workflow", AnalystVersion: 2, Reason: "why", Evidence: evidence,
			Change: events.Change{Kind: events.ChangeWorkflow, Workflow: "w"},
		},
		"improvement-i", events.ImprovementApproved{By: "anna", Note: "go"},
		"improvement-i", events.ImprovementApplied{Share: 50},
		"improvement-i", events.ImprovementEffectMeasured{Evidence: evidence},
		"improvement-i", events.ImprovementRolledBack{Reason: "worse"},
		"runbook-b", events.RunbookSaved{Runbook: "b", Workflow: "w", Steps: []events.RunbookStep{{Name: "one"}}},
		"runbook-b", events.RunbookSaved{Runbook: "b", Workflow: "w", Run: "r", Steps: []events.RunbookStep{{Name: "two"}}},
		"budget-d", events.BudgetSet{Budget: "d", Period: events.Daily, LimitNanos: 5},
		"budget-d", events.BudgetExhausted{Starting: "2026-11-22", SpentNanos: 6},
		"budget-e", events.BudgetSet{Budget: "e", Period: events.Monthly, LimitNanos: 5},
		"budget-e", events.BudgetExhausted{Starting: "2026-11-01", SpentNanos: 6},
		"budget-e", events.BudgetSet{Budget: "e", Period: events.Monthly, LimitNanos: 8},
	)
	agents, _ := m.Agents(ctx)
	equal(t, "agents", agents, []projections.AgentRow{{
		Agent: "bert", Model: "m2", MaxTokens: 9, Status: projections.AgentRetired, Configured: 2, SpawnedAt: minute(0), RetiredAt: minute(2), Position: 3,
	}})
	versions, _ := m.AgentVersions(ctx, "bert")
	equal(t, "versions", versions, []projections.AgentVersionRow{
		{Agent: "bert", Version: 1, Config: events.AgentConfig{Model: "m1", Temperature: &half, Tools: []string{"x"}}, MadeAt: minute(0), Position: 1},
		{
			Agent: "bert", Version: 2, Author: "user:anna", Reason: "why", Improvement: "i", Restores: 1,
			Config: events.AgentConfig{Model: "m2", MaxTokens: 9}, MadeAt: minute(1), Position: 2,
		},
	})
	tasks, _ := m.Tasks(ctx)
	equal(t, "tasks", tasks, []projections.TaskRow{{
		Workflow: "w", Task: "a-b", Title: "Do", Status: events.TaskDone, Assignee: "anna", Runs: 1, Unrated: 1, UpdatedAt: minute(4), Position: 7,
	}})
	feedback, _ := m.Feedback(ctx, "r")
	equal(t, "feedback", feedback, []projections.FeedbackRow{{
		Feedback: "f", Run: "r", Step: 3, User: "anna", Score: &half, Text: "ok", GivenAt: minute(7), Position: 8,
	}})
	improvements, _ := m.Improvements(ctx, projections.RolledBack)
	equal(t, "improvements", improvements, []projections.ImprovementRow{{
		Improvement: "i", Analyst: "workflow", AnalystVersion: 2, Kind: "workflow", Workflow: "w", Status: projections.RolledBack,
		Reason: "why", Change: events.Change{Kind: events.ChangeWorkflow, Workflow: "w"}, Evidence: evidence, Measured: &evidence,
		Generation: 1, Strength: events.Moderate, EndedPosition: 13, DecidedBy: "anna", Note: "worse", ProposedAt: minute(8), UpdatedAt: minute(12), Position: 13,
	}})
	runbooks, _ := m.Runbooks(ctx)
	equal(t, "runbooks", runbooks, []projections.RunbookRow{{
		Runbook: "b", Version: 2, Workflow: "w", Run: "r", Steps: []events.RunbookStep{{Name: "two"}}, SavedAt: minute(14), Position: 15,
	}})
	budgets, _ := m.Budgets(ctx)
	equal(t, "budgets", budgets, []projections.BudgetRow{
		{Budget: "d", Period: events.Daily, LimitNanos: 5, Exhausted: "2026-11-22", Starting: "2026-11-22", SpentNanos: 6, Reached: 100, Position: 17},
		{Budget: "e", Period: events.Monthly, LimitNanos: 8, Starting: "2026-11-01", SpentNanos: 6, Position: 20},
	})
	run, steps, err := m.Run(ctx, "r")
	if err != nil || len(steps) != 0 || run.DurationNS != -1 || !run.StartedAt.IsZero() {
		t.Errorf("undated run: %+v, %v, %v", run, steps, err)
	}
	daily, _ := m.Daily(ctx, projections.ByWorkflow)
	equal(t, "undated metrics", daily, []projections.MetricRow{{Dimension: projections.ByWorkflow, Name: "w", Runs: 1, Unrated: 1}})
	patterns := slices.Collect(func(yield func(projections.PatternRow) bool) {
		for row := range m.Patterns(ctx, projections.VariantPattern, "", 0) {
			yield(row)
		}
	})
	equal(t, "variants", patterns, []projections.PatternRow{{
		Workflow: "w", Kind: projections.VariantPattern, Digest: projections.PatternDigest(nil), Count: 1, Runs: 1, Unrated: 1,
		FirstPosition: 6, LastPosition: 7,
	}})
}

// What a row does not hold exactly is not known in memory either: whether a process was started anew changes nothing.
func TestTimesThatAColumnCantHold(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]time.Time{
		"the epoch":         time.Unix(0, 0),
		"before all":        time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC),
		"after all":         time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC),
		"another time zone": time.Date(2026, 11, 22, 12, 0, 0, 1, time.FixedZone("", 3600)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := given(
				"run-r1", events.RunStarted{Run: "r1", Workflow: "w"},
				"run-r1", events.RunStepStarted{Step: 0, Name: "ask", Type: events.ChatStep, Agent: "bert", Model: "gpt"},
				"run-r1", events.RunStepFinished{Step: 0, Outcome: events.Succeeded},
				"run-r1", events.RunFinished{Outcome: events.Succeeded},
			)
			for i := range log {
				log[i].Envelope.OccurredAt = begin.Add(time.Duration(i/2) * time.Minute)
			}
			sum := func(restarts ...int) string {
				e := readmodel.NewMemory()
				from := 0
				for _, to := range append(restarts, len(log)) {
					m, err := projections.Open(t.Context(), e, readmodel.Options{})
					if err != nil {
						t.Fatal(err)
					}
					if err := m.Apply(t.Context(), uint64(from), log[from:to]); err != nil {
						t.Fatal(err)
					}
					if from = to; to == len(log) {
						return digest(t, m).SHA256
					}
				}
				return ""
			}
			if one, more := sum(), sum(1, 2, 3); one != more {
				t.Errorf("one process gives %s, several give %s", one, more)
			}
		})
	}
}

// A trace of many steps counts each pair of them as often as it occurs, wherever it occurs.
func TestPairsOfALongTraceAreCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfN(rapid.IntRange(0, 7), 0, 200).Draw(rt, "names")
		facts := []any{"run-r", events.RunStarted{Run: "r", Workflow: "w"}}
		want := make(map[string]int64)
		for i, n := range names {
			name := fmt.Sprintf("step%d", n)
			facts = append(facts, "run-r", events.RunStepStarted{Step: i, Name: name})
			if i > 0 {
				want[fmt.Sprintf("step%d step%d", names[i-1], n)]++
			}
		}
		m := folded(t, append(facts, "run-r", events.RunFinished{Outcome: events.Succeeded})...)
		got := make(map[string]int64)
		for row, err := range m.Patterns(t.Context(), projections.FollowsPattern, "w", 0) {
			if err != nil {
				rt.Fatal(err)
			}
			got[strings.Join(row.Steps, " ")] = row.Count
		}
		if !maps.Equal(got, want) {
			rt.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestARunIsScriptedWhereTheBuiltInModelAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asked    string
		finished events.RunStepFinished
		want     bool
	}{
		"as asked":                 {events.ScriptedModel, events.RunStepFinished{Outcome: events.Succeeded}, true},
		"for another":              {"gpt", events.RunStepFinished{Outcome: events.Succeeded, Model: events.ScriptedModel}, true},
		"not, for another did":     {events.ScriptedModel, events.RunStepFinished{Outcome: events.Succeeded, Model: "gpt"}, false},
		"not, for the call failed": {events.ScriptedModel, events.RunStepFinished{Outcome: events.Failed}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := folded(t,
				"run-r1", events.RunStarted{Run: "r1", Workflow: "w"},
				"run-r1", events.RunStepStarted{Name: "ask", Type: events.ChatStep, Model: c.asked},
				"run-r1", c.finished,
			)
			if run, _, err := m.Run(t.Context(), "r1"); err != nil || run.Scripted != c.want {
				t.Errorf("scripted: %t (%v), want %t", run.Scripted, err, c.want)
			}
		})
	}
}

func digest(t *testing.T, m *projections.Models) readmodel.Digest {
	t.Helper()
	d, err := m.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Gone evidence withdraws a proposal; what is told of it is the latest.
func TestEvidenceThatIsGoneWithdraws(t *testing.T) {
	t.Parallel()
	evidence := events.Evidence{From: 1, To: 9, Statistic: "s", Value: .5, Low: .1, High: .9, Confidence: .95, N: 4}
	later := evidence
	later.N = 8
	m := folded(t,
		"improvement-i-2", events.ImprovementProposed{
			Improvement: "i-2", Generation: 2, Previous: "i", Analyst: "workflow", Claim: &events.Claim{Subject: []string{"contains", "a"}},
			Strength: events.Strong, Reason: "why", Evidence: evidence, Change: events.Change{Kind: events.ChangeWorkflow, Workflow: "w"},
		},
		"improvement-i-2", events.ImprovementEvidenceChanged{Move: events.EvidenceWeaker, Strength: events.Weak, Reason: "less", Evidence: later, Worth: &events.Worth{Month: 7}},
		"improvement-i-2", events.ImprovementEvidenceChanged{Move: events.EvidenceGone, Strength: events.Gone, Reason: "none", Evidence: later, Worth: &events.Worth{Month: 2}},
	)
	rows, err := m.Improvements(t.Context(), projections.Withdrawn)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	if r := rows[0]; r.Generation != 2 || r.Previous != "i" || r.Claim.Subject[1] != "a" || r.Strength != events.Gone || r.Reason != "none" || r.Evidence.N != 8 || r.Worth == nil || r.Worth.Month != 2 || r.EndedPosition != 3 {
		t.Errorf("%+v", r)
	}
}
