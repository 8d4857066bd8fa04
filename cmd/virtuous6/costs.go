package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/cost"
	"github.com/virtuous6/virtuous6/events"
)

type costsVerb struct {
	JSON  bool   `name:"json" help:"Print one JSON value."`
	By    string `help:"Only by this: agent, workflow, model, tool, requester or day." enum:",agent,workflow,model,tool,requester,day" default:""`
	Limit count  `placeholder:"N" help:"Rows of each table, 0 for all." default:"10"`
	pastFlag
}

// Help tells what adds up.
func (costsVerb) Help() string {
	return "What the steps of all runs cost. Each table adds up to the same total, to the billionth of a dollar; a dash is what no name " +
		"was told for, ≥ is before what lacks calls without a price, and ? stands for those alone. `virtuous6 analyze` tells which cheaper model would do.\n\nExamples:\n  virtuous6 costs\n  virtuous6 costs --by requester --limit 0\n" +
		"  virtuous6 costs --json | jq .by_model"
}

// Run adds up.
func (v costsVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	sums, err := cost.Attribute(ctx, reader)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(sums)
	}
	t := sums.Total
	if t.Calls == 0 && t.CostNanos == 0 {
		fmt.Fprintln(a.out, "No run is known to have asked a model.")
		return nil
	}
	tokens := fmt.Sprintf("%d input tokens (%d from a cache), %d output tokens", t.InputTokens, t.CachedTokens, t.OutputTokens)
	if untold(t.InputTokens, t.OutputTokens, t.Cost) {
		tokens = "tokens unknown: the source tells none"
	}
	fmt.Fprintf(a.out, "%d calls, %s, %s\n", t.Calls, tokens, spentInWords(t.Cost))
	for _, part := range []struct {
		name string
		rows []cost.Sum
	}{
		{"agent", sums.Agent}, {"workflow", sums.Workflow}, {"model", sums.Model}, {"tool", sums.Tool}, {"requester", sums.Requester}, {"day", sums.Day},
	} {
		unnamed := len(part.rows) == 1 && part.rows[0].Name == "" // which the total says
		if v.By != "" && v.By != part.name || len(part.rows) == 0 || v.By == "" && unnamed {
			continue
		}
		shown := limited(part.rows, v.Limit)
		err := table(a.out, strings.ToUpper(part.name)+"|CALLS|IN|CACHED|OUT|COST|SHARE", func(row func(...any)) {
			for _, s := range shown {
				share := "-"
				if t.CostNanos > 0 {
					share = fmt.Sprintf("%.1f%%", 100*float64(s.CostNanos)/float64(t.CostNanos))
				}
				in, cached, out := fmt.Sprint(s.InputTokens), fmt.Sprint(s.CachedTokens), fmt.Sprint(s.OutputTokens)
				if untold(s.InputTokens, s.OutputTokens, s.Cost) {
					in, cached, out = "?", "?", "?"
				}
				row(short(orDash(s.Name), 40), s.Calls, in, cached, out, spent(s.Cost), share)
			}
		})
		if err != nil {
			return err
		}
		if rest := len(part.rows) - len(shown); rest > 0 {
			fmt.Fprintf(a.out, "... and %d more (--limit 0 shows all)\n", rest)
		}
	}
	return nil
}

// untold tells that nobody said how many tokens calls took: there are none, of calls whose cost is not known either.
func untold(input, output int64, c events.Cost) bool { return input+output == 0 && !c.Whole() }
