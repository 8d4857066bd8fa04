package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrAmbiguous tells that several ids begin as the one that was given.
var ErrAmbiguous = errors.New("write more of its id")

// maxAlike is how many ids that begin alike are named.
const maxAlike = 5

// beginningWith is the one of all that an id names, or that alone begins with it.
func beginningWith[T any](what, id string, all []T, name func(T) string) (one T, err error) {
	var alike []T
	for _, row := range all {
		switch {
		case name(row) == id:
			return row, nil
		case id != "" && strings.HasPrefix(name(row), id):
			alike = append(alike, row)
		}
	}
	switch n := len(alike); {
	case n == 0:
		return one, fmt.Errorf("%s %s: %w", what, id, ErrNotFound)
	case n == 1:
		return alike[0], nil
	case n > maxAlike:
		return one, fmt.Errorf("more than %d %ss begin with %q: %w", maxAlike, what, id, ErrAmbiguous)
	}
	var names []string
	for _, row := range alike {
		names = append(names, name(row))
	}
	return one, fmt.Errorf("%d %ss begin with %q: %s: %w", len(alike), what, id, strings.Join(names, ", "), ErrAmbiguous)
}

// FindRun is the run that an id names, or that alone begins with it, with its steps.
func FindRun(ctx context.Context, r Reader, id string) (RunRow, []StepRow, error) {
	if id == "" {
		return RunRow{}, nil, fmt.Errorf("a run without an id: %w", ErrNotFound)
	}
	row, steps, err := r.Run(ctx, id)
	if !errors.Is(err, ErrNotFound) {
		return row, steps, err
	}
	var alike []RunRow
	for row, err := range r.Runs(ctx, RunFilter{Begins: id, Limit: maxAlike + 1}) {
		if err != nil {
			return row, nil, err
		}
		alike = append(alike, row)
	}
	if row, err = beginningWith("run", id, alike, func(r RunRow) string { return r.Run }); err != nil {
		return row, nil, err
	}
	return r.Run(ctx, row.Run)
}

// FindImprovement is the proposal that an id names, or that alone begins with it.
func FindImprovement(ctx context.Context, r Reader, id string) (ImprovementRow, error) {
	all, err := r.Improvements(ctx, "")
	if err != nil {
		return ImprovementRow{}, err
	}
	return beginningWith("proposal", id, all, func(r ImprovementRow) string { return r.Improvement })
}

// FindExperiment is the experiment that an id names, or that alone begins with it.
func FindExperiment(ctx context.Context, r Reader, id string) (ExperimentRow, error) {
	all, err := r.Experiments(ctx, "")
	if err != nil {
		return ExperimentRow{}, err
	}
	return beginningWith("experiment", id, all, func(r ExperimentRow) string { return r.Experiment })
}

// FindEval is the eval that an id names, or that alone begins with it.
func FindEval(ctx context.Context, r Reader, id string) (EvalRow, error) {
	all, err := r.Evals(ctx, "")
	if err != nil {
		return EvalRow{}, err
	}
	return beginningWith("eval", id, all, func(r EvalRow) string { return r.Eval })
}

// FindGoal is the goal that an id names, or that alone begins or ends with it: goals of one hour begin alike.
func FindGoal(ctx context.Context, r Reader, id string) (GoalRow, error) {
	all, err := r.Goals(ctx)
	if err != nil {
		return GoalRow{}, err
	}
	const least = 4
	var ends []GoalRow
	for _, row := range all {
		if len(id) >= least && strings.HasSuffix(row.Goal, id) {
			ends = append(ends, row)
		}
	}
	row, err := beginningWith("goal", id, all, func(r GoalRow) string { return r.Goal })
	if errors.Is(err, ErrNotFound) && len(ends) == 1 {
		return ends[0], nil
	}
	return row, err
}
