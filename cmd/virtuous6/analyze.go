package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

type analyzeVerb struct {
	JSON       bool    `name:"json" help:"Print one JSON value."`
	Analyst    string  `help:"Only this analyst."`
	MinSupport float64 `help:"How many runs must hold a step sequence: below 1 a share of the workflow's runs, two at the least, from 1 on a number." default:"0.05"`
	MaxLength  int     `help:"The most steps in a sequence." default:"6"`
	All        bool    `help:"Everything that was counted, workflow by workflow, and all proposals with their evidence."`
	Workflow   string  `help:"All of this workflow alone."`
	Limit      count   `placeholder:"N" help:"Lines of the screen, 0 for all. --all, --workflow and --json always print all." default:"5"`
}

// Help tells what comes of it.
func (analyzeVerb) Help() string {
	return "Analysts read the read models. What they would change is recorded as an improvement, once, for people to approve or " +
		"reject. The screen has what may bring most over all workflows, to do or to know: points of success, or dollars or minutes in 30 days " +
		"at the present rate of runs, shrunk for having been chosen among many; where little is proven, the commonest errors with a run to look at. No model is asked.\n\nExamples:\n  virtuous6 analyze\n" +
		"  virtuous6 analyze --workflow support\n  virtuous6 analyze --all\n  virtuous6 analyze --json | jq .proposals"
}

// Run analyses.
func (v analyzeVerb) Run(ctx context.Context, a *app) error {
	if err := mineable(v.MinSupport, v.MaxLength); err != nil {
		return err
	}
	options := workflow.Options{MinSupport: v.MinSupport, MaxLength: v.MaxLength}
	runners := analysts.Configured(analysts.Options{Workflow: options, Workers: runtime.GOMAXPROCS(0)})
	if v.Analyst != "" {
		runners = slices.DeleteFunc(runners, func(r analysts.Runner) bool { return r.Name != v.Analyst })
		if len(runners) == 0 {
			return usage("--analyst %s: there is no such analyst; there are %s", v.Analyst, strings.Join(analystNames(), ", "))
		}
	}
	if _, err := a.read(ctx); err != nil {
		return err
	}
	found, err := orchestrator.Analyze(ctx, a.models, a.flags.Workspace, a.dispatcher().Dispatch, a.clock, runners)
	if err != nil {
		return err
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	report, err := a.own().Report(ctx, projections.MetricsFilter{})
	if err != nil {
		return err
	}
	if v.Workflow != "" {
		if _, known := report.ByWorkflow[v.Workflow]; !known {
			return fmt.Errorf("no run is one of workflow %q: `virtuous6 metrics` lists them", v.Workflow)
		}
		found.Proposals = slices.DeleteFunc(found.Proposals, func(p orchestrator.Proposed) bool { return p.Claim.Workflow != v.Workflow })
		found.Findings = slices.DeleteFunc(found.Findings, func(f evidence.Finding) bool { return f.Workflow != v.Workflow })
	}
	slices.SortStableFunc(found.Proposals, func(a, b orchestrator.Proposed) int { return events.ByWorth(a.Worth, b.Worth) })
	if v.JSON {
		proposals := make([]evidence.Proposal, len(found.Proposals))
		for i, p := range found.Proposals {
			proposals[i] = p.Proposal
		}
		return a.json(map[string]any{"position": found.Position, "proposals": proposals, "findings": found.Findings})
	}
	if ended := report.Runs - report.Running; ended > 0 {
		fmt.Fprintln(a.out, endedInWords(report, ended))
	}
	if !v.All && v.Workflow == "" {
		return v.screen(a, found, report)
	}
	v.printFindings(a, found.Findings)
	v.printRanked(a, found)
	return nil
}

// endedInWords tells how many runs ended, how many of those that say so succeeded, and by what that is told.
func endedInWords(report projections.Report, ended int64) string {
	text, rated := fmt.Sprintf("%d runs ended", ended), report.Succeeded+report.Failed
	if ended == 1 {
		text = "1 run ended"
	}
	if rated > 0 {
		text += fmt.Sprintf(", %d of %d succeeded (%s)", report.Succeeded, rated, rate(report.Succeeded, report.Failed))
	}
	text += fmt.Sprintf("; %d of them have a verdict", report.Judged)
	if report.Judged < ended && rated > 0 {
		text += ", the others count by how they ended"
	}
	return text + "."
}

// toKnow are the findings that make a claim of some worth, the greatest first, those that no instruction follows from behind the others. What a
// proposal says is not said again.
func toKnow(found orchestrator.Analysis) []evidence.Finding {
	known := slices.DeleteFunc(slices.Clone(found.Findings), func(f evidence.Finding) bool {
		return f.Worth == nil || !f.Strength.Claims() || saidBy(found.Proposals, f)
	})
	slices.SortStableFunc(known, func(x, y evidence.Finding) int { return events.ByWorth(x.Worth, y.Worth) })
	goesWith := func(f evidence.Finding) bool { return f.NoInstruction != "" }
	return append(slices.DeleteFunc(slices.Clone(known), goesWith), slices.DeleteFunc(known, func(f evidence.Finding) bool { return !goesWith(f) })...)
}

// saidBy tells that a proposal says what a finding does.
func saidBy(proposals []orchestrator.Proposed, f evidence.Finding) bool {
	return slices.ContainsFunc(proposals, func(p orchestrator.Proposed) bool { return p.Says(f) })
}

// printRanked prints what to do, and what else makes a difference, all of it and in whole sentences.
func (v analyzeVerb) printRanked(a *app, found orchestrator.Analysis) {
	if len(found.Proposals) > 0 {
		fmt.Fprintf(a.out, "TO DO, by what it may bring\n")
		for _, p := range found.Proposals {
			v.printProposal(a, p)
		}
		fmt.Fprintf(a.out, "Decide with `virtuous6 improvements approve ID` or `reject ID`.\n")
	}
	if known := toKnow(found); len(known) > 0 {
		fmt.Fprintf(a.out, "TO KNOW, by what it may be worth\n")
		for _, f := range known {
			what := worth(f.Worth, f.Workflow)
			if f.NoInstruction != "" {
				what = oneLine(f.Workflow) + ": no instruction"
			}
			fmt.Fprintf(a.out, "  %s\n    %s\n", what, oneLine(f.Text))
			v.printWording(a, f.Wording)
		}
	}
}

func (v analyzeVerb) printProposal(a *app, p orchestrator.Proposed) {
	state := "there before"
	switch {
	case p.Refused != "":
		state = "refused: " + p.Refused
	case p.New:
		state = "new"
	}
	fmt.Fprintf(a.out, "  %s\n", worth(p.Worth, cmp.Or(p.Change.Workflow, p.Change.Agent)))
	if p.Change.Instruction != "" {
		fmt.Fprintf(a.out, "    to do: %s\n", oneLine(p.Change.Instruction))
	}
	fmt.Fprintf(a.out, "    %s\n    %s  %s (%s)\n", oneLine(p.Reason), p.ID(), p.Change.Kind, oneLine(strings.Trim(strings.ReplaceAll(string(p.Strength), "_", " ")+", "+state, ", ")))
	v.printWording(a, p.Wording)
	e := p.Evidence
	risk, _ := evidence.RiskOf(p.ID(), p.Change)
	fmt.Fprintf(a.out, "    could get worse: %s; undone by: %s\n", oneLine(risk.Worse), oneLine(risk.Undo))
	fmt.Fprintf(a.out, "    evidence: %.3g [%.3g, %.3g] over %d runs, log positions %d to %d (%s)\n", e.Value, e.Low, e.High, e.N, e.From, e.To, e.Statistic)
}

// worth says what something may bring, of what.
func worth(w *events.Worth, of string) string {
	of = oneLine(of)
	switch {
	case w == nil:
		return of
	case w.Unit == events.LessDollars || w.Unit == events.LessMinutes:
		return fmt.Sprintf("%s: %s, %s", of, answers.Gain(w), w.Severity)
	}
	return fmt.Sprintf("%s: %s, %s more successful runs a month, %s", of, answers.Gain(w), answers.Amount(w, w.Month), w.Severity)
}

// printFindings prints the findings of each workflow, kind by kind.
func (v analyzeVerb) printFindings(a *app, findings []evidence.Finding) {
	workflow, kind := "", ""
	for _, f := range findings {
		if f.Workflow != workflow {
			workflow, kind = f.Workflow, ""
			fmt.Fprintf(a.out, "%s\n", strings.ToUpper(oneLine(cmp.Or(workflow, "over all workflows"))))
		}
		if f.Kind != kind {
			kind = f.Kind
			of := ""
			if f.Of > 0 {
				of = fmt.Sprintf(" (%d)", f.Of)
			}
			fmt.Fprintf(a.out, "  %s%s\n", cmp.Or(kindWords[kind], strings.ReplaceAll(kind, "_", " ")), of)
		}
		fmt.Fprintf(a.out, "    %s\n", oneLine(f.Text))
		v.printWording(a, f.Wording)
	}
}

// printWording prints how a model words what stands before it.
func (analyzeVerb) printWording(a *app, w *evidence.Wording) {
	if w != nil {
		fmt.Fprintf(a.out, "    in words (%s): %s\n", oneLine(w.Model), oneLine(w.Text))
	}
}

// kindWords say what kinds of findings are whose own word tells nothing.
var kindWords = map[string]string{
	"pass_hat": "how often it works", "follows": "what comes directly after what", "variant": "ways that runs take", "pattern": "sequences that many runs hold",
	"rework": "steps done again", "unreliable_task": "tasks that succeed sometimes",
}
