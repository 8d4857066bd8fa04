package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/runbook"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// ofRunbook plans an experiment on a version of a runbook.
func (v experimentsStartVerb) ofRunbook(ctx context.Context, a *app) error {
	if _, err := v.kind(); err == nil || len(v.Or) > 0 || v.Spawn != "" {
		return usage("--runbook: leave out what changes an agent: a runbook's version is tried alone")
	}
	text, err := os.ReadFile(v.Runbook)
	if err != nil {
		return fmt.Errorf("--runbook: %w", err)
	}
	book, err := runbook.Parse(text)
	if err != nil {
		return fmt.Errorf("--runbook: %s: %w", v.Runbook, err)
	}
	if book.Runbook != v.Agent {
		return usage("--runbook: %s holds the runbook %q, not %q", v.Runbook, book.Runbook, v.Agent)
	}
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	now, err := runbookNamed(ctx, reader, v.Agent)
	if err != nil {
		return err
	}
	tried := book.Saved()
	// Whose words the saved one holds stays known: the other one was made of it.
	tried.Requester, tried.From, tried.Run = now.Requester, int(now.Version), now.Run
	is := projections.RunbookRow{Steps: tried.Steps}
	if was, open := now.Slots(), is.Slots(); !sameNames(was, open) {
		return fmt.Errorf("--runbook: it leaves %q open, and the runbook %q: goals that are planned by either are given the same", open, was)
	}
	return v.plan(ctx, a, commands.PlanExperiment{Change: events.ChangeRunbook, Book: &tried}, "runbook")
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// runbookNamed is a saved runbook.
func runbookNamed(ctx context.Context, reader projections.Reader, name string) (projections.RunbookRow, error) {
	books, err := reader.Runbooks(ctx)
	if i := slices.IndexFunc(books, func(b projections.RunbookRow) bool { return b.Runbook == name }); err == nil && i >= 0 {
		return books[i], nil
	}
	return projections.RunbookRow{}, errors.Join(err, fmt.Errorf("there is no runbook %q: `virtuous6 runbooks` lists them", name))
}

// writeSteps writes the steps of a runbook's version.
func writeSteps(out io.Writer, steps []events.RunbookStep) {
	for i, s := range steps {
		var behind []string
		for _, on := range s.DependsOn {
			behind = append(behind, fmt.Sprint(on+1))
		}
		line := fmt.Sprintf("  %d. %s", i+1, short(s.Name, 60))
		if who := strings.Trim(s.Agent+", "+s.Tool, ", "); who != "" {
			line += " (" + oneLine(who) + ")"
		}
		if len(behind) > 0 {
			line += ", behind " + strings.Join(behind, ", ")
		}
		fmt.Fprintln(out, line)
	}
}

// takeBookBack is how a person takes a runbook back to an earlier version.
func takeBookBack(name string, version int) string {
	return fmt.Sprintf("virtuous6 save-workflow - %s --version %d", oneLine(name), version)
}
