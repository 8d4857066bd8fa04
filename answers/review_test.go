package answers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
)

// ran are the facts of runs of a workflow by an agent, of which some succeed, each with one step that takes two seconds.
func ran(name string, at time.Time, runs, succeed int) (facts []any) {
	for i := range runs {
		run := fmt.Sprintf("%s-%s-%d", name, at.Format("0102"), i)
		ended, outcome := events.Event(events.RunFinished{Outcome: events.Succeeded}), events.Succeeded
		if i >= succeed {
			ended, outcome = events.RunFailed{Error: "no"}, events.Failed
		}
		facts = append(facts,
			"run-"+run, at, events.RunStarted{Run: run, Workflow: name},
			"run-"+run, at, events.RunStepStarted{Step: 0, Name: "look up " + name, Type: events.ToolStep, Agent: name},
			"run-"+run, at.Add(2*time.Second), events.RunStepFinished{Step: 0, Outcome: outcome, CostNanos: 10_000_000},
			"run-"+run, at.Add(2*time.Second), ended)
	}
	return facts
}

func TestAReviewSaysOnlyWhatTheIntervalCarries(t *testing.T) {
	t.Parallel()
	this, last := now.AddDate(0, 0, -2), now.AddDate(0, 0, -9)
	liked := 1.0
	facts := slices.Concat(
		ran("better", last, 100, 50), ran("better", this, 100, 80),
		ran("worse", last, 100, 80), ran("worse", this, 100, 50),
		ran("like", last, 10, 5), ran("like", this, 10, 8), // 30 points too, of ten runs
		ran("new", this, 50, 50),
		[]any{
			"feedback-1", this, events.FeedbackGiven{Feedback: "1", Run: "better-1126-0", User: "u", Name: events.Satisfaction, Score: &liked},
			"feedback-2", this, events.FeedbackGiven{Feedback: "2", Run: "better-1126-1", User: "u", Text: "shorter"},
		},
	)
	position := uint64(len(facts) / 3)
	facts = append(facts, "improvement-i1", this, events.ImprovementProposed{
		Improvement: "i1", Analyst: "workflow", AnalystVersion: 1, Strength: events.Strong, Reason: "Short ones are wished for.",
		Change:   events.Change{Kind: events.ChangeWorkflow, Workflow: "better", Instruction: "Be short."},
		Evidence: events.Evidence{From: 1, To: position, Positions: []uint64{position}, Statistic: "wishes", Value: 1, Low: .2, High: 1, Confidence: .95, N: 1},
	})
	r := read(t, facts...)
	week, err := answers.NewReview(t.Context(), r, answers.Weekly, now, answers.Targets{Feedback: 2, Specialists: 0, SuccessPermille: 700})
	if err != nil {
		t.Fatal(err)
	}
	texts := func(lines []answers.Line) (all string) {
		for _, l := range lines {
			all += l.Text + "\n"
		}
		return all
	}
	if got := texts(week.Worked); !strings.HasPrefix(got, "**better** succeeded in 80% since 22 November, before that in 50% (+30.0 points, interval +") || strings.Count(got, "\n") != 1 {
		t.Errorf("worked: %s", got)
	}
	if got := texts(week.DidNot); !strings.HasPrefix(got, "**worse** succeeded in 50% since") || strings.Count(got, "\n") != 1 {
		t.Errorf("did not: %s", got)
	}
	if week.Before != 210 {
		t.Errorf("it is compared with %d runs", week.Before)
	}
	said := func(list []answers.Check) string {
		var all []string
		for _, c := range list {
			met := "?"
			if c.Met != nil {
				met = fmt.Sprint(*c.Met)
			}
			all = append(all, c.Name+"|"+c.Actual+"|"+c.Target+"|"+met)
		}
		return strings.Join(all, "\n")
	}
	if got, want := said(week.Checks), strings.Join([]string{
		"workflow runs|260, of 4 workflows||?", "new patterns|1 (ways that more than one run took, none before)||?", "feedback acted on|1 of 2|any|true", "cost|$2.6, and no budget is set||?",
		"errors|27.7% of 260 runs (interval 22.6% to 33.4%) failed|under 10%|false", "response|2.0 s at the median, 2.0 s at p95|under 3s|true",
	}, "\n"); got != want {
		t.Errorf("checks:\n%s\nwant\n%s", got, want)
	}
	if got, want := said(week.Targets), strings.Join([]string{
		"workflow runs tracked|470|at least 100|true", "patterns found|4 (ways that more than one run took)|at least 10|false", "specialists|0|at least 5|false", "feedback|2|at least 2|true",
		"patterns automated|0 (their runbook has run)|at least 50, once the first four are met|?", "active specialists|0|at least 25, once the first four are met|?",
		"improvements a day|0.00 over 30 days|at least 1, once the first four are met|?",
		"success|72.3% of 260 runs (interval 66.6% to 77.4%)|at least 70%|true", "median response|2.0 s (p95 2.0 s)|under 2s|false", "cost of a run|$0.01|under $0.015|true",
		"satisfaction|10.0 of 10 (1 of 1 judged answer liked, interval 2.1 to 10.0; at most 10 of a person)||?",
	}, "\n"); got != want {
		t.Errorf("targets:\n%s\nwant\n%s", got, want)
	}
	if len(week.Blockers) != 1 || week.Blockers[0].Due != "2026-12-05" || len(week.Next) != 1 {
		t.Errorf("blockers %+v, next %+v", week.Blockers, week.Next)
	}
	var names []string
	for _, m := range week.Milestones {
		names = append(names, m.Name)
	}
	if !slices.Equal(names, []string{"first pattern that carried a proposal", "first answer that somebody liked"}) && !slices.Equal(names, []string{"first answer that somebody liked", "first pattern that carried a proposal"}) {
		t.Errorf("milestones %q", names)
	}
	if s := week.Status[0]; s.Now != 260 || s.Before != 210 {
		t.Errorf("status %+v", s)
	}
	day, err := answers.NewReview(t.Context(), r, answers.Daily, now, answers.Targets{})
	if err != nil {
		t.Fatal(err)
	}
	if got := said(day.Checks); !strings.HasPrefix(got, "workflow runs|0, of 0 workflows||?\nnew patterns|0 (ways that more than one run took, none before)||?\nfeedback acted on|none was given||?") || !strings.HasSuffix(got, "errors|no run ended with a verdict||?") {
		t.Errorf("a day without runs:\n%s", got)
	}
}

func TestWhatWasHeldBackTellsBecause(t *testing.T) {
	t.Parallel()
	var facts []any
	for i := range 200 {
		run, arm := fmt.Sprintf("r%d", i), events.CurrentArm
		ended := events.Event(events.RunFinished{Outcome: events.Succeeded})
		if i%2 == 0 {
			arm, ended = events.FrozenArm, events.RunFailed{Error: "no"}
		}
		facts = append(facts,
			"run-"+run, now, events.RunStarted{Run: run, Workflow: "w"},
			"run-"+run, now, events.RunAssigned{Agent: "clerk", Arms: []events.Arm{{Experiment: events.Holdback("clerk"), Arm: arm, Permille: 500}}},
			"run-"+run, now, ended)
	}
	week, err := answers.NewReview(t.Context(), read(t, facts...), answers.Weekly, now, answers.Targets{})
	if err != nil {
		t.Fatal(err)
	}
	if len(week.Worked) != 1 || !strings.HasPrefix(week.Worked[0].Text, "because of its changes clerk succeeds in 100%, without them in 0% (+100.0 points") {
		t.Errorf("got %+v", week.Worked)
	}
}

func TestTheWorstPartIsTheHealth(t *testing.T) {
	t.Parallel()
	r := read(t, slices.Concat(
		ran("good", now.AddDate(0, 0, -10), 80, 80), ran("good", now, 50, 50), ran("bad", now, 50, 10),
		ran("new", now, 1, 0), // of which hardly anything is known
		[]any{"budget-all", now, events.BudgetSet{Budget: "all", Period: events.Monthly, LimitNanos: 1}},
	)...)
	whole, agents, err := answers.Conditions(t.Context(), r, now, 3500)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Score != 59 || whole.Low >= 59 || whole.High <= 59 || whole.Low < 48 || whole.Worst != "success" || len(whole.Parts) != 5 || whole.Parts[4].Score != 97 {
		t.Errorf("got %+v", whole)
	}
	if len(agents) != 3 || agents[0].Name != "bad" || agents[0].Score != 20 || agents[1].Name != "new" || agents[1].Score != 0 || agents[2].Score != 100 || agents[2].Low >= 100 {
		t.Errorf("got %+v", agents)
	}
}

// What is under way and waits is told by what it waits for; of an imported run nobody knows.
func TestWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	started := func(run string, facts ...events.Event) (all []any) {
		for _, f := range append([]events.Event{events.RunStarted{Run: run, Workflow: "w"}}, facts...) {
			all = append(all, "run-"+run, now, f)
		}
		return all
	}
	step := events.RunStepStarted{Step: 0, Name: "chat", Type: events.ChatStep}
	r := read(t, slices.Concat(
		started("first"), started("poor", step, events.RunSuspended{Budget: "all"}), started("asking", step, events.RunApprovalAsked{Approval: "a", Agent: "clerk", Tool: "pay"}), started("busy", step),
		[]any{"run-old", now, events.RunStarted{Run: "old", Workflow: "w", Source: &events.Source{Format: "chat"}}},
	)...)
	whole, _, err := answers.Conditions(t.Context(), r, now, 0)
	i := slices.IndexFunc(whole.Parts, func(p answers.Part) bool { return p.Name == "queue" })
	if err != nil || i < 0 {
		t.Fatalf("%+v, %v", whole, err)
	}
	if p := whole.Parts[i]; p.Says != "5 runs under way; of these wait 1 for a budget, 1 for an approval, 1 for their first step" || p.Score != 40 {
		t.Errorf("%+v", p)
	}
}

// What a run costs since is told where it is more than chance, and nothing is said of the cost of what asked no model.
func TestWhatARunCostsSince(t *testing.T) {
	t.Parallel()
	weeks := func(n int, before, since func(i int) events.Nanos) answers.Review {
		var facts []any
		for week, cost := range []func(int) events.Nanos{before, since} {
			at := now.AddDate(0, 0, 7*week-9)
			for i := range n {
				run := fmt.Sprintf("run-%d-%d", week, i)
				facts = append(facts, run, at, events.RunStarted{Run: run[4:], Workflow: "w"},
					run, at, events.RunStepStarted{Step: 0, Name: "step", Type: events.ToolStep}, run, at, events.RunStepFinished{Step: 0, Outcome: events.Succeeded, CostNanos: cost(i)},
					run, at, events.RunFinished{Outcome: events.Succeeded})
			}
		}
		r, err := answers.NewReview(t.Context(), read(t, facts...), answers.Weekly, now, answers.Targets{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	dear := func(i int) events.Nanos { return 10_000_000 + events.Nanos(i%10)*1_000_000 }
	cheap := func(i int) events.Nanos { return dear(i) / 2 }
	free := func(int) events.Nanos { return 0 }
	for name, c := range map[string]struct {
		review answers.Review
		want   string
	}{
		"half": {weeks(40, dear, cheap), "cost of a run|$0.00725|dollars saved|none that a trial showed; a run costs $0.00725 since 22 November, before that $0.0145 (-50%, interval -57"},
		"like": {weeks(40, dear, dear), "cost of a run|$0.0145|"},
		"few":  {weeks(29, dear, cheap), "cost of a run|$0.00717|"},
		"none": {weeks(40, free, free), ""},
	} {
		got := ""
		for _, check := range c.review.Targets {
			if check.Name == "cost of a run" || check.Name == "dollars saved" {
				got += check.Name + "|" + check.Actual + "|"
			}
		}
		if !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") || strings.Contains(got, "saved") != strings.Contains(c.want, "saved") {
			t.Errorf("%s: %s", name, got)
		}
		if cost := c.review.Checks[3]; (cost.Actual == "no call of a model is known, and no budget is set") != (name == "none") {
			t.Errorf("%s: %+v", name, cost)
		}
	}
}
