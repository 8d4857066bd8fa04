package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

type agentsVerb struct {
	JSON  bool  `name:"json" help:"Print one JSON value."`
	Limit count `placeholder:"N" help:"Rows, 0 for all." default:"0"`
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

// count is a number of rows, 0 for all of them.
type count int

// UnmarshalText reads what --limit is given.
func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil {
		return fmt.Errorf("%q is no number of rows: give 0 for all, or more", text)
	}
	*c = count(n) //nolint:gosec // 31 bits
	return nil
}

// rows is how many a list shows: what was asked for, else so many to a person and all to a program. 0 is all.
func rows(asked *count, program bool, toPerson count) count {
	switch {
	case asked != nil:
		return *asked
	case program:
		return 0
	}
	return toPerson
}

// limited is the list's first n, all for 0, and never nil, so that JSON shows an empty list.
func limited[T any](list []T, n count) []T {
	if list == nil {
		return []T{}
	}
	if n > 0 && len(list) > int(n) {
		return list[:n]
	}
	return list
}
