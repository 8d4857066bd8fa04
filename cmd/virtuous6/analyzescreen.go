package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/analysts/data"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/answers"
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
	// counted stands where a strength would, for what was counted and not compared.
	counted = "counted"
)

// line is what stands on a line of the screen. What was only counted has the runs that failed with it in place of a worth,
// and one of them; what presses has its severity there, and what no instruction follows from says so.
type line struct {
	instead         string
	where, what, id string
	worth           *events.Worth
	runs, failed    int64
	strength        events.Strength
	example         string
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
	lines := pressing(found.Findings)
	urgent := len(lines)
	for _, p := range found.Proposals {
		if where := cmp.Or(p.Claim.Workflow, p.Change.Workflow, p.Change.Agent); !p.Ended && p.Refused == "" && told(where) {
			lines = append(lines, line{where: where, what: cmp.Or(p.Change.Instruction, p.Reason), id: p.ID(), worth: p.Worth, runs: p.Evidence.N, strength: p.Strength})
		}
	}
	var goesWith []line
	for _, f := range toKnow(found) {
		l := line{where: f.Workflow, what: f.Text, worth: f.Worth, runs: f.Evidence.N, strength: f.Strength}
		switch {
		case !told(f.Workflow):
		case f.NoInstruction != "":
			l.what, _, _ = strings.Cut(f.Text, ". No instruction:")
			l.what, l.instead = l.what+"; "+f.NoInstruction, "no instruction"
			goesWith = append(goesWith, l)
		default:
			lines = append(lines, l)
		}
	}
	slices.SortStableFunc(lines[urgent:], func(x, y line) int { return events.ByWorth(x.worth, y.worth) })
	lines = append(lines, goesWith...)
	for _, f := range found.Findings {
		if f.Worth == nil && f.Strength.Claims() && f.Analyst != data.Name && !symptom(f) && told(f.Workflow) &&
			!saidBy(found.Proposals, f) && !slices.ContainsFunc(found.Findings, func(o evidence.Finding) bool {
			return o.Worth != nil && o.Workflow == f.Workflow && slices.Equal(o.Subject, f.Subject)
		}) {
			lines = append(lines, line{where: cmp.Or(f.Workflow, "all"), what: f.Text, runs: f.Evidence.N, strength: f.Strength})
		}
	}
	proven := len(lines)
	lines = append(lines, commonErrors(found.Findings, told)...)
	if proven == urgent+len(goesWith) {
		lines = append(lines, wheresTime(found.Findings, told)...)
	}
	lines = limited(lines, v.Limit)
	switch {
	case proven == urgent+len(goesWith) && report.Succeeded+report.Failed == 0 && report.Unrated > 0:
		fmt.Fprintf(a.out, "Nobody says of any of them whether it went well, so that nothing can be told to go with success: `import --outcome COLUMN`, `feedback RUN --outcome` or `verdicts set` does.\n")
	case proven == urgent+len(goesWith):
		fmt.Fprintf(a.out, "Nothing in this history is certain enough to act on.\n")
	}
	if len(lines) > 0 {
		if err := v.table(a, lines); err != nil {
			return err
		}
	}
	audited := a.printData(found.Findings, v.Limit)
	v.printFew(a, few)
	if i := slices.IndexFunc(lines, func(l line) bool { return l.id != "" }); i >= 0 {
		id := lines[i].shown()
		fmt.Fprintf(a.out, "Next: `virtuous6 improvements show %s` tells all about it, `improvements approve %s` or `reject %s` decides.\n", id, id, id)
	}
	if i := slices.IndexFunc(lines, func(l line) bool { return l.example != "" }); i >= 0 {
		fmt.Fprintf(a.out, "See: `virtuous6 runs %s --messages` shows where that run failed, `virtuous6 errors` all errors.\n", oneLine(lines[i].example))
	}
	if rest := len(found.Proposals) + len(found.Findings) - len(lines) - audited; rest > 0 {
		fmt.Fprintf(a.out, "%d more: `virtuous6 analyze --all`, or --workflow NAME.\n", rest)
	}
	return nil
}

// printFew tells in one line which workflows have too few runs for anything to be told of them, those with the most first.
func (v analyzeVerb) printFew(a *app, few map[string]int64) {
	if len(few) == 0 {
		return
	}
	names := slices.SortedFunc(maps.Keys(few), func(x, y string) int { return cmp.Or(cmp.Compare(few[y], few[x]), strings.Compare(x, y)) })
	shown := limited(names, v.Limit)
	told := make([]string, len(shown))
	for i, name := range shown {
		told[i] = fmt.Sprintf("%s (%d)", short(name, 40), few[name])
	}
	more := ""
	if rest := len(names) - len(shown); rest > 0 {
		more = fmt.Sprintf(" and %d more", rest)
	}
	fmt.Fprintf(a.out, "Too few runs to tell, under %d: %s%s\n", fewestRuns, strings.Join(told, ", "), more)
}

// pressing are the findings that matter much, whatever they may be worth: a budget that ends, a model that does.
func pressing(findings []evidence.Finding) []line {
	var lines []line
	for _, of := range []events.Severity{events.SeverityCritical, events.SeverityHigh} {
		for _, f := range findings {
			if f.Worth == nil && f.Severity == of && f.Analyst != data.Name {
				lines = append(lines, line{where: cmp.Or(f.Workflow, "all"), what: f.Text, instead: string(of), runs: f.Evidence.N, strength: f.Strength})
			}
		}
	}
	return lines
}

// printData prints what the audit found of the data, a line each, and tells how many those are.
func (a *app) printData(findings []evidence.Finding, limit count) int {
	audited := slices.DeleteFunc(slices.Clone(findings), func(f evidence.Finding) bool { return f.Analyst != data.Name })
	shown := limited(audited, limit)
	for _, f := range shown {
		fmt.Fprintf(a.out, "Data: %s\n", oneLine(f.Text))
	}
	if rest := len(audited) - len(shown); rest > 0 {
		fmt.Fprintf(a.out, "... and %d more of the data: `virtuous6 analyze --analyst data --all`\n", rest)
	}
	return len(shown)
}

// symptom tells of a finding that says no more than that runs fail whose step does.
func symptom(f evidence.Finding) bool { return len(f.Subject) > 0 && f.Subject[0] == "fails" }

// commonErrors are the errors that most failed runs have, one of each workflow, for where little is proven.
func commonErrors(findings []evidence.Finding, told func(workflow string) bool) []line {
	worst := map[string]line{}
	for _, f := range findings {
		failed := f.Evidence.Counts["failed"]
		if f.Kind != failure.ErrorFinding || f.Worth != nil || failed <= worst[f.Workflow].failed || !told(f.Workflow) {
			continue
		}
		text, _ := strconv.QuotedPrefix(f.Text)
		_, most, _ := strings.Cut(strings.TrimPrefix(f.Text, text), " times")
		most, _, _ = strings.Cut(most, ";")
		worst[f.Workflow] = line{where: f.Workflow, what: text + most, runs: f.Evidence.Counts["runs"], failed: failed, strength: counted, example: f.Example}
	}
	lines := slices.Collect(maps.Values(worst))
	slices.SortFunc(lines, func(x, y line) int { return cmp.Or(cmp.Compare(y.failed, x.failed), cmp.Compare(x.where, y.where)) })
	return lines
}

// wheresTime are what takes most of the time of each workflow and what is done again most, for where nothing is proven.
func wheresTime(findings []evidence.Finding, told func(workflow string) bool) []line {
	var lines []line
	seen := map[[2]string]bool{}
	for _, f := range findings {
		kind := [2]string{f.Workflow, f.Kind}
		if f.Kind != workflow.Waiting && f.Kind != workflow.Bottleneck && f.Kind != workflow.Automation && f.Kind != "rework" || seen[kind] || !told(f.Workflow) {
			continue
		}
		seen[kind] = true
		lines = append(lines, line{where: f.Workflow, what: f.Text, runs: f.Evidence.N, strength: counted})
	}
	return lines
}

// aside is what a line has no room for: counts and intervals behind the sentence, which the columns have, and what is between two steps.
var aside = regexp.MustCompile(` \((with anything in between|\d[\d,]* of \d[^)]*|[^)]*(interval|within the same)[^)]*)\)`)

func (analyzeVerb) table(a *app, lines []line) error {
	return table(a.out, "WORKFLOW|MAY BRING|RUNS|HOW SURE|PROPOSAL|WHAT", func(row func(...any)) {
		for _, l := range lines {
			brings := "-"
			switch {
			case l.instead != "":
				brings = l.instead
			case l.worth != nil:
				brings = answers.Gain(l.worth)
			case l.failed > 0:
				brings = fmt.Sprintf("%d runs failed with it", l.failed)
			}
			what := aside.ReplaceAllString(strings.Replace(l.what, " of "+l.where, "", 1), "")
			if l.example != "" {
				what = short(what, shownWhat-40) + ", as in " + l.example
			}
			what = short(what, shownWhat)
			row(short(l.where, 30), brings, l.runs, strings.ReplaceAll(string(cmp.Or(l.strength, "-")), "_", " "), l.shown(), what)
		}
	})
}
