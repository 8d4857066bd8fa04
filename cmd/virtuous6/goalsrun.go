package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

type goalsPlanVerb struct {
	Goal    string            `arg:"" help:"The goal."`
	Runbook string            `help:"Go by this runbook." placeholder:"NAME"`
	Set     map[string]string `help:"What stands in a place {{SLOT}} that the runbook leaves open; may be given again." placeholder:"SLOT=VALUE" mapsep:"none"`
	JSON    bool              `name:"json" help:"Print one JSON value."`
}

// Help tells who plans.
func (goalsPlanVerb) Help() string {
	return "A runbook makes the plan where one is named, or where the goal says all words of one's name. Else the agent `planner` does, " +
		"whose model `planner_model` in the configuration sets; what it gives is checked, and once it is told what is wrong. Without a real " +
		"model a template makes it, and the plan says so. Tasks for which it names no agent go to who did such tasks well, else to whom the agent " +
		"`assigner` says (`assigner_model`), else to whom their words fit.\n\nExamples:\n  virtuous6 goals plan 019a\n  virtuous6 goals plan 019a --runbook refund --set order=12"
}

// Run asks for the plan and shows it.
func (v goalsPlanVerb) Run(ctx context.Context, a *app) error {
	goal, err := a.theGoal(ctx, v.Goal)
	if err != nil {
		return err
	}
	if err := a.ready(ctx); err != nil {
		return err
	}
	ask := commands.AskPlan{Meta: a.meta(""), Goal: goal.Goal, By: "user:" + a.config.user(), Runbook: v.Runbook, Slots: v.Set}
	position, err := a.dispatchGoal(ctx, ask)
	if errors.Is(err, aggregates.ErrExists) {
		return fmt.Errorf("%w: `virtuous6 goals show %s` shows it", err, goal.Goal)
	}
	if err != nil {
		return err
	}
	err = a.reach(ctx, goal.Goal, position, func(_ *events.Envelope, fact events.Event) bool {
		switch f := fact.(type) {
		case events.GoalPlanned:
			return !slices.ContainsFunc(f.Tasks, events.GoalTask.Unassigned)
		case events.GoalTasksAssigned, events.GoalPlanRefused, events.GoalCancelled:
			return true
		}
		return false
	})
	if err != nil {
		return err
	}
	return a.shown(ctx, goal.Goal, v.JSON, func(g projections.GoalRow) bool { return g.Tasks != nil })
}

type goalsRunVerb struct {
	Goal string `arg:"" help:"The goal."`
	JSON bool   `name:"json" help:"Print one JSON value."`
}

// Help tells what it does.
func (goalsRunVerb) Help() string {
	return "Has the goal planned where it is not, and its tasks done: all that are ready at once, those first from which the longest way is left. " +
		"Where no `serve` drives this store, this process does. Ctrl-C leaves the goal as it is: whoever drives next goes on with it.\n\n" +
		"Example:\n  virtuous6 goals run 019a"
}

// Run starts a goal and waits for its end.
func (v goalsRunVerb) Run(ctx context.Context, a *app) error {
	goal, err := a.theGoal(ctx, v.Goal)
	if err != nil {
		return err
	}
	if goal.Status == projections.GoalPaused { // nothing comes of it until it is resumed
		return a.shown(ctx, goal.Goal, v.JSON, func(g projections.GoalRow) bool { return g.Status == projections.GoalSucceeded })
	}
	if err := a.ready(ctx); err != nil {
		return err
	}
	position, err := a.dispatchGoal(ctx, commands.StartGoal{Meta: a.meta(""), Goal: goal.Goal, By: "user:" + a.config.user()})
	if err != nil {
		return err
	}
	if goal.Approval != "" { // it goes on where that is given
		return a.shown(ctx, goal.Goal, v.JSON, func(g projections.GoalRow) bool { return g.Status == projections.GoalSucceeded })
	}
	return a.goThrough(ctx, goal, position, v.JSON)
}

type goalsApproveVerb struct {
	Goal string `arg:"" help:"The goal."`
	JSON bool   `name:"json" help:"Print one JSON value."`
}

// Help tells what it does.
func (goalsApproveVerb) Help() string {
	return "A plan needs approval where it can cost more than `approve_goals_above` of `policy:` in the configuration. " +
		"Where the goal was to run, it goes on.\n\nExample:\n  virtuous6 goals approve 019a"
}

// Run approves a plan, and waits for the end of a goal that was to run.
func (v goalsApproveVerb) Run(ctx context.Context, a *app) error {
	goal, err := a.theGoal(ctx, v.Goal)
	if err != nil {
		return err
	}
	position, err := a.dispatchGoal(ctx, commands.ApproveGoal{Meta: a.meta(""), Goal: goal.Goal, By: "user:" + a.config.user()})
	if err != nil {
		return err
	}
	if goal.StartedAt.IsZero() {
		a.note("`virtuous6 goals run %s` has it done", goal.Goal)
		return nil
	}
	return a.goThrough(ctx, goal, position, v.JSON)
}

type goalsResumeVerb struct {
	Goal  string `arg:"" help:"The goal."`
	Limit string `help:"Dollars that may be spent for it from now on, what was spent included." placeholder:"USD"`
	JSON  bool   `name:"json" help:"Print one JSON value."`
}

// Help tells what it does.
func (goalsResumeVerb) Help() string {
	return "A goal that has no money left is paused: --limit gives it more.\n\nExamples:\n  virtuous6 goals resume 019a\n  virtuous6 goals resume 019a --limit 5"
}

// Run resumes a goal and waits for its end.
func (v goalsResumeVerb) Run(ctx context.Context, a *app) error {
	goal, err := a.theGoal(ctx, v.Goal)
	if err != nil {
		return err
	}
	by := "user:" + a.config.user()
	if v.Limit != "" {
		limit, err := events.ParseUSD(v.Limit)
		if err != nil {
			return usage("--limit: %w", err)
		}
		if _, err := a.dispatchGoal(ctx, commands.LimitGoal{Meta: a.meta(""), Goal: goal.Goal, By: by, LimitNanos: limit}); err != nil {
			return err
		}
	}
	position, err := a.dispatchGoal(ctx, commands.ResumeGoal{Meta: a.meta(""), Goal: goal.Goal, By: by})
	if err != nil {
		return err
	}
	if goal.StartedAt.IsZero() {
		a.note("it has not been started: `virtuous6 goals run %s` does so", goal.Goal)
		return nil
	}
	return a.goThrough(ctx, goal, position, v.JSON)
}

// goThrough waits for a goal's end behind a position, or until somebody has to do something, and shows how it went.
func (a *app) goThrough(ctx context.Context, goal projections.GoalRow, position uint64, asJSON bool) error {
	approval := false
	teller, err := a.teller(ctx, goal, asJSON)
	if err != nil {
		return err
	}
	if !goal.StartedAt.IsZero() {
		position = min(position, goal.Position+1) // who drives it may have been done since it was read
	}
	err = a.reach(ctx, goal.Goal, position, func(e *events.Envelope, fact events.Event) bool {
		teller.tell(e, fact)
		switch f := fact.(type) {
		case events.GoalFinished, events.GoalCancelled, events.GoalPaused, events.GoalPlanRefused:
			return true
		case events.GoalPlanned:
			approval = f.Approval != ""
			return approval && !slices.ContainsFunc(f.Tasks, events.GoalTask.Unassigned)
		case events.GoalTasksAssigned:
			return approval
		}
		return false
	})
	if err != nil {
		return err
	}
	return a.shown(ctx, goal.Goal, asJSON, func(g projections.GoalRow) bool { return g.Status == projections.GoalSucceeded })
}

// reach drives until a fact of the goal, or what one of its runs waits for, is what is waited for.
func (a *app) reach(ctx context.Context, goal string, position uint64, met func(*events.Envelope, events.Event) bool) error {
	err := a.driveUntil(ctx, driving{
		verb: "goals", what: "goal",
		until: func(ctx context.Context) error {
			stream := commands.GoalStream(a.flags.Workspace, goal)
			for m, err := range a.store.Subscribe(ctx, position-1) {
				if err != nil {
					return err
				}
				if m.CaughtUp || m.Event.Stream != stream && !waits(&m.Event, a.flags.Workspace, goal) {
					continue
				}
				fact, err := events.Decode(m.Event)
				if err != nil {
					return err
				}
				if met(&m.Event, fact) {
					return nil
				}
			}
			return ctx.Err()
		},
		left: func() error { return nil },
	})
	if ctx.Err() != nil {
		a.note("the goal stays as it is: `virtuous6 goals run %s`, or a server, goes on with it", goal)
		return ctx.Err()
	}
	return err
}

// shown shows a goal, and fails where it is not as it was to be.
func (a *app) shown(ctx context.Context, goal string, asJSON bool, good func(projections.GoalRow) bool) error {
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	row, err := findGoal(ctx, a.own(), goal)
	if err == nil {
		err = a.showGoal(ctx, row, asJSON, 0)
	}
	if err == nil && !good(row) {
		return errSaid
	}
	return err
}
