package main

import (
	"context"
	"strings"
)

type agentsVerb struct {
	JSON  bool `name:"json" help:"Print one JSON value."`
	Limit int  `help:"Rows, 0 for all." default:"0"`
	pastFlag
}

// Help gives examples.
func (agentsVerb) Help() string { return "Examples:\n  virtuous6 agents\n  virtuous6 agents --json" }

// Run lists the registry.
func (v agentsVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	agents, err := reader.Agents(ctx)
	if err != nil {
		return err
	}
	agents = limited(agents, v.Limit)
	if v.JSON {
		return a.json(agents)
	}
	return table(a.out, "AGENT|STATUS|MODEL|RUNS|CONFIGURED|SEEN SINCE|FROM HISTORY|TOOLS", func(row func(...any)) {
		for _, r := range agents {
			row(short(r.Agent, 48), r.Status, orDash(r.Model), r.Runs, r.Configured, when(r.SpawnedAt), r.Imported, short(strings.Join(r.Tools, " "), 60))
		}
	})
}

// rows is how many a list shows: what was asked for, else so many to a person and all to a program. 0 is all.
func rows(asked *int, program bool, toPerson int) int {
	switch {
	case asked != nil:
		return *asked
	case program:
		return 0
	}
	return toPerson
}

// limited is the list's first n, all for 0, and never nil, so that JSON shows an empty list.
func limited[T any](list []T, n int) []T {
	if list == nil {
		return []T{}
	}
	if n > 0 && len(list) > n {
		return list[:n]
	}
	return list
}
