package main

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/orchestrator"
)

type improvementsPauseVerb struct {
	Reason string `required:"" help:"Why." placeholder:"TEXT"`
}

// Help tells what stops.
func (improvementsPauseVerb) Help() string {
	return "From then on nothing is analysed on schedule, tried, given a greater share, promoted, rolled back or made without a person, and no " +
		"run gets what is tried: all runs get their agents as they are. What you approve is made as ever. Agents go on answering.\n\nExample:\n" +
		"  virtuous6 improvements pause --reason \"the prices change tonight\""
}

// Run pauses the loop.
func (v improvementsPauseVerb) Run(ctx context.Context, a *app) error {
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	d := a.dispatcher()
	done, err := d.Dispatch(ctx, commands.PauseLoop{Meta: a.meta(""), By: "user:" + a.config.user(), Reason: v.Reason})
	if err != nil {
		return err
	}
	if done.Events > 0 {
		_, err = fmt.Fprintln(a.out, "The loop is paused: `virtuous6 improvements resume` lets it go on.")
		return err
	}
	return a.tellLoop(ctx, d)
}

type improvementsResumeVerb struct {
	Reason string `help:"Why." placeholder:"TEXT"`
}

// Help tells what goes on.
func (improvementsResumeVerb) Help() string {
	return "Experiments go on where they were, and what was decided meanwhile is carried out. The time in between counts for none of their " +
		"days.\n\nExample:\n  virtuous6 improvements resume"
}

// Run resumes the loop.
func (v improvementsResumeVerb) Run(ctx context.Context, a *app) error {
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	d := a.dispatcher()
	if _, err := d.Dispatch(ctx, commands.ResumeLoop{Meta: a.meta(""), By: "user:" + a.config.user(), Reason: v.Reason}); err != nil {
		return err
	}
	return a.tellLoop(ctx, d)
}

// tellLoop tells whether the loop goes on.
func (a *app) tellLoop(ctx context.Context, d *orchestrator.Dispatcher) error {
	loop, err := d.Loop(ctx, a.flags.Workspace)
	if err != nil {
		return err
	}
	if loop.Paused != nil {
		_, err = fmt.Fprintf(a.out, "The loop is paused already, by %s: %s\n", oneLine(loop.Paused.By), oneLine(loop.Paused.Reason))
	} else {
		_, err = fmt.Fprintln(a.out, "The loop goes on.")
	}
	return err
}
