package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// follow plans a goal by a runbook, in the version that it is drawn for. It goes by that one to its end: what is planned are its tasks. Where what is tried
// can't be planned by, nothing can be compared any more: that ends, and the goal goes by what there is.
func (p *planner) follow(ctx context.Context, wish managers.Plan, runbook string, known []string) error {
	now, err := p.agents.Runbook(ctx, wish.Workspace, runbook)
	if err != nil {
		return err
	}
	version, arms, err := p.drawBook(ctx, wish, now)
	if err != nil {
		return err
	}
	instead := func(reason string) error {
		if n := len(arms); n > 0 && arms[n-1].Tried() {
			if err := p.stopTrial(ctx, wish, arms[n-1].Experiment, "a goal can't be planned by it: "+reason); err != nil {
				return err
			}
			return p.follow(ctx, wish, runbook, known)
		}
		return p.refuse(ctx, wish, reason)
	}
	tasks, err := p.runbookTasks(ctx, wish.Workspace, rowOf(version), wish.Slots, known)
	if errors.Is(err, errRunbook) {
		return instead(err.Error())
	}
	if err != nil {
		return err
	}
	return p.take(ctx, wish, commands.PlanGoal{Source: events.PlannedByRunbook, Runbook: runbook, Note: version.Notes, Tasks: tasks, Arms: arms}, known, instead)
}

func rowOf(b events.RunbookSaved) projections.RunbookRow {
	return projections.RunbookRow{Runbook: b.Runbook, Workflow: b.Workflow, Run: b.Run, Steps: b.Steps, Notes: b.Notes, Requester: b.Requester}
}

// drawBook draws the version of a runbook that a goal goes by, as draw does an agent's for a run: a few stay on the one that a person saved last and take part
// in nothing else, and some of the others get what is tried.
func (p *planner) drawBook(ctx context.Context, wish managers.Plan, book aggregates.Runbook) (version events.RunbookSaved, arms []events.Arm, err error) {
	version = book.Saved
	if book.Improved && p.holdback > 0 && book.Made.Runbook != "" {
		name := events.RunbookHoldback(version.Runbook)
		frozen, permille := aggregates.Draw(name, wish.Goal, p.holdback)
		arm := events.Arm{Experiment: name, Arm: events.CurrentArm, Permille: permille, Unit: wish.Goal}
		if frozen {
			arm.Arm = events.FrozenArm
			return book.Made, []events.Arm{arm}, nil
		}
		arms = append(arms, arm)
	}
	name := p.trials.on(wish.Workspace, trialOf{runbook: version.Runbook})
	if name == "" {
		return version, arms, nil
	}
	x, err := openTrial(ctx, p.agents, wish.Workspace, name)
	if err != nil || x == nil || x.Book == nil {
		return version, arms, err
	}
	if x.Book.From != book.Version {
		// Somebody saved another one between the look at it and the plan of the experiment.
		return version, arms, p.stopTrial(ctx, wish, name, fmt.Sprintf("it was made from version %d of the runbook, which is at version %d", x.Book.From, book.Version))
	}
	unit := wish.Goal
	if x.Plan.Unit == events.ByRequester {
		unit = cmp.Or(wish.Requester, unit)
	}
	arm := x.Draw(unit)
	if arm.Tried() {
		version = *x.Book
	}
	return version, append(arms, arm), nil
}

// stopTrial ends an experiment on a runbook that can't be held.
func (p *planner) stopTrial(ctx context.Context, wish managers.Plan, experiment, reason string) error {
	stop := commands.StopExperiment{Meta: p.meta(wish, stopTrialSlot), Experiment: experiment, Reason: reason}
	stop.By = stop.Actor
	_, err := p.dispatch(ctx, stop)
	return moved(err)
}
