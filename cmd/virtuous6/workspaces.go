package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
)

// workspacesVerb is the verb's own verbs. Without one it lists.
type workspacesVerb struct {
	List workspacesListVerb `cmd:"" default:"withargs" help:"List workspaces with what is in them."`
	Show workspacesShowVerb `cmd:"" help:"Show a workspace with its policy, its budgets and its agents."`
}

// workspaceView is what is in a workspace.
type workspaceView struct {
	// Workspace is its name, empty for the default one.
	Workspace string `json:"workspace"`
	// Agents counts those that take runs, and Active those of them that do not rest.
	Agents    int                     `json:"agents"`
	Active    int                     `json:"active"`
	Runs      int64                   `json:"runs"`
	Running   int64                   `json:"running"`
	Succeeded int64                   `json:"succeeded"`
	CostUSD   string                  `json:"cost_usd"`
	Unpriced  int64                   `json:"unpriced_calls"`
	Tokens    int                     `json:"tokens"`
	Budgets   []projections.BudgetRow `json:"budgets"`
	cost      events.Cost
}

// viewOf reads what is in a workspace.
func (a *app) viewOf(ctx context.Context, workspace string) (v workspaceView, err error) {
	reader := a.models.In(workspace)
	v = workspaceView{Workspace: workspace}
	agents, err := reader.Agents(ctx)
	if err != nil {
		return v, err
	}
	for _, r := range agents {
		if r.Askable() {
			v.Agents++
			if r.Status == projections.AgentActive {
				v.Active++
			}
		}
	}
	report, err := reader.Report(ctx, projections.MetricsFilter{})
	if err != nil {
		return v, err
	}
	v.Runs, v.Running, v.Succeeded, v.cost = report.Runs, report.Running, report.Succeeded, report.Cost
	v.CostUSD, v.Unpriced = report.CostNanos.String(), report.UnpricedCalls
	tokens, err := reader.Tokens(ctx)
	if err != nil {
		return v, err
	}
	for _, t := range tokens {
		if t.RevokedAt.IsZero() {
			v.Tokens++
		}
	}
	budgets, err := reader.Budgets(ctx)
	v.Budgets = limited(budgets, 0)
	return v, err
}

// workspaces are those that hold anything, the default one first.
func (a *app) workspaces(ctx context.Context) ([]string, error) {
	all, err := a.models.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	for row, err := range a.models.AllAgents(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, row.Workspace)
	}
	tokens, err := a.models.AllTokens(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		all = append(all, t.Workspace)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// named is a workspace as a person reads it.
func named(workspace string) string {
	if workspace == "" {
		return "(default)"
	}
	return oneLine(workspace)
}

type workspacesListVerb struct {
	JSON bool `name:"json" help:"Print one JSON value."`
}

// Help tells where a run's workspace comes from.
func (workspacesListVerb) Help() string {
	return "A run's workspace is that of the token that asks for it, of the server's --workspace where it is asked for in Slack or without a token, and of --workspace in the terminal. Its agents, " +
		"budgets, policy and lists are its own.\n\nExamples:\n  virtuous6 workspaces\n  virtuous6 workspaces show team\n  virtuous6 --workspace team agents"
}

// Run lists them.
func (v workspacesListVerb) Run(ctx context.Context, a *app) error {
	if _, err := a.readAll(ctx); err != nil {
		return err
	}
	names, err := a.workspaces(ctx)
	if err != nil {
		return err
	}
	views := make([]workspaceView, len(names))
	for i, name := range names {
		if views[i], err = a.viewOf(ctx, name); err != nil {
			return err
		}
	}
	if v.JSON {
		return a.json(views)
	}
	return table(a.out, "WORKSPACE|AGENTS|ACTIVE|RUNS|SUCCEEDED|COST|BUDGETS|TOKENS", func(row func(...any)) {
		for _, w := range views {
			row(short(named(w.Workspace), 40), w.Agents, w.Active, w.Runs, w.Succeeded, spent(w.cost), len(w.Budgets), w.Tokens)
		}
	})
}

type workspacesShowVerb struct {
	Workspace string `arg:"" optional:"" help:"The workspace. Default: the one that --workspace names, or else the default one."`
	JSON      bool   `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (workspacesShowVerb) Help() string {
	return "Examples:\n  virtuous6 workspaces show team\n  virtuous6 workspaces show --json"
}

// Run shows one.
func (v workspacesShowVerb) Run(ctx context.Context, a *app) error {
	if v.Workspace != "" {
		a.flags.Workspace = v.Workspace
	}
	if _, err := a.readAll(ctx); err != nil {
		return err
	}
	names, err := a.workspaces(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(names, a.flags.Workspace) {
		return fmt.Errorf("there is nothing in a workspace %q: `virtuous6 workspaces` lists them", a.flags.Workspace)
	}
	view, err := a.viewOf(ctx, a.flags.Workspace)
	if err != nil {
		return err
	}
	policy, err := a.notedPolicy(ctx)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(struct {
			workspaceView
			Policy *events.PolicySet `json:"policy"`
		}{view, policy})
	}
	fmt.Fprintf(a.out, "%s  %d agents, %d of them active\n%d runs, %d succeeded, %d running, %s\n%d tokens of the API\n", named(view.Workspace), view.Agents, view.Active, view.Runs,
		view.Succeeded, view.Running, spent(view.cost), view.Tokens)
	for _, b := range view.Budgets {
		fmt.Fprintf(a.out, "budget %s: %s used\n", oneLine(b.Budget), b.Says())
	}
	if policy == nil {
		fmt.Fprintln(a.out, "no policy was noted yet: the one of the configuration holds")
		return nil
	}
	fmt.Fprintf(a.out, "policy: models %s, tools %s, asks a person for %s, specialists %d\n", orDash(strings.Join(policy.Models, " ")), orDash(strings.Join(policy.Tools, " ")),
		orDash(strings.Join(policy.AskTools, " ")), policy.Specialists)
	return nil
}

// notedPolicy is the policy that the log tells of the workspace, nil for none.
func (a *app) notedPolicy(ctx context.Context) (*events.PolicySet, error) {
	story, err := a.factsOf(ctx, commands.PolicyStream(a.flags.Workspace))
	if err != nil || len(story) == 0 {
		return nil, err
	}
	set, is := story[len(story)-1].fact.(events.PolicySet)
	if !is {
		return nil, fmt.Errorf("%s holds another fact than a policy: %w", commands.PolicyStream(a.flags.Workspace), eventstore.ErrInvalid)
	}
	return &set, nil
}
