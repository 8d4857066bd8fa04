package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/data"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/answers"
)

type healthVerb struct {
	onFlag
	Limit count `placeholder:"N" help:"Agents, the worst first, 0 for all." default:"15"`
	JSON  bool  `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help tells what the number is.
func (healthVerb) Help() string {
	return "From 0 to 100, for the whole system and for each agent, over seven days: what the worst part is at, with its lower bound (95%). The " +
		"parts are success, steps without an error, time against the four weeks before, budgets, and for the whole system what waits and how far the read models " +
		"are behind. Behind them stands what is odd about the data itself, over all of history. What known fixes of errors prevented stands between, once runs were held out of them.\n\nExamples:\n  virtuous6 health\n  virtuous6 health --on 2026-11-22\n  virtuous6 health --json | jq '.agents[] | select(.low < 50)'"
}

// Run prints the conditions.
func (v healthVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	on, err := v.day(ctx, a, reader)
	if err != nil {
		return err
	}
	var behind uint64
	if !v.AsOf.given {
		head, err := a.store.Head(ctx)
		if err != nil {
			return err
		}
		at, err := reader.Position(ctx)
		if err != nil {
			return err
		}
		behind = head - min(head, at)
	}
	whole, agents, err := answers.Conditions(ctx, reader, on, behind)
	if err != nil {
		return err
	}
	prevented, _, err := answers.Prevention(ctx, reader)
	if err != nil {
		return err
	}
	view, err := data.Load(ctx, reader)
	if err != nil {
		return err
	}
	audited := data.New().Propose(view).Findings
	if v.JSON {
		return a.json(struct {
			System answers.Condition   `json:"system"`
			Agents []answers.Condition `json:"agents"`
			// Prevented is null where no run was held out: then nobody knows what fixes prevent.
			Prevented *answers.Prevented `json:"prevented"`
			Data      []evidence.Finding `json:"data"`
		}{whole, agents, prevented, audited})
	}
	shown := limited(agents, v.Limit)
	err = table(a.out, "OF|HEALTH|AT LEAST|BY|PARTS", func(row func(...any)) {
		for i, c := range append([]answers.Condition{whole}, shown...) {
			name := short(c.Name, 32)
			if i == 0 {
				name = "the system"
			}
			score, low := "-", "-"
			if c.Score >= 0 {
				score, low = fmt.Sprint(c.Score), fmt.Sprint(c.Low)
			}
			parts := make([]string, len(c.Parts))
			for i, p := range c.Parts {
				parts[i] = p.Name + ": " + p.Says
			}
			row(name, score, low, orDash(c.Worst), short(strings.Join(parts, "; "), 120))
		}
	})
	if prevented != nil {
		fmt.Fprintf(a.out, "known fixes %s\n", prevented.Says())
	}
	if rest := len(agents) - len(shown); rest > 0 {
		fmt.Fprintf(a.out, "... and %d more (--limit 0 shows all)\n", rest)
	}
	a.printData(audited, dataLines)
	return err
}

// dataLines is how many lines the audit of the data has.
const dataLines = 5
