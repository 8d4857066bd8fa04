package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type improvementsVerb struct {
	List    improvementsListVerb    `cmd:"" default:"withargs" help:"List proposals."`
	Approve improvementsApproveVerb `cmd:"" help:"Decide that a proposal is to be tried."`
	Reject  improvementsRejectVerb  `cmd:"" help:"Decide that a proposal is not to be tried."`
}

type improvementsListVerb struct {
	JSON   bool   `name:"json" help:"Print one JSON value."`
	Limit  count  `placeholder:"N" help:"Rows, 0 for all." default:"0"`
	Status string `help:"Only these: proposed, approved, rejected, applied, rolled_back, withdrawn." enum:",proposed,approved,rejected,applied,rolled_back,withdrawn" default:""`
	pastFlag
}

// Help gives examples.
func (improvementsListVerb) Help() string {
	return "Examples:\n  virtuous6 improvements\n  virtuous6 improvements --status proposed --json"
}

// Run lists proposals, the latest first.
func (v improvementsListVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	list, err := reader.Improvements(ctx, v.Status)
	if err != nil {
		return err
	}
	list = limited(list, v.Limit)
	if v.JSON {
		return a.json(list)
	}
	if len(list) == 0 {
		a.note("No proposals: `virtuous6 analyze` looks for some.")
	}
	for _, i := range list {
		fmt.Fprintf(a.out, "%s  %s, %s by %s\n  %s\n", i.Improvement, i.Status, i.Kind, i.Analyst, short(i.Reason, 400))
	}
	return nil
}

type improvementsApproveVerb struct {
	ID   string `arg:"" name:"improvement" help:"The proposal's id."`
	Note string `help:"Why."`
}

// Help tells what comes of it.
func (improvementsApproveVerb) Help() string {
	return "Records who decided, when and why. Making the change is still yours: to try it on a part of the runs, to measure it and to " +
		"promote it or take it back by itself is not built yet.\n\nExample:\n  virtuous6 improvements approve 06aacbda1caacce8 --note \"worth a try\""
}

// Run approves.
func (v improvementsApproveVerb) Run(ctx context.Context, a *app) error {
	return a.decideImprovement(ctx, "approved", commands.ApproveImprovement{
		Meta: a.meta(""), Improvement: v.ID, By: "user:" + a.config.user(), Note: v.Note,
	})
}

type improvementsRejectVerb struct {
	ID     string `arg:"" name:"improvement" help:"The proposal's id."`
	Reason string `help:"Why."`
}

// Help gives an example.
func (improvementsRejectVerb) Help() string {
	return "Records who decided, when and why. The same claim is not proposed again.\n\nExample:\n" +
		"  virtuous6 improvements reject 06aacbda1caacce8 --reason \"the prices change next week\""
}

// Run rejects.
func (v improvementsRejectVerb) Run(ctx context.Context, a *app) error {
	return a.decideImprovement(ctx, "rejected", commands.RejectImprovement{
		Meta: a.meta(""), Improvement: v.ID, By: "user:" + a.config.user(), Reason: v.Reason,
	})
}

func (a *app) decideImprovement(ctx context.Context, done string, c commands.Improvement) error {
	if events.Identity(c.Stream()) == "" {
		return usage("give the proposal's id, as `virtuous6 improvements` lists it")
	}
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	_, err := a.dispatcher().Dispatch(ctx, c)
	if errors.Is(err, aggregates.ErrMissing) {
		return fmt.Errorf("there is no proposal %q: `virtuous6 improvements` lists them", events.Identity(c.Stream()))
	}
	if errors.Is(err, aggregates.ErrState) {
		return fmt.Errorf("%w: `virtuous6 improvements` tells what became of each", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s %s.\n", c.Stream(), done)
	return err
}
