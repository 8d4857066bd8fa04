package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// TestOfManyTasksThoseAtWorkAreShown: what is under way and what failed, what ended last and what comes next, in the order of the plan.
func TestOfManyTasksThoseAtWorkAreShown(t *testing.T) {
	t.Parallel()
	ended := func(minute int) *time.Time {
		at := time.Date(2026, 11, 28, 9, minute, 0, 0, time.UTC)
		return &at
	}
	var tasks []projections.GoalTaskRow
	for i := range 40 {
		task := projections.GoalTaskRow{Task: fmt.Sprint(i), Status: projections.TaskWaiting}
		switch {
		case i == 3:
			task.Status, task.EndedAt = projections.TaskFailed, ended(0)
		case i < 20:
			task.Status, task.EndedAt = projections.TaskDone, ended(30-i)
		case i == 25:
			task.Status = projections.TaskShort
		case i == 39:
			task.Status = projections.TaskRunning
		}
		tasks = append(tasks, task)
	}
	chosen, left := atWork(tasks, 9)
	var names []string
	for _, c := range chosen {
		names = append(names, c.Task)
	}
	if got := strings.Join(names, " "); got != "0 1 2 3 20 21 22 25 39" || left != "and 31 more: 16 done, 15 waiting\n" {
		t.Errorf("shown are %s, %q", got, left)
	}
}

// TestOfFewTasksItIsToldThatTheyWait: where money is short, all of them do.
func TestOfFewTasksItIsToldThatTheyWait(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	teller := goalTeller{out: &out}
	for i := range 100 {
		teller.happens(events.GoalTaskShort{Task: fmt.Sprint(i), NeedsNanos: 5})
		teller.happens(events.GoalTaskFinished{Task: fmt.Sprint(i)})
	}
	got := out.String()
	if strings.Count(got, "waits for a greater share") != 3 || strings.Count(got, "others wait for a greater share too\n") != 1 || strings.Count(got, ": done\n") != 100 {
		t.Errorf("told is %s", got)
	}
}

// TestAGoalsQuestionIsToldWithItsAnswer: once what comes before it has ended, and until it is answered.
func TestAGoalsQuestionIsToldWithItsAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		goal       projections.GoalStatus
		before, it projections.GoalTaskStatus
		want       string
	}{
		"asked":    {projections.GoalRunning, projections.TaskDone, projections.TaskWaiting, "b asks: Send it?: `virtuous6 goals answer g b \"...\"`\n"},
		"not yet":  {projections.GoalRunning, projections.TaskRunning, projections.TaskWaiting, ""},
		"answered": {projections.GoalRunning, projections.TaskDone, projections.TaskDone, ""},
		"paused":   {projections.GoalPaused, projections.TaskDone, projections.TaskWaiting, ""},
	} {
		var out strings.Builder
		a := &app{out: &out}
		a.questions(projections.GoalRow{Goal: "g", Status: c.goal, Tasks: []projections.GoalTaskRow{
			{Task: "a", Status: c.before}, {Task: "b", Status: c.it, Question: "Send it?", DependsOn: []string{"a"}},
		}})
		if out.String() != c.want {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}

// TestATaskThatWaitsForMoneySaysSo: in the table, and in what is counted above it.
func TestATaskThatWaitsForMoneySaysSo(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	a := &app{out: &out, clock: func() time.Time { return noon }}
	goal := projections.GoalRow{Goal: "g", Status: projections.GoalRunning, Tasks: []projections.GoalTaskRow{{Task: "a", Status: projections.TaskShort, StartedAt: &noon}}}
	a.headGoal(goal, goal.Progress(noon))
	if err := a.tasksOf(goal, 0); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "1 waiting for budget, ") || !strings.Contains(got, "a     waiting for budget  ") || strings.Contains(got, "under way") {
		t.Errorf("shown is %s", got)
	}
}
