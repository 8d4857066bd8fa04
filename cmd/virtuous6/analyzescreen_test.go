package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// The screen has the five things of the greatest worth over all workflows, a line each, and one line for a workflow with too few runs.
func TestTheScreenHasWhatIsWorthMost(t *testing.T) {
	t.Parallel()
	worth := func(points float64) *events.Worth {
		w := evidence.Successes(points/100, points/200, points/50, 1000, 1000)
		return &w
	}
	var found orchestrator.Analysis
	propose := func(workflow, what string, points float64, change func(*orchestrator.Proposed)) {
		p := orchestrator.Proposed{Proposal: evidence.Proposal{
			Claim: events.Claim{Workflow: workflow, Subject: []string{what}}, Change: events.Change{Kind: events.ChangeRunbook, Workflow: workflow, Instruction: what},
			Strength: events.Strong, Evidence: events.Evidence{N: 400}, Worth: worth(points),
		}}
		if change != nil {
			change(&p)
		}
		found.Proposals = append(found.Proposals, p)
	}
	propose("refund", "save it", 5, nil)
	propose("refund", "decided before", 90, func(p *orchestrator.Proposed) { p.Ended = true })
	propose("refund", "against the policy", 80, func(p *orchestrator.Proposed) { p.Refused = "no" })
	propose("small", "of few runs", 70, nil)
	for i := range 6 {
		found.Findings = append(found.Findings, evidence.Finding{
			Workflow: "refund", Subject: []string{"label", fmt.Sprint(i)}, Text: fmt.Sprintf("finding %d %s", i, strings.Repeat("long ", 60)), Evidence: events.Evidence{N: 300},
			Strength: events.Strong, Worth: worth(float64(i + 3)),
		})
	}
	found.Findings = append(found.Findings, evidence.Finding{Workflow: "refund", Subject: []string{"label"}, Text: "no claim", Worth: worth(99)})
	report := projections.Report{ByWorkflow: map[string]projections.Metrics{"refund": {Runs: 400}, "small": {Runs: 12, Running: 3}, "smaller": {Runs: 1}}}
	var out bytes.Buffer
	if err := (analyzeVerb{Limit: 5}).screen(&app{out: &out}, found, report); err != nil {
		t.Fatal(err)
	}
	said := out.String()
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if len(lines) != 9 || strings.Count(said, "refund ") != 5 {
		t.Errorf("%d lines:\n%s", len(lines), said)
	}
	for i, want := range []string{"WORKFLOW", "finding 5", "finding 4", "finding 3", "save it", "finding 2", "Too few runs to tell, under 10: small (9), smaller (1)", "Next: `virtuous6 improvements show ", "6 more: "} {
		if i < len(lines) && !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
	if got := lines[4]; !strings.Contains(got, "+5.0 points (2.5 to 10.0)") || !strings.Contains(got, "400") || !strings.Contains(got, "strong") || !strings.Contains(got, found.Proposals[0].ID()[:8]) {
		t.Errorf("the line of a proposal is %q", got)
	}
}

// Where little is proven, the screen goes on with claims that have no worth and with the error that most failed runs of a workflow have;
// that runs fail whose step does is said by neither.
func TestTheScreenGoesOnWithWhatFails(t *testing.T) {
	t.Parallel()
	fails := func(workflow, text string, failed int64) evidence.Finding {
		return evidence.Finding{
			Kind: failure.ErrorFinding, Workflow: workflow, Subject: []string{"error", text}, Example: "run-of-" + text,
			Text:     fmt.Sprintf("%q is in %d of 400 runs of %s, 60 times, most in fetch (5); %d of 50 rated ones failed; the latest is r.", text, failed+1, workflow, failed),
			Evidence: events.Evidence{Counts: map[string]int64{"runs": failed + 1, "failed": failed}},
		}
	}
	found := orchestrator.Analysis{Findings: []evidence.Finding{
		fails("refund", "rare", 20), fails("refund", "times out", 30), fails("support", "refused", 40), fails("small", "of few runs", 50), fails("calm", "harmless", 0),
		{Workflow: "refund", Subject: []string{"fails", "fetch"}, Text: "Runs with a failed fetch fail.", Strength: events.Strong, Evidence: events.Evidence{N: 300}},
		{Subject: []string{"agent", "clerk"}, Text: "clerk succeeds 22 points more often (94 of 125 runs; interval +10 to +29).", Strength: events.Moderate, Evidence: events.Evidence{N: 300}},
	}}
	report := projections.Report{ByWorkflow: map[string]projections.Metrics{"refund": {Runs: 400}, "support": {Runs: 400}, "calm": {Runs: 400}, "small": {Runs: 9}}}
	var out bytes.Buffer
	if err := (analyzeVerb{Limit: 5}).screen(&app{out: &out}, found, report); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := [][]string{
		{"WORKFLOW"},
		{"all ", "moderate", "clerk succeeds 22 points more often."},
		{"support", "40 runs failed with it", "counted", `"refused", most in fetch (5), as in run-of-refused`},
		{"refund", "30 runs failed with it", `"times out"`},
		{"Too few runs to tell, under 10: small (9)"},
		{"See: `virtuous6 runs run-of-refused --messages`"},
		{"4 more"},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, parts := range want {
		for _, part := range parts {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d is %q, want %q", i, lines[i], part)
			}
		}
	}
}

// What presses comes first, whatever it may be worth, and what no instruction follows from behind all that may bring something.
func TestTheScreenPromisesNothingOfWhatOnlyGoesWithSuccess(t *testing.T) {
	t.Parallel()
	worth := func(points float64) *events.Worth {
		w := evidence.Successes(points/100, points/200, points/50, 1000, 1000)
		return &w
	}
	finding := func(subject, text string, points float64, why string) evidence.Finding {
		if why != "" {
			text += " No instruction: " + why + "."
		}
		return evidence.Finding{
			Workflow: "refund", Subject: []string{"contains", subject}, Text: text, Evidence: events.Evidence{N: 300}, Strength: events.VeryStrong, Worth: worth(points), NoInstruction: why,
		}
	}
	found := orchestrator.Analysis{Findings: []evidence.Finding{
		finding("escalate", "Runs that include escalate fail more often.", 30, "tasks aren't named"),
		finding("check", "Runs that include check succeed more often.", 3, ""),
		{Analyst: "cost", Kind: "budget_ends", Text: "The budget all is all but certain to be used up.", Severity: events.SeverityCritical},
		{Analyst: "cost", Kind: "budget_ends", Text: "The budget of clerk may be used up.", Severity: events.SeverityLow},
	}}
	report := projections.Report{ByWorkflow: map[string]projections.Metrics{"refund": {Runs: 400}}}
	for _, all := range []bool{true, false} {
		if !all {
			found.Findings = found.Findings[:1]
		}
		var out bytes.Buffer
		if err := (analyzeVerb{Limit: 5}).screen(&app{out: &out}, found, report); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"WORKFLOW", "all       critical                  0     -            -         The budget all is all but certain to be used up.",
			"refund    +3.0 points (1.5 to 6.0)", "refund    no instruction            300   very strong  -         Runs that include escalate fail more often; tasks aren't named", "1 more",
		}
		if !all {
			want = []string{"Nothing in this history is certain enough to act on.", "WORKFLOW", "refund    no instruction  300"}
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != len(want) {
			t.Fatalf("%d lines:\n%s", len(lines), out.String())
		}
		for i := range want {
			if !strings.HasPrefix(lines[i], want[i]) {
				t.Errorf("line %d is %q, want %q", i, lines[i], want[i])
			}
		}
	}
	var out bytes.Buffer
	(analyzeVerb{}).printRanked(&app{out: &out}, found)
	evidence.Severe(found.Findings)
	if got := out.String(); !strings.Contains(got, "  refund: no instruction\n") || found.Findings[0].Severity != events.SeverityLow {
		t.Errorf("it says %s, of severity %s", got, found.Findings[0].Severity)
	}
}
