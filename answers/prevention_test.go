package answers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
)

// met are the facts of runs of clerk that met an error with a known fix, in an arm, of which some succeed.
func met(arm, fix string, runs, succeed int) (facts []any) {
	at := now.AddDate(0, 0, -1)
	for i := range runs {
		run := fmt.Sprint(arm, fix, i)
		ended := events.Event(events.RunFinished{Outcome: events.Succeeded})
		if i >= succeed {
			ended = events.RunFailed{Error: "no"}
		}
		facts = append(facts,
			"run-"+run, at, events.RunStarted{Run: run, Workflow: "ask"},
			"run-"+run, at, events.RunAssigned{Agent: "clerk", Arms: []events.Arm{{Experiment: events.Prevention("clerk", ""), Arm: arm, Permille: 900}}},
			"run-"+run, at, events.RunFixKnown{Fix: fix, Told: arm == events.GivenArm},
			"run-"+run, at, events.RunFixKnown{Fix: "other", Told: arm == events.GivenArm}, // it counts for the first one
			"run-"+run, at, ended)
	}
	return facts
}

func TestWhatFixesPreventIsToldByTheRunsHeldOut(t *testing.T) {
	t.Parallel()
	helps := slices.Concat(met(events.GivenArm, "aa", 900, 810), met(events.HeldOutArm, "aa", 100, 30))
	harms := slices.Concat(met(events.GivenArm, "bb", 900, 450), met(events.HeldOutArm, "bb", 100, 90))
	unsure := slices.Concat(met(events.GivenArm, "cc", 90, 60), met(events.HeldOutArm, "cc", 10, 6))
	alone := met(events.GivenArm, "dd", 90, 60)
	r := read(t, slices.Concat(helps, harms, unsure, alone)...)
	all, each, err := answers.Prevention(t.Context(), r)
	if err != nil || len(each) != 3 || all == nil || all.Given != 1890 || all.HeldOut != 210 || all.Agent != "" {
		t.Fatalf("%+v of %+v (%v)", all, each, err)
	}
	byFix := map[string]answers.Prevented{}
	for _, p := range each {
		byFix[p.Fix] = p
	}
	if p := byFix["aa"]; p.Agent != "clerk" || p.Failures != 540 || p.Low <= 300 || p.High < p.Failures || p.HeldOutSucceeded != 30 {
		t.Errorf("what helps: %+v", p)
	}
	if p := byFix["bb"]; p.Failures != -360 || p.High >= 0 {
		t.Errorf("what harms: %+v", p)
	}
	if p := byFix["cc"]; p.Low >= 0 || p.High <= 0 {
		t.Errorf("what nobody knows: %+v", p)
	}
	week, err := answers.NewReview(t.Context(), r, answers.Weekly, now, answers.Targets{})
	if err != nil {
		t.Fatal(err)
	}
	says := func(lines []answers.Line, what string) bool {
		return slices.ContainsFunc(lines, func(l answers.Line) bool { return strings.Contains(l.Text, what) })
	}
	if !says(week.Worked, "the fix aa of clerk prevented 540 failures") || !says(week.DidNot, "the fix bb of clerk prevented -360") || says(week.Worked, "fix cc") || says(week.DidNot, "fix cc") {
		t.Errorf("worked %+v\ndid not %+v", week.Worked, week.DidNot)
	}
	if !slices.ContainsFunc(week.Checks, func(c answers.Check) bool {
		return c.Name == "known fixes" && strings.HasPrefix(c.Actual, "prevented ")
	}) {
		t.Errorf("checks %+v", week.Checks)
	}
	// Where nothing is held out, nobody knows.
	if all, each, err := answers.Prevention(t.Context(), read(t, alone...)); err != nil || all != nil || len(each) > 0 {
		t.Errorf("%+v of %+v (%v)", all, each, err)
	}
}
