package projections_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// A row is found by its id, or by what only its id begins with.
func TestARowIsFoundByTheBeginningOfItsID(t *testing.T) {
	t.Parallel()
	m := folded(t,
		"run-ab", events.RunStarted{Run: "ab", Workflow: "w"},
		"run-abc", events.RunStarted{Run: "abc", Workflow: "w"},
		"run-abd", events.RunStarted{Run: "abd", Workflow: "w"},
		"run-b1", events.RunStarted{Run: "b1", Workflow: "w"},
		"run-cé", events.RunStarted{Run: "cé", Workflow: "w"},
		"run-d1", events.RunStarted{Run: "d1", Workflow: "w"}, "run-d2", events.RunStarted{Run: "d2", Workflow: "w"}, "run-d3", events.RunStarted{Run: "d3", Workflow: "w"},
		"run-d4", events.RunStarted{Run: "d4", Workflow: "w"}, "run-d5", events.RunStarted{Run: "d5", Workflow: "w"}, "run-d6", events.RunStarted{Run: "d6", Workflow: "w"},
	)
	for id, want := range map[string]struct {
		run, says string
		err       error
	}{
		"abc": {run: "abc"}, "abd": {run: "abd"}, "ab": {run: "ab"}, "b": {run: "b1"}, "c": {run: "cé"},
		"a":  {err: projections.ErrAmbiguous, says: `3 runs begin with "a"`},
		"d":  {err: projections.ErrAmbiguous, says: `more than 5 runs begin with "d"`},
		"b2": {err: projections.ErrNotFound}, "": {err: projections.ErrNotFound}, "%": {err: projections.ErrNotFound},
	} {
		run, _, err := projections.FindRun(t.Context(), m.In(""), id)
		if run.Run != want.run || !errors.Is(err, want.err) || (err == nil) != (want.err == nil) || want.says != "" && !strings.Contains(err.Error(), want.says) {
			t.Errorf("%q is %q, %v, want %q, %v", id, run.Run, err, want.run, want.err)
		}
		if run, _, err := projections.FindRun(t.Context(), m.In("another"), id); !errors.Is(err, projections.ErrNotFound) {
			t.Errorf("%q is %q in another workspace, %v", id, run.Run, err)
		}
	}
}

// Goals that were made in one hour begin alike: the end of an id names one too.
func TestAGoalIsFoundByEitherEndOfItsID(t *testing.T) {
	t.Parallel()
	var facts []any
	for _, id := range []string{"019a-b1c2", "019a-b1d2", "plan-b1c2x", "c2"} {
		facts = append(facts, "goal-"+id, events.GoalCreated{Goal: id, Prompt: "Ship it."})
	}
	m := folded(t, facts...)
	for id, want := range map[string]struct {
		goal string
		err  error
	}{
		"019a-b1c": {goal: "019a-b1c2"}, "b1d2": {goal: "019a-b1d2"}, "plan": {goal: "plan-b1c2x"}, "c2": {goal: "c2"},
		"019a": {err: projections.ErrAmbiguous}, "1d2": {err: projections.ErrNotFound}, "": {err: projections.ErrNotFound},
	} {
		goal, err := projections.FindGoal(t.Context(), m.In(""), id)
		if goal.Goal != want.goal || !errors.Is(err, want.err) || (err == nil) != (want.err == nil) {
			t.Errorf("%q is %q, %v, want %q, %v", id, goal.Goal, err, want.goal, want.err)
		}
	}
}
