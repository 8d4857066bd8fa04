package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/orchestrator"
)

type analyzeVerb struct {
	JSON       bool    `name:"json" help:"Print one JSON value."`
	Analyst    string  `help:"Only this analyst."`
	MinSupport float64 `help:"How many runs must hold a step sequence: below 1 a share of the workflow's runs, from 1 on a number." default:"0.05"`
	MaxLength  int     `help:"The most steps in a sequence." default:"6"`
	Limit      count   `placeholder:"N" help:"Findings of a kind shown for a workflow, 0 for all that are told. --json always prints those." default:"3"`
}

// Help tells what comes of it.
func (analyzeVerb) Help() string {
	return "Analysts read the read models. What they find is printed with its evidence; what they would change is recorded as an " +
		"improvement, once, for people to approve or reject. No model is asked.\n\nExamples:\n  virtuous6 analyze\n  virtuous6 analyze --json | jq .proposals"
}

// Run analyses.
func (v analyzeVerb) Run(ctx context.Context, a *app) error {
	if err := mineable(v.MinSupport, v.MaxLength); err != nil {
		return err
	}
	options := workflow.Options{MinSupport: v.MinSupport, MaxLength: v.MaxLength}
	runners := analysts.Configured(analysts.Options{Workflow: options})
	if v.Analyst != "" {
		var names []string
		for _, r := range runners {
			names = append(names, r.Name)
		}
		runners = slices.DeleteFunc(runners, func(r analysts.Runner) bool { return r.Name != v.Analyst })
		if len(runners) == 0 {
			return usage("--analyst %s: there is no such analyst; there are %s", v.Analyst, strings.Join(names, ", "))
		}
	}
	if _, err := a.read(ctx); err != nil {
		return err
	}
	found, err := orchestrator.Analyze(ctx, a.models, a.dispatcher().Dispatch, a.clock, runners)
	if err != nil {
		return err
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	if v.JSON {
		proposals := make([]evidence.Proposal, len(found.Proposals))
		for i, p := range found.Proposals {
			proposals[i] = p.Proposal
		}
		return a.json(map[string]any{"position": found.Position, "proposals": proposals, "findings": found.Findings})
	}
	v.print(a, found)
	return nil
}

func (v analyzeVerb) print(a *app, found orchestrator.Analysis) {
	workflow, kind, shown, left := "", "", 0, 0
	more := func() {
		if left > 0 {
			fmt.Fprintf(a.out, "    ... and %d more\n", left)
		}
	}
	for _, f := range found.Findings {
		if f.Workflow != workflow || f.Kind != kind {
			more()
			shown, left = 0, 0
		}
		if f.Workflow != workflow {
			workflow = f.Workflow
			fmt.Fprintf(a.out, "\n%s\n", strings.ToUpper(oneLine(workflow)))
			kind = ""
		}
		if f.Kind != kind {
			kind = f.Kind
			fmt.Fprintf(a.out, "  %s\n", strings.ReplaceAll(kind, "_", " "))
		}
		if v.Limit == 0 || shown < int(v.Limit) {
			shown++
			fmt.Fprintf(a.out, "    %s\n", oneLine(f.Text))
		}
		left = max(f.Of-shown, 0)
	}
	more()
	if len(found.Proposals) == 0 {
		fmt.Fprintf(a.out, "\nNo proposals: nothing in this history is certain enough to act on.\n")
		return
	}
	fmt.Fprintf(a.out, "\nPROPOSALS\n")
	for _, p := range found.Proposals {
		state := "there before"
		switch {
		case p.Refused != "":
			state = "refused: " + p.Refused
		case p.New:
			state = "new"
		}
		e := p.Evidence
		fmt.Fprintf(a.out, "  %s  %s (%s)\n    %s\n", p.ID(), p.Change.Kind, oneLine(state), oneLine(p.Reason))
		if p.Change.Instruction != "" {
			fmt.Fprintf(a.out, "    to do: %s\n", oneLine(p.Change.Instruction))
		}
		fmt.Fprintf(a.out, "    evidence: %.3g [%.3g, %.3g] over %d runs, log positions %d to %d (%s)\n", e.Value, e.Low, e.High, e.N, e.From, e.To, e.Statistic)
	}
	fmt.Fprintf(a.out, "Decide with `virtuous6 improvements approve ID` or `reject ID`.\n")
}
