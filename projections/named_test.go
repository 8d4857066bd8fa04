package projections_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// What has the same name in two workspaces is two: in every list, and in what metrics add up.
func TestWorkspacesAreKeptApart(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	facts := func(workspace, prompt string, cost events.Nanos) []any {
		on := func(category, id string) string { return events.StreamName(category, workspace, id) }
		return []any{
			on("agent", "clerk"), events.AgentSpawned{Agent: "clerk", Role: prompt},
			on("task", "t"), events.TaskOpened{Task: "t", Workflow: "w", Title: prompt},
			on("run", "r"), events.RunStarted{Run: "r", Workflow: "w", Task: "t", Prompt: prompt, Conversation: "slack:T:C:1.2"},
			on("run", "r"), events.RunAssigned{Agent: "clerk", Arms: []events.Arm{{Experiment: "x", Arm: events.CandidateArm}}},
			on("run", "r"), events.RunStepStarted{Step: 0, Name: "ask", Agent: "clerk", Model: "m"},
			on("run", "r"), events.RunStepFinished{Step: 0, Outcome: events.Succeeded, CostNanos: cost},
			on("experiment", "x"), events.ExperimentPlanned{Experiment: "x", Agent: "clerk"},
			on("run", "r"), events.RunApprovalAsked{Approval: "a", Tool: prompt},
			on("run", "r"), events.RunSkillLoaded{Skill: "s", Digest: "0123456789abcdef"},
			on("run", "r"), events.RunFinished{Outcome: events.Succeeded},
			on("feedback", "f"), events.FeedbackGiven{Feedback: "f", Run: "r", Text: prompt},
			on("budget", "b"), events.BudgetSet{Budget: "b", LimitNanos: cost},
			on("improvement", "i"), events.ImprovementProposed{Improvement: "i", Reason: prompt},
			on("goal", "g"), events.GoalCreated{Goal: "g", Prompt: prompt},
			on("goal", "g"), events.GoalAgentAsked{Talk: 1, Text: prompt},
			on("verdict", "r"), events.VerdictGiven{Run: "r", Verdict: events.Failed, From: events.ByPerson},
			on("review", "r"), events.ReviewAsked{Run: "r", Reason: prompt, Reviewers: 1},
			on("rule", "w"), events.RuleSet{Workflow: "w", Rule: prompt},
			on("dataset", "d"), events.DatasetRunAdded{Dataset: "d", Run: "r", Checks: []events.Check{{Kind: events.ExactCheck, Text: prompt}}},
			on("eval", "e"), events.EvalFinished{Eval: "e", Agent: "clerk", Dataset: "d", Runs: 1, By: prompt},
			on("role", "r"), events.RoleAsked{Run: "r", Role: events.RoleAnalysis, Ground: prompt},
			on("judge", "j"), events.JudgeMeasured{Judge: "j", Criterion: prompt},
			on("analyst", "n"), events.AnalystBound{Reason: prompt},
			on("loop", "workspace"), events.LoopPaused{By: "user:anna", Reason: prompt},
			on("tool", "l"), events.ToolPinned{Tool: "l", Digest: prompt},
			on("skill", "s"), events.SkillSaved{Skill: "s", Description: prompt, Files: []events.SkillFile{{Path: events.SkillMain}}},
			on("trigger", "g"), events.TriggerSet{Trigger: "g", Cron: "@daily", Prompt: prompt},
			on("token", "o"), events.TokenCreated{Token: "o", Name: prompt},
			on("runbook", "k"), events.RunbookSaved{Runbook: "k", Notes: prompt},
		}
	}
	m := folded(t, append(append(facts("", "ours", 1), facts("team", "theirs", 2)...), facts("a-b@c", "other", 3)...)...)
	if parked, err := m.Parked(ctx); err != nil || len(parked) > 0 {
		t.Fatalf("parked: %+v, %v", parked, err)
	}
	if all, err := m.Workspaces(ctx); err != nil || !slices.Equal(all, []string{"", "a-b@c", "team"}) {
		t.Errorf("workspaces: %q, %v", all, err)
	}
	for workspace, cost := range map[string]events.Nanos{"": 1, "team": 2, "a-b@c": 3} {
		r := m.In(workspace)
		report, err := r.Report(ctx, projections.MetricsFilter{})
		if err != nil || report.Runs != 1 || report.CostNanos != cost || report.ByAgent["clerk"].Runs != 1 {
			t.Errorf("%q: metrics %+v, %v", workspace, report, err)
		}
		run, steps, err := r.Run(ctx, "r")
		if err != nil || run.Workspace != workspace || run.CostNanos != cost || run.Result() != events.Failed || len(steps) != 1 {
			t.Errorf("%q: run %+v, %v", workspace, run, err)
		}
		patterns, err := readmodel.Collect(r.Patterns(ctx, projections.VariantPattern, "w", 0))
		if err != nil || len(patterns) != 1 || patterns[0].Runs != 1 {
			t.Errorf("%q: patterns %+v, %v", workspace, patterns, err)
		}
		if thread, err := m.SlackThread(ctx, workspace, "slack:T:C:1.2"); err != nil || thread.Workspace != workspace {
			t.Errorf("%q: thread %+v, %v", workspace, thread, err)
		}
		runs, err := readmodel.Collect(r.Runs(ctx, projections.RunFilter{Agent: "clerk"}))
		if err != nil || len(runs) != 1 || runs[0].Workspace != workspace {
			t.Errorf("%q: runs of an agent %+v, %v", workspace, runs, err)
		}
		for _, l := range projections.Lists() {
			lines, err := readmodel.Collect(r.List(ctx, l, nil, 0))
			if err != nil || len(lines) != 1 {
				t.Fatalf("%q: list %s: %+v, %v", workspace, l.Name, lines, err)
			}
			if at := slices.Index(lines[0].Keys, "workspace"); fmt.Sprint(lines[0].Values[at]) != workspace {
				t.Errorf("%q: list %s: %+v", workspace, l.Name, lines[0])
			}
		}
		for name, read := range map[string]func() (int, error){
			"analysts":       func() (int, error) { rows, err := r.Analysts(ctx); return len(rows), err },
			"agents":         func() (int, error) { rows, err := r.Agents(ctx); return len(rows), err },
			"agent versions": func() (int, error) { rows, err := r.AgentVersions(ctx, "clerk"); return len(rows), err },
			"tasks":          func() (int, error) { rows, err := r.Tasks(ctx); return len(rows), err },
			"feedback":       func() (int, error) { rows, err := r.Feedback(ctx, "r"); return len(rows), err },
			"costs":          func() (int, error) { rows, err := r.Costs(ctx); return len(rows), err },
			"improvements":   func() (int, error) { rows, err := r.Improvements(ctx, ""); return len(rows), err },
			"datasets":       func() (int, error) { rows, err := r.Datasets(ctx, ""); return len(rows), err },
			"evals":          func() (int, error) { rows, err := r.Evals(ctx, ""); return len(rows), err },
			"roles":          func() (int, error) { rows, err := r.Roles(ctx); return len(rows), err },
			"judges":         func() (int, error) { rows, err := r.Judges(ctx); return len(rows), err },
			"reviews":        func() (int, error) { rows, err := r.Reviews(ctx, ""); return len(rows), err },
			"runbooks":       func() (int, error) { rows, err := r.Runbooks(ctx); return len(rows), err },
			"rules":          func() (int, error) { rows, err := r.Rules(ctx); return len(rows), err },
			"budgets":        func() (int, error) { rows, err := r.Budgets(ctx); return len(rows), err },
			"approvals":      func() (int, error) { rows, err := r.Approvals(ctx, ""); return len(rows), err },
			"tools":          func() (int, error) { rows, err := r.Tools(ctx); return len(rows), err },
			"skills":         func() (int, error) { rows, err := r.Skills(ctx); return len(rows), err },
			"triggers":       func() (int, error) { rows, err := r.Triggers(ctx); return len(rows), err },
			"tokens":         func() (int, error) { rows, err := r.Tokens(ctx); return len(rows), err },
			"goals":          func() (int, error) { rows, err := r.Goals(ctx); return len(rows), err },
			"talks":          func() (int, error) { rows, err := r.Talks(ctx, "g"); return len(rows), err },
			"verdicts":       func() (int, error) { rows, err := readmodel.Collect(r.Verdicts(ctx, 0)); return len(rows), err },
			"runs with steps": func() (int, error) {
				rows, err := readmodel.Collect(r.RunSteps(ctx, ""))
				return len(rows), err
			},
		} {
			if n, err := read(); err != nil || n != 1 {
				t.Errorf("%q: %d %s, %v", workspace, n, name, err)
			}
		}
		if loop, err := r.Loop(ctx); err != nil || loop.Workspace != workspace || !loop.Paused {
			t.Errorf("%q: the loop is %+v, %v", workspace, loop, err)
		}
		experiments, err := r.Experiments(ctx, "")
		if err != nil || len(experiments) != 1 || experiments[0].Arms[1].Runs != 1 {
			t.Errorf("%q: experiments %+v, %v", workspace, experiments, err)
		}
	}
	budgets, err := readmodel.Collect(m.LiveBudgets(ctx))
	if err != nil || len(budgets) != 3 || !slices.ContainsFunc(budgets, func(b projections.BudgetRow) bool { return b.Budget == "b" && b.Workspace == "team" }) {
		t.Errorf("budgets: %+v, %v", budgets, err)
	}
}
