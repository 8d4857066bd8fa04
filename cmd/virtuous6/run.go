package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/runbook"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

type runVerb struct {
	Runbook string            `arg:"" help:"A saved runbook, or a file that ends in .yaml, which is saved first."`
	Set     map[string]string `help:"What stands in a place {{SLOT}} that the runbook leaves open; may be given again." placeholder:"SLOT=VALUE" mapsep:"none"`
	Limit   string            `help:"Dollars that may be spent. Default: no limit of its own." placeholder:"USD"`
	JSON    bool              `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (runVerb) Help() string {
	return "A step with `tool` and `arguments` calls that tool, any other one is asked of its agent, or of the one that did such steps best. " +
		"The goal goes on like every other one: see `goals`.\n\nExamples:\n  virtuous6 run refund --set order=12\n  virtuous6 run weekly.yaml --limit 0.50"
}

// Run makes a goal of a runbook, and waits for its end.
func (v runVerb) Run(ctx context.Context, a *app) error {
	by := "user:" + a.config.user()
	create := commands.CreateGoal{Level: events.Operational, Requester: by}
	if v.Limit != "" {
		var err error
		if create.LimitNanos, err = events.ParseUSD(v.Limit); err != nil {
			return usage("--limit: %w", err)
		}
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	if err := a.ready(ctx); err != nil {
		return err
	}
	if strings.HasSuffix(v.Runbook, ".yaml") || strings.HasSuffix(v.Runbook, ".yml") {
		text, err := os.ReadFile(v.Runbook)
		if err != nil {
			return fmt.Errorf("runbook: %w", err)
		}
		book, err := runbook.Parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", v.Runbook, err)
		}
		saved := book.Saved()
		save := commands.SaveRunbook{
			Meta: a.meta(""), Runbook: saved.Runbook, Workflow: saved.Workflow, Run: saved.Run, Steps: saved.Steps, Notes: saved.Notes,
		}
		if taken, _, err := a.own().Run(ctx, saved.Run); err == nil {
			save.Requester = taken.Requester // what was taken from a run holds the words of who asked it
		}
		was, err := a.dispatcher().Runbook(ctx, a.flags.Workspace, save.Runbook)
		if err != nil {
			return err
		}
		receipt, err := a.dispatcher().Dispatch(ctx, save)
		if err != nil {
			return err
		}
		if was.Improved && receipt.Events > 0 {
			a.note("%s is another one than version %d of the runbook, which an improvement made: it is saved as version %d. To take that back: %s", v.Runbook, was.Version, was.Version+1, takeBookBack(save.Runbook, was.Version))
		}
		v.Runbook = saved.Runbook
	}
	if err := v.check(ctx, a); err != nil {
		return err
	}
	create.Prompt = "run " + v.Runbook
	for _, slot := range slices.Sorted(maps.Keys(v.Set)) {
		create.Prompt += fmt.Sprintf(", %s=%s", slot, v.Set[slot])
	}
	create.Meta = a.meta("")
	create.Goal = create.ID.String()
	ask := commands.AskPlan{Meta: a.meta(""), Goal: create.Goal, By: by, Runbook: v.Runbook, Slots: v.Set}
	start := commands.StartGoal{Meta: a.meta(""), Goal: create.Goal, By: by}
	receipt, err := a.dispatcher().Dispatch(ctx, create, ask, start)
	if err != nil {
		return err
	}
	return a.goThrough(ctx, projections.GoalRow{Goal: create.Goal}, receipt.Position, v.JSON)
}

// check refuses what can't be done before there is a goal of it.
func (v runVerb) check(ctx context.Context, a *app) error {
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	books, err := a.own().Runbooks(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(books, func(b projections.RunbookRow) bool { return b.Runbook == v.Runbook })
	if i < 0 {
		return fmt.Errorf("there is no runbook %q: `virtuous6 runbooks` lists them, `virtuous6 save-workflow` makes one of a run", v.Runbook)
	}
	return orchestrator.Fills(books[i], v.Set)
}
