package main

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
)

type improvementsVerb struct {
	List    improvementsListVerb    `cmd:"" default:"withargs" help:"List proposals."`
	Approve improvementsApproveVerb `cmd:"" help:"Let a proposal be applied."`
	Reject  improvementsRejectVerb  `cmd:"" help:"End a proposal."`
}

type improvementsListVerb struct {
	JSON   bool   `name:"json" help:"Print one JSON value."`
	Limit  int    `help:"Rows, 0 for all." default:"0"`
	Status string `help:"Only these: proposed, approved, rejected, applied, rolled_back." enum:",proposed,approved,rejected,applied,rolled_back" default:""`
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
	for _, i := range list {
		fmt.Fprintf(a.out, "%s  %s, %s by %s\n  %s\n", i.Improvement, i.Status, i.Kind, i.Analyst, short(i.Reason, 400))
	}
	return nil
}

type improvementsApproveVerb struct {
	ID   string `arg:"" name:"improvement" help:"The proposal's id."`
	Note string `help:"Why."`
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

// Run rejects.
func (v improvementsRejectVerb) Run(ctx context.Context, a *app) error {
	return a.decideImprovement(ctx, "rejected", commands.RejectImprovement{
		Meta: a.meta(""), Improvement: v.ID, By: "user:" + a.config.user(), Reason: v.Reason,
	})
}

func (a *app) decideImprovement(ctx context.Context, done string, c commands.Command) error {
	if err := a.openExisting(ctx); err != nil {
		return err
	}
	if _, err := a.dispatcher().Dispatch(ctx, c); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s %s.\n", c.Stream(), done)
	return err
}
