package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

const (
	// fewestRuns is how many ended runs a workflow needs for anything to be told of it.
	fewestRuns = 10
	// shownID is how much of an id a line has: what only it begins with names a proposal.
	shownID = 8
	// shownWhat is how much of what was found a line has.
	shownWhat = 110
)

// line is what stands on a line of the screen.
type line struct {
	where, what, id string
	worth           *evidence.Worth
	runs            int64
	strength        events.Strength
}

// shown is the beginning of its id, that names it.
func (l line) shown() string { return orDash(l.id[:min(len(l.id), shownID)]) }

// screen prints what is worth most over all workflows, a line each, and what to run next.
func (v analyzeVerb) screen(a *app, found orchestrator.Analysis, report projections.Report) error {
	few := map[string]int64{}
	for name, m := range report.ByWorkflow {
		if ended := m.Runs - m.Running; ended < fewestRuns {
			few[name] = ended
		}
	}
	told := func(workflow string) bool { _, too := few[workflow]; return !too }
	var lines []line
	for _, p := range found.Proposals {
		if where := cmp.Or(p.Claim.Workflow, p.Change.Workflow, p.Change.Agent); !p.Ended && p.Refused == "" && told(where) {
			lines = append(lines, line{where: where, what: cmp.Or(p.Change.Instruction, p.Reason), id: p.ID(), worth: p.Worth, runs: p.Evidence.N, strength: p.Strength})
		}
	}
	for _, f := range toKnow(found) {
		if told(f.Workflow) {
			lines = append(lines, line{where: f.Workflow, what: f.Text, worth: f.Worth, runs: f.Evidence.N, strength: f.Strength})
		}
	}
	slices.SortStableFunc(lines, func(x, y line) int { return evidence.ByWorth(x.worth, y.worth) })
	lines = limited(lines, v.Limit)
	if len(lines) == 0 {
		fmt.Fprintf(a.out, "Nothing in this history is certain enough to act on.\n")
	} else if err := v.table(a, lines); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(few))
	for _, name := range limited(names, v.Limit) {
		fmt.Fprintf(a.out, "%s: %d runs, too few to tell (%d are the fewest)\n", oneLine(name), few[name], fewestRuns)
	}
	if rest := len(names) - len(limited(names, v.Limit)); rest > 0 {
		fmt.Fprintf(a.out, "... and %d more workflows with too few runs\n", rest)
	}
	if i := slices.IndexFunc(lines, func(l line) bool { return l.id != "" }); i >= 0 {
		id := lines[i].shown()
		fmt.Fprintf(a.out, "Next: `virtuous6 improvements show %s` tells all about it, `improvements approve %s` or `reject %s` decides.\n", id, id, id)
	}
	if rest := len(found.Proposals) + len(found.Findings) - len(lines); rest > 0 {
		fmt.Fprintf(a.out, "%d more: `virtuous6 analyze --all`, or --workflow NAME.\n", rest)
	}
	return nil
}

func (analyzeVerb) table(a *app, lines []line) error {
	return table(a.out, "WORKFLOW|MAY BRING|RUNS|HOW SURE|PROPOSAL|WHAT", func(row func(...any)) {
		for _, l := range lines {
			brings := "-"
			if l.worth != nil {
				brings = gain(l.worth)
			}
			row(short(l.where, 30), brings, l.runs, strings.ReplaceAll(string(cmp.Or(l.strength, "-")), "_", " "), l.shown(), short(l.what, shownWhat))
		}
	})
}
