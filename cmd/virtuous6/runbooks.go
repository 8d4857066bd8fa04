package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/runbook"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

type runbooksVerb struct {
	Name   string `arg:"" optional:"" help:"Print this runbook as YAML."`
	JSON   bool   `name:"json" help:"Print one JSON value."`
	Limit  count  `placeholder:"N" help:"Rows, 0 for all." default:"0"`
	Drafts bool   `help:"Those that a model in the role runbook drafted, by the run in which it did."`
	pastFlag
}

// Help gives examples.
func (runbooksVerb) Help() string {
	return "Examples:\n  virtuous6 runbooks\n  virtuous6 runbooks refund > refund.yaml\n  virtuous6 runbooks --drafts\n  virtuous6 save-workflow role-1f3a refund --draft"
}

// Run lists runbooks, or prints one.
func (v runbooksVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	if v.Drafts {
		return v.drafts(ctx, a, reader)
	}
	runbooks, err := reader.Runbooks(ctx)
	if err != nil {
		return err
	}
	if v.Name == "" {
		runbooks = limited(runbooks, v.Limit)
		if v.JSON {
			return a.json(runbooks)
		}
		return table(a.out, "RUNBOOK|VERSION|WORKFLOW|STEPS|SAVED|FROM RUN", func(row func(...any)) {
			for _, r := range runbooks {
				row(short(r.Runbook, 40), r.Version, short(r.Workflow, 24), len(r.Steps), when(r.SavedAt), orDash(r.Run))
			}
		})
	}
	for _, r := range runbooks {
		if r.Runbook == v.Name {
			if v.JSON {
				return a.json(r)
			}
			return printRunbook(a, r)
		}
	}
	return fmt.Errorf("there is no runbook %q: `virtuous6 runbooks` lists them", v.Name)
}

// drafts lists drafts, or prints one.
func (v runbooksVerb) drafts(ctx context.Context, a *app, reader projections.Reader) error {
	if v.Name != "" {
		r, err := draftOf(ctx, reader, v.Name)
		if err != nil {
			return err
		}
		if v.JSON {
			return a.json(r)
		}
		return printRunbook(a, projections.RunbookRow{Runbook: r.Runbook.Runbook, Workflow: r.Runbook.Workflow, Steps: r.Runbook.Steps, Notes: r.Runbook.Notes})
	}
	rows, err := reader.Roles(ctx)
	if err != nil {
		return err
	}
	rows = limited(slices.DeleteFunc(rows, func(r projections.RoleRow) bool { return r.Runbook == nil }), v.Limit)
	if v.JSON {
		return a.json(rows)
	}
	return table(a.out, "DRAFT|WORKFLOW|STEPS|MODEL|ASKED", func(row func(...any)) {
		for _, r := range rows {
			row(r.Run, short(r.Runbook.Workflow, 24), len(r.Runbook.Steps), orDash(short(r.Model, 32)), when(r.AskedAt))
		}
	})
}

// draftOf is the draft that a role made in a run, by what the run's id begins with.
func draftOf(ctx context.Context, reader projections.Reader, begins string) (projections.RoleRow, error) {
	rows, err := reader.Roles(ctx)
	if err != nil {
		return projections.RoleRow{}, err
	}
	rows = slices.DeleteFunc(rows, func(r projections.RoleRow) bool { return r.Runbook == nil || !strings.HasPrefix(r.Run, begins) })
	if len(rows) != 1 {
		return projections.RoleRow{}, fmt.Errorf("%d drafts are of a run %q: `virtuous6 runbooks --drafts` lists them", len(rows), begins)
	}
	return rows[0], nil
}

func printRunbook(a *app, r projections.RunbookRow) error {
	text, err := runbook.FromSaved(events.RunbookSaved{
		Runbook: r.Runbook, Workflow: r.Workflow, Run: r.Run, Steps: r.Steps, Notes: r.Notes,
	}).YAML()
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

type saveWorkflowVerb struct {
	ID       string            `arg:"" name:"run" help:"The run whose steps are kept; - with --steps."`
	Name     string            `arg:"" help:"The runbook's name. Saving a name again is its next version."`
	Steps    []string          `help:"Keep this sequence, such as a pattern's, instead of a run's steps."`
	Workflow string            `help:"The workflow, with --steps."`
	Notes    string            `help:"What to know about it."`
	Slot     map[string]string `help:"A text of the run that whoever runs it is to give; may be given again." placeholder:"SLOT=TEXT" mapsep:"none"`
	Version  int               `help:"Take the runbook back to this earlier version of its own, with - for the run." placeholder:"N"`
	Draft    bool              `help:"RUN is one in which a model in the role runbook drafted it."`
	JSON     bool              `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (saveWorkflowVerb) Help() string {
	return "Of a live run its calls of tools are kept with their arguments, and its prompt behind them; of an imported one the names of its steps.\n\n" +
		"Examples:\n  virtuous6 save-workflow airline-0-1 cancel-flight\n  virtuous6 save-workflow 019a refund --slot order=12\n  virtuous6 save-workflow role-1f3a refund --draft\n" +
		"  virtuous6 save-workflow - refund --version 2\n  virtuous6 save-workflow - refund --workflow checkout --steps \"look up\",refund,confirm"
}

// Run saves the runbook and prints it.
func (v saveWorkflowVerb) Run(ctx context.Context, a *app) error {
	if v.ID == "" {
		return usage("give the run's name, as `virtuous6 runs` lists it")
	}
	if v.Name == "" {
		return usage("give the runbook a name")
	}
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	if v.Version != 0 {
		return v.takeBack(ctx, a)
	}
	var made runbook.Runbook
	switch {
	case v.Draft:
		draft, err := draftOf(ctx, reader, v.ID)
		if err != nil {
			return err
		}
		if made = runbook.FromSaved(*draft.Runbook); v.Notes == "" {
			v.Notes = made.Notes
		}
		made.Runbook = v.Name
	case v.ID == "-" && len(v.Steps) > 0:
		made = runbook.FromPattern(v.Name, v.Workflow, v.Steps)
	case v.ID == "-" || len(v.Steps) > 0:
		return usage("give a run, or - and --steps")
	default:
		run, steps, err := findRun(ctx, reader, v.ID)
		if err != nil {
			return err
		}
		arguments, err := a.argumentsOf(ctx, &run)
		if err != nil {
			return err
		}
		made = runbook.FromRun(v.Name, run, steps, arguments)
	}
	if made, err = made.Open(v.Slot); err != nil {
		return err
	}
	saved := made.Saved()
	save := commands.SaveRunbook{
		Meta: a.meta(saved.Run), Runbook: saved.Runbook, Workflow: saved.Workflow, Run: saved.Run, Steps: saved.Steps, Notes: v.Notes, Requester: saved.Requester,
	}
	if _, err := a.dispatcher().Dispatch(ctx, save); err != nil {
		return err
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	return runbooksVerb{Name: v.Name, JSON: v.JSON}.Run(ctx, a)
}

// takeBack saves an earlier version of the runbook again.
func (v saveWorkflowVerb) takeBack(ctx context.Context, a *app) error {
	if v.ID != "-" || len(v.Steps) > 0 || v.Draft || len(v.Slot) > 0 {
		return usage("--version: give - for the run, and nothing else that a runbook is made of")
	}
	all, err := a.factsOf(ctx, commands.RunbookStream(a.flags.Workspace, v.Name))
	if err != nil {
		return err
	}
	if v.Version < 1 || v.Version > len(all) {
		return fmt.Errorf("runbook %q has %d versions, and no version %d: `virtuous6 why %s` tells them", v.Name, len(all), v.Version, v.Name)
	}
	was, is := all[v.Version-1].fact.(events.RunbookSaved)
	if !is {
		return fmt.Errorf("version %d of runbook %q can't be read", v.Version, v.Name)
	}
	save := commands.SaveRunbook{
		Meta: a.meta(was.Run), Runbook: was.Runbook, Workflow: was.Workflow, Run: was.Run, Steps: was.Steps, Notes: cmp.Or(v.Notes, was.Notes), Requester: was.Requester,
		From: len(all), Restores: v.Version,
	}
	if _, err := a.dispatcher().Dispatch(ctx, save); err != nil {
		return err
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	return runbooksVerb{Name: v.Name, JSON: v.JSON}.Run(ctx, a)
}

// argumentsOf are what the tools of a run were called with, by their steps, and gives the row its whole prompt.
func (a *app) argumentsOf(ctx context.Context, run *projections.RunRow) (map[int]string, error) {
	if err := replay.Texts(ctx, a.store, run); err != nil {
		return nil, err
	}
	said, err := replay.Messages(ctx, a.store, run)
	if err != nil {
		return nil, err
	}
	arguments, calls := map[int]string{}, map[string]string{}
	for _, s := range said {
		for _, c := range s.ToolCalls {
			calls[c.ID] = c.Arguments
		}
		if s.Role == "tool" && s.Step >= 0 {
			arguments[s.Step] = calls[s.ToolCallID]
		}
	}
	return arguments, nil
}
