package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/mining"
	"github.com/virtuous6/virtuous6/analysts/workflow"
)

type patternsVerb struct {
	JSON       bool    `name:"json" help:"Print one JSON value."`
	Limit      *count  `placeholder:"N" help:"Rows, 0 for all. Default: 30, and all with --json."`
	Workflow   string  `help:"Only this workflow."`
	MinSupport float64 `help:"How many runs must hold a sequence: below 1 a share of the workflow's runs, two at the least, from 1 on a number." default:"0.05"`
	MaxLength  int     `help:"The most steps in a sequence." default:"6"`
	All        bool    `help:"Also the sequences that a longer one with the same support contains."`
	pastFlag
}

// Help tells what a pattern is.
func (patternsVerb) Help() string {
	return "A pattern is a sequence of steps that runs hold in this order, with or without others in between. Listed are the closed " +
		"ones, which no longer sequence with the same support contains, and their success with a 95% Wilson interval. `virtuous6 report` counts " +
		"other ones: whole ways, from the first step to the last, that more than one run took.\n\n" +
		"Examples:\n  virtuous6 patterns --workflow checkout\n  virtuous6 patterns --min-support 20 --max-length 4 --json"
}

// mineable refuses what is out of its range, and 0, which would silently mean the default.
func mineable(minSupport float64, maxLength int) error {
	if minSupport == 0 || (mining.Options{MinSupport: minSupport}).Check() != nil {
		return usage("--min-support %v: give a share of the runs below 1, or a whole number of runs", minSupport)
	}
	if maxLength == 0 || (mining.Options{MaxLength: maxLength}).Check() != nil {
		return usage("--max-length %d: give 1 to %d", maxLength, mining.Longest)
	}
	return nil
}

// Run mines and lists.
func (v patternsVerb) Run(ctx context.Context, a *app) error {
	if err := mineable(v.MinSupport, v.MaxLength); err != nil {
		return err
	}
	options := mining.Options{MinSupport: v.MinSupport, MaxLength: v.MaxLength, All: v.All}
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	patterns, err := workflow.Patterns(ctx, reader, v.Workflow, options)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, p := range patterns {
		if p.Raised && !told[p.Workflow] {
			told[p.Workflow] = true
			longer := ""
			if p.MaxLength < v.MaxLength {
				longer = fmt.Sprintf(", and those of more than %d steps,", p.MaxLength)
			}
			a.note("%s has too many sequences to list: those that less than %d of its %d runs hold%s are left out. --min-support %d or --max-length %d asks for fewer.",
				oneLine(p.Workflow), p.MinSupport, p.Runs, longer, p.MinSupport, max(p.MaxLength-1, 2))
		}
	}
	// What is said of one run says little: the workflow with the most runs comes first.
	slices.SortStableFunc(patterns, func(x, y workflow.Pattern) int { return cmp.Compare(y.Runs, x.Runs) })
	total := len(patterns)
	patterns = limited(patterns, rows(v.Limit, v.JSON, 30))
	if v.JSON {
		return a.json(patterns)
	}
	if total == 0 {
		a.note("No sequence of steps is in so many runs of a workflow.")
		return nil
	}
	err = table(a.out, "WORKFLOW|SUPPORT|SUCCESS|95% INTERVAL|STEPS", func(row func(...any)) {
		for _, p := range patterns {
			interval := "-"
			if p.Interval != nil {
				interval = fmt.Sprintf("%.1f%% to %.1f%%", 100*p.Interval.Low, 100*p.Interval.High)
			}
			row(short(p.Workflow, 24), fmt.Sprintf("%d of %d", p.Support, p.Runs), rate(p.Succeeded, p.Failed), interval,
				short(strings.Join(p.Steps, " → "), 120))
		}
	})
	if len(patterns) < total {
		fmt.Fprintf(a.out, "... and %d more (--limit 0 shows all)\n", total-len(patterns))
	}
	return err
}
