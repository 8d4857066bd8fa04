package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/projections"
)

type goalsTalkVerb struct {
	Goal string `arg:"" help:"The goal."`
	JSON bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help tells who speaks.
func (goalsTalkVerb) Help() string {
	return "Agents that are granted the tools `ask_agent` and `hand_over` speak to others while they work for a goal, as often as `--talks` of " +
		"`goals create` lets them.\n\nExamples:\n  virtuous6 goals talk 019a\n  virtuous6 goals talk 019a --json"
}

// Run shows what the agents of a goal said to one another.
func (v goalsTalkVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	goal, err := findGoal(ctx, reader, v.Goal)
	if err != nil {
		return err
	}
	talks, err := reader.Talks(ctx, goal.Goal)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(append([]projections.TalkRow{}, talks...))
	}
	if len(talks) == 0 {
		a.note("its agents have said nothing to one another: `virtuous6 agents configure AGENT --tools ask_agent,hand_over` lets one speak")
	}
	for _, t := range talks {
		fmt.Fprintf(a.out, "%d  %s  %s", t.Talk, when(t.SaidAt), t.Task)
		if cost := t.Cost; cost.CostNanos > 0 || !cost.Whole() {
			fmt.Fprintf(a.out, "  %s", spent(cost))
		}
		verb := "asks"
		if t.Status == projections.TalkHandedOver {
			verb = "hands over to"
		}
		fmt.Fprintf(a.out, "\n%s %s %s:\n%s\n", oneLine(t.Sender), verb, oneLine(t.Receiver), indented(t.Text))
		switch t.Status {
		case projections.TalkWaits:
			fmt.Fprintf(a.out, "(%s has not answered yet)\n", oneLine(t.Receiver))
		case projections.TalkAnswered:
			fmt.Fprintf(a.out, "%s answers:\n%s\n", oneLine(t.Receiver), indented(t.Answer))
		case projections.TalkFailed:
			fmt.Fprintf(a.out, "%s gave no answer:\n%s\n", oneLine(t.Receiver), indented(t.Why))
		case projections.TalkHandedOver:
		}
		fmt.Fprintln(a.out)
	}
	return nil
}

// indented is a text as a part of what somebody else says.
func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
