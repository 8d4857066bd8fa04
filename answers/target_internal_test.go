package answers

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// A pattern counts as automated once, when a runbook of it that is kept has run to its end; and only once the first targets are met is the number held
// against what is wanted.
func TestAutomatedPatternsAreThoseWhoseRunbookHasRun(t *testing.T) {
	t.Parallel()
	goal := func(source events.PlanSource, of string, status projections.GoalStatus) projections.GoalRow {
		return projections.GoalRow{PlanSource: source, PlanOf: of, Status: status}
	}
	w := record{
		runbooks: []projections.RunbookRow{{Runbook: "refund"}, {Runbook: "mail"}, {Runbook: "tax"}},
		goals: []projections.GoalRow{
			goal(events.PlannedByRunbook, "refund", projections.GoalSucceeded), goal(events.PlannedByRunbook, "refund", projections.GoalFailed), goal(events.PlannedByRunbook, "tax", projections.GoalFailed),
			goal(events.PlannedByRunbook, "mail", projections.GoalRunning), goal(events.PlannedByModel, "mail", projections.GoalSucceeded), goal(events.PlannedByRunbook, "gone", projections.GoalSucceeded),
		},
		runs: 7, until: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC),
	}
	check := func(targets Targets) Check {
		w.targets = targets.filled()
		for _, c := range w.actuals() {
			if c.Name == "patterns automated" {
				return c
			}
		}
		t.Fatal("it is not told")
		return Check{}
	}
	c := check(Targets{})
	if c.Actual != "2 (their runbook has run)" || c.Met != nil {
		t.Errorf("%+v", c)
	}
	w.patterns, w.feedback = make([]projections.PatternRow, 1), make([]projections.FeedbackRow, 1)
	w.agents = []projections.AgentRow{{Agent: "biller", Status: "active", SpawnedAt: w.until}}
	first := Targets{Runs: 1, Patterns: 1, Specialists: 1, Feedback: 1}
	for automated, met := range map[int64]bool{2: true, 3: false} {
		first.Automated = automated
		if c := check(first); c.Met == nil || *c.Met != met {
			t.Errorf("of %d: %+v", automated, c)
		}
	}
}
