package projections_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// shipping is a goal of three tasks, of which one is tried twice and one is left out.
func shipping() []any {
	return []any{
		"goal-g", events.GoalCreated{Goal: "g", Prompt: "Ship it.", Level: events.Tactical, Parent: "f", Requester: "user:anna", LimitNanos: 100, Parallel: 2},
		"goal-g", events.GoalPlanAsked{By: "user:anna"},
		"goal-g", events.GoalPlanned{Source: events.PlannedByModel, Run: "g.plan-1-1", Note: "three", CostNanos: 5, UnpricedCalls: 2, Tasks: []events.GoalTask{
			{Task: "find", Title: "Find", Instruction: "x", Agent: "clerk"},
			{Task: "check", Instruction: "x", Agent: "clerk"},
			{Task: "write", Instruction: "x", Agent: "writer", DependsOn: []string{"find"}},
		}},
		"goal-g", events.GoalStarted{By: "user:anna"},
		"goal-g", events.GoalTaskStarted{Task: "find", Attempt: 1, Run: "g.find.1", Agent: "clerk"},
		"goal-g", events.GoalTaskStarted{Task: "check", Attempt: 1, Run: "g.check.1", Agent: "clerk"},
		"goal-g", events.GoalTaskFailed{Task: "check", Run: "g.check.1", Reason: "no", Next: events.TaskRetried, CostNanos: 2, UnpricedCalls: 1},
		"goal-g", events.GoalTaskFinished{Task: "find", Run: "g.find.1", CostNanos: 3, UnpricedCalls: 2},
		"goal-g", events.GoalTaskStarted{Task: "check", Attempt: 2, Run: "g.check.2", Agent: "boss"},
	}
}

func goalRow(t *testing.T, facts ...any) projections.GoalRow {
	t.Helper()
	rows, err := folded(t, facts...).Goals(t.Context())
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d goals, %v", len(rows), err)
	}
	return rows[0]
}

func TestGoals(t *testing.T) {
	t.Parallel()
	at := func(n int) *time.Time { m := minute(n); return &m }
	find := projections.GoalTaskRow{
		Task: "find", Title: "Find", Agent: "clerk", AssignedBy: events.AssignedByPlan, Status: projections.TaskDone, DependsOn: []string{}, Attempts: 1, Run: "g.find.1", StartedAt: at(4), EndedAt: at(7), Cost: 3, UnpricedCalls: 2,
	}
	check := projections.GoalTaskRow{
		Task: "check", Agent: "boss", AssignedBy: events.AssignedByFailure, Status: projections.TaskRunning, DependsOn: []string{}, Attempts: 2, Run: "g.check.2", StartedAt: at(5), Cost: 2, UnpricedCalls: 1, Reason: "no",
	}
	write := projections.GoalTaskRow{Task: "write", Agent: "writer", AssignedBy: events.AssignedByPlan, Status: projections.TaskWaiting, DependsOn: []string{"find"}}
	want := projections.GoalRow{
		Goal: "g", Prompt: "Ship it.", Level: events.Tactical, Status: projections.GoalRunning, Parent: "f", Requester: "user:anna",
		PlanSource: events.PlannedByModel, PlanOf: "g.plan-1-1", Note: "three", Parallel: 2, LimitNanos: 100, Cost: events.Cost{CostNanos: 10, UnpricedCalls: 5},
		CreatedAt: minute(0), StartedAt: minute(3), Position: 9, Tasks: []projections.GoalTaskRow{find, check, write},
	}
	equal(t, "under way", goalRow(t, shipping()...), want)

	for name, c := range map[string]struct {
		facts  []any
		status projections.GoalStatus
		reason string
	}{
		"paused":    {[]any{"goal-g", events.GoalPaused{Reason: "budget"}}, projections.GoalPaused, "budget"},
		"resumed":   {[]any{"goal-g", events.GoalPaused{Reason: "budget"}, "goal-g", events.GoalLimited{LimitNanos: 200}, "goal-g", events.GoalResumed{}}, projections.GoalRunning, ""},
		"cancelled": {[]any{"goal-g", events.GoalCancelled{Reason: "enough"}}, projections.GoalCancelled, "enough"},
		"failed":    {[]any{"goal-g", events.GoalFinished{Outcome: events.Failed, Reason: "check"}}, projections.GoalFailed, "check"},
		"succeeded": {[]any{"goal-g", events.GoalFinished{Outcome: events.Succeeded}}, projections.GoalSucceeded, ""},
	} {
		row := goalRow(t, append(shipping(), c.facts...)...)
		if row.Status != c.status || row.Reason != c.reason || row.Status.Ended() == row.EndedAt.IsZero() {
			t.Errorf("%s: %+v", name, row)
		}
	}
	for name, c := range map[string]struct {
		facts  []any
		status projections.GoalStatus
	}{
		"refused":             {[]any{"goal-g", events.GoalStarted{}, "goal-g", events.GoalPlanRefused{Reason: "no"}}, projections.GoalCreated},
		"paused in planning":  {[]any{"goal-g", events.GoalPaused{}, "goal-g", events.GoalResumed{}}, projections.GoalCreated},
		"planned, not begun":  {shipping()[4:6], projections.GoalPlanned},
		"begun, then planned": {append([]any{"goal-g", events.GoalStarted{}}, shipping()[4:6]...), projections.GoalRunning},
	} {
		if row := goalRow(t, append(shipping()[:4:4], c.facts...)...); row.Status != c.status {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

func TestProgressOfAGoal(t *testing.T) {
	t.Parallel()
	row := goalRow(t, shipping()...)
	p := row.Progress(minute(9))
	// find took 3 minutes. check is 4 minutes under way, which is longer; write has yet to take 3 minutes.
	want := projections.GoalProgress{
		Waiting: 1, Running: 1, Done: 1, Percent: 33, Bottleneck: "write", MakespanSeconds: 360, CriticalSeconds: 240,
	}
	if p.RemainingSeconds == nil || *p.RemainingSeconds != 180 {
		t.Errorf("%v seconds remain, want 180", p.RemainingSeconds)
	}
	p.RemainingSeconds = nil
	equal(t, "progress", p, want)

	for i, seconds := range []int64{60, 120, 420} {
		row.Tasks[i].EstimateSeconds = seconds
	}
	// find was estimated at 1 minute and took 3: the others will take thrice their estimates too.
	if p := row.Progress(minute(9)); p.Percent != 10 || *p.RemainingSeconds != 3*420 {
		t.Errorf("with estimates: %+v, %v", p, *p.RemainingSeconds)
	}
	// With eight more of the kind of the longest, two at a time, it is not the longest way that they wait for.
	for i := range 8 {
		row.Tasks = append(row.Tasks, projections.GoalTaskRow{Task: fmt.Sprint("more", i), Status: projections.TaskWaiting, EstimateSeconds: 420})
	}
	row.Parallel = 11
	if p := row.Progress(minute(9)); p.Full || *p.RemainingSeconds != 3*420 {
		t.Errorf("as many at a time as there are: %+v, %v", p, *p.RemainingSeconds)
	}
	row.Parallel = 2
	if p := row.Progress(minute(9)); !p.Full || *p.RemainingSeconds != (9*3*420+120)/2 {
		t.Errorf("two at a time: %+v, %v", p, *p.RemainingSeconds)
	}
	row.Tasks, row.Parallel = nil, 0
	if p := row.Progress(minute(9)); p.RemainingSeconds != nil || p.Percent != 0 {
		t.Errorf("without tasks: %+v", p)
	}
}

// TestATaskThatWaitsForMoneyIsNoRunningOne: it is under way, and nothing is done.
func TestATaskThatWaitsForMoneyIsNoRunningOne(t *testing.T) {
	t.Parallel()
	short := append(shipping(), "goal-g", events.GoalTaskShort{Task: "check", Run: "g.check.2", SpentNanos: 1, NeedsNanos: 9})
	row := goalRow(t, short...)
	check, p := row.Tasks[1], row.Progress(minute(9))
	if check.Status != projections.TaskShort || !check.Status.UnderWay() || check.Status.Ended() || check.Reason == "" || p.Short != 1 || p.Running != 0 || *p.RemainingSeconds != 180 {
		t.Errorf("it waits: %+v, %+v", check, p)
	}
	row = goalRow(t, append(short, "goal-g", events.GoalTaskAllotted{Task: "check", Run: "g.check.2", ShareNanos: 9})...)
	if check := row.Tasks[1]; check.Status != projections.TaskRunning || check.Reason != "" {
		t.Errorf("it has its share: %+v", check)
	}
}
