package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// phrasing is the role of a model that finds words for what the record says: it is asked by doors, and leaves no fact of its own.
const phrasing = "phrasing"

// roleNames are the keys of `roles:`.
func roleNames() []string { return append(events.Roles(), phrasing, events.Writer) }

// advising are the roles to which the configuration gives models and that are asked about what analysts found, by name.
func (c *config) advising() map[string]orchestrator.Role {
	roles := map[string]orchestrator.Role{}
	for _, name := range events.Roles() {
		if role, there := c.Roles[name].of(orchestrator.AdviserRole(name)); there {
			roles[name] = role
		}
	}
	return roles
}

// wrongRole finds the first role of the configuration that can't be meant.
func (c *config) wrongRole() (key, says string) {
	for _, name := range slices.Sorted(maps.Keys(c.Roles)) {
		if !slices.Contains(roleNames(), name) {
			return "roles", "its keys are " + strings.Join(roleNames(), ", ")
		}
		if says := c.Roles[name].mistake(name); says != "" {
			return "roles." + name, says
		}
	}
	return "", ""
}

type rolesVerb struct {
	JSON bool `name:"json" help:"Print one JSON value."`
}

// Help tells what a role is.
func (rolesVerb) Help() string {
	return "A model can be given roles: to say in words what analysts found (analysis), to draft runbooks (runbook), to suggest parameters of agents (optimisation), or their models and what " +
		"they do without (configuration), to find words for what the record answers (phrasing), or to propose edits of what agents are told, from runs that failed (writer). Each has a model and money of its own under `roles:` in the configuration, and none is there by default. `serve` asks the first four after analysts have looked, the writer every so often, and phrasing where somebody asks what was learned. " +
		"Words stand beside the figures and say no number that does not stand there; a draft is one until somebody saves it; what is suggested is a proposal as any other. " +
		"One whose money is used up says so once and is silent until there is more.\n\nExamples:\n  virtuous6 roles\n  virtuous6 list roles --where role=analysis\n  virtuous6 runbooks --drafts"
}

// roleSummary is what a role did.
type roleSummary struct {
	Role     string `json:"role"`
	Model    string `json:"model,omitempty"`
	Limit    string `json:"limit_usd,omitempty"`
	Period   string `json:"period,omitempty"`
	Spent    string `json:"spent_usd"`
	Asked    int    `json:"asked"`
	Taken    int    `json:"taken"`
	Refused  int    `json:"refused"`
	Silenced string `json:"silenced,omitempty"`
	// Why is why the latest answer was not taken that was not.
	Why string `json:"why,omitempty"`
}

// Run lists the roles.
func (v rolesVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.read(ctx)
	if err != nil {
		return err
	}
	rows, err := reader.Roles(ctx)
	if err != nil {
		return err
	}
	runs, err := reader.Report(ctx, projections.MetricsFilter{})
	if err != nil {
		return err
	}
	summaries := []roleSummary{}
	for _, name := range roleNames() {
		s := roleSummary{Role: name, Spent: events.Nanos(0).String()}
		if role, there := a.config.Roles[name].of(orchestrator.Role{}); there {
			s.Model, s.Limit, s.Period = role.Model, role.LimitNanos.String(), string(role.Period)
		}
		agent := events.RoleAgent(name)
		if name == phrasing {
			// What is asked of it stands in its runs alone, and whether its words were taken in what was posted.
			agent = orchestrator.Phraser
			s.Asked = int(runs.ByAgent[agent].Runs)
		}
		budget, err := reader.Budget(ctx, commands.AgentBudget(agent))
		if err != nil && !errors.Is(err, projections.ErrNotFound) {
			return err
		}
		s.Spent = budget.SpentNanos.String()
		for _, r := range rows {
			switch {
			case r.Role != name:
				continue
			case r.Status == projections.RoleSilenced:
				if s.Silenced == "" {
					s.Silenced = r.Starting
				}
				continue
			case r.Status == projections.RoleTaken:
				s.Taken++
			case r.Status == projections.RoleRefused:
				s.Refused++
				if s.Why == "" {
					s.Why = r.Refused
				}
			}
			s.Asked++
		}
		summaries = append(summaries, s)
	}
	if v.JSON {
		return a.json(summaries)
	}
	return table(a.out, "ROLE|MODEL|LIMIT|SPENT|ASKED|TAKEN|REFUSED|SILENT|LATEST REFUSAL", func(row func(...any)) {
		for _, s := range summaries {
			limit := "-"
			if s.Limit != "" {
				limit = fmt.Sprintf("$%s a %s", s.Limit, s.Period)
			}
			row(s.Role, orDash(short(s.Model, 32)), limit, "$"+s.Spent, s.Asked, s.Taken, s.Refused, orDash(s.Silenced), orDash(short(s.Why, 60)))
		}
	})
}
