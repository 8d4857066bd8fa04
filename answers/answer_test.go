package answers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// read folds facts, given as a stream, its time and a fact each, and reads them.
func read(t *testing.T, facts ...any) projections.Reader {
	t.Helper()
	ctx := t.Context()
	revisions := map[string]uint64{}
	var entries []readmodel.Entry
	for i := 0; i < len(facts); i += 3 {
		stream, at, fact := facts[i].(string), facts[i+1].(time.Time), facts[i+2].(events.Event)
		entries = append(entries, readmodel.Entry{Event: fact, Envelope: events.Envelope{
			ID: events.NameID(at, fmt.Sprint(i)), Stream: stream, Revision: revisions[stream], Position: uint64(len(entries) + 1), Kind: fact.Kind(), Version: 1,
			OccurredAt: at, Actor: "user:anna",
		}})
		revisions[stream]++
	}
	models, err := projections.Open(ctx, readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := models.Apply(ctx, 0, entries); err != nil {
		t.Fatal(err)
	}
	return models
}

func TestUnderstand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"What patterns did you find yesterday?":             "patterns  2026-11-27 2026-11-28",
		"which patterns have you seen this month":           "patterns  2026-10-30 2026-11-29",
		"How can you improve yourself today?":               "improve  2026-11-22 2026-11-29",
		"What did you learn from  recent interactions?":     "learned  2026-11-22 2026-11-29",
		"what have you learned today":                       "learned  2026-11-28 2026-11-29",
		"Why did you change the deploy agent?":              "why deploy 2026-11-22 2026-11-29",
		"why was the release notes agent changed yesterday": "why release notes 2026-11-27 2026-11-28",
		"why did my build change?":                          "",
		"What patterns are there for retries in Go?":        "",
		"how can I improve this query?":                     "",
		"what did Newton learn?":                            "",
		"":                                                  "",
	} {
		q, ok := answers.Understand(text, now)
		got := ""
		if ok {
			got = fmt.Sprintf("%s %s %s %s", q.Topic, q.Subject, q.Since.Format(time.DateOnly), q.Until.Format(time.DateOnly))
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestQuestionsAreAnsweredFromTheRecord(t *testing.T) {
	t.Parallel()
	yesterday := now.Add(-20 * time.Hour)
	var facts []any
	for i := range 4 {
		run, tool, ended := fmt.Sprintf("r%d", i), i < 2, events.Event(events.RunFinished{Outcome: events.Succeeded})
		if !tool {
			ended = events.RunFailed{Error: "no"}
		}
		facts = append(facts, "run-"+run, yesterday, events.RunStarted{Run: run, Workflow: "deploy"})
		names := []string{"chat"}
		if tool {
			names = append(names, "look up")
		}
		for step, name := range names {
			facts = append(facts, "run-"+run, yesterday, events.RunStepStarted{Step: step, Name: name, Type: events.ChatStep},
				"run-"+run, yesterday, events.RunStepFinished{Step: step, Outcome: events.Succeeded, CostNanos: 1000})
		}
		facts = append(facts, "run-"+run, yesterday, ended)
	}
	score := 1.0
	facts = append(facts,
		"agent-deploy-bot", yesterday, events.AgentSpawned{Agent: "deploy-bot", Role: "deploys", Author: "user:anna"},
		"improvement-i1", yesterday, events.ImprovementProposed{
			Improvement: "i1", Analyst: "workflow", AnalystVersion: 1, Strength: events.Strong, Reason: "Runs that look up first succeed more often.",
			Change:   events.Change{Kind: events.ChangeWorkflow, Workflow: "deploy", Instruction: "Look up first."},
			Evidence: events.Evidence{From: 1, To: 20, Positions: []uint64{3}, Statistic: "risk difference", Value: 1, Low: .2, High: 1, Confidence: .95, N: 4},
		},
		"feedback-f1", yesterday, events.FeedbackGiven{Feedback: "f1", Run: "r1", User: "slack:T:U", Name: events.Satisfaction, Score: &score},
		"feedback-f2", yesterday, events.FeedbackGiven{Feedback: "f2", Run: "r1", User: "slack:T:U", Text: "shorter, <!channel>"},
	)
	r := read(t, facts...)
	for text, want := range map[string][]string{
		"What patterns did you find yesterday?":        {"**chat → look up**, in 2 of the 4 runs of deploy: 2 of 2 succeeded, of the others 0 of 2.", "**chat**, in 2 of the 4"},
		"What patterns did you find today?":            {"I can't tell: no run began today. The latest that I know of ended on 27 November 2026."},
		"How can you improve yourself today?":          {"Runs that look up first succeed more often. **Look up first.** (strong evidence, 4 runs) [3] i1"},
		"What did you learn from recent interactions?": {"*proposed*: Runs that look up", "Somebody wished: “shorter, ‹!channel›”", "1 of 1 answers that people judged were liked."},
		"What have you learned today?":                 {"I can't tell: no run began today."},
		"Why did you change the deploy agent?":         {"**deploy-bot, version 1**, 27 November 2026 16:00 UTC, by user:anna"},
		"Why did you change the clerk agent?":          {`I know no agent called "clerk". There are: deploy-bot.`},
	} {
		q, ok := answers.Understand(text, now)
		if !ok {
			t.Fatalf("%q is not understood", text)
		}
		said, err := answers.Answer(t.Context(), r, q)
		if err != nil {
			t.Fatal(err)
		}
		got := said.None
		for _, line := range said.Lines {
			got += fmt.Sprintln(line.Text, line.Positions, line.Improvement)
		}
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%q: got %q, want %q", text, got, part)
			}
		}
	}
}

// What may bring most comes first, and what became of a change before what is only proposed.
func TestProposalsComeByWhatTheyMayBring(t *testing.T) {
	t.Parallel()
	propose := func(id string, strength events.Strength, worth *events.Worth) events.Event {
		return events.ImprovementProposed{
			Improvement: id, Analyst: "workflow", Strength: strength, Reason: "Why " + id + ".", Worth: worth,
			Change:   events.Change{Kind: events.ChangeWorkflow, Workflow: "deploy"},
			Evidence: events.Evidence{From: 1, To: 20, Statistic: "risk difference", Value: 1, Low: .2, High: 1, Confidence: .95, N: 4},
		}
	}
	points := func(points float64) *events.Worth {
		return &events.Worth{Unit: events.MoreSuccesses, Month: points, Points: points, PointsLow: 1, PointsHigh: 2 * points, Share: points / 100}
	}
	r := read(t,
		"improvement-small", now, propose("small", events.VeryStrong, points(3)),
		"improvement-none", now, propose("none", events.VeryStrong, nil),
		"improvement-dollars", now, propose("dollars", events.Moderate, &events.Worth{Unit: events.LessDollars, Month: 42, Low: 4, High: 80, Share: .2}),
		"improvement-large", now, propose("large", events.Moderate, points(14)),
		"improvement-made", now, propose("made", events.Moderate, nil),
		"improvement-made", now, events.ImprovementApproved{By: "user:anna"},
		"improvement-made", now, events.ImprovementApplied{Share: 1000},
		"improvement-refused", now, propose("refused", events.Moderate, points(50)),
		"improvement-refused", now, events.ImprovementRejected{By: "user:anna"},
	)
	for text, want := range map[string]string{
		"How can you improve?":    "dollars large small none",
		"What did you learn?":     "made refused dollars large small ",
		"What have you learned?":  "made refused dollars large small ",
		"What would you improve?": "dollars large small none",
	} {
		q, ok := answers.Understand(text, now)
		if !ok {
			t.Fatalf("%q is not understood", text)
		}
		said, err := answers.Answer(t.Context(), r, q)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, line := range said.Lines { // the last of five tells how many there are more
			order = append(order, line.Improvement)
		}
		if got := strings.Join(order, " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if text == "How can you improve?" && !strings.Contains(said.Lines[0].Text, "may bring $42.00 less a month (4.00 to 80.00); moderate evidence") {
			t.Errorf("got %q", said.Lines[0].Text)
		}
	}
	review, err := answers.NewReview(t.Context(), r, answers.Weekly, now, answers.Targets{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(review.Blockers); !strings.Contains(got, "4 proposals wait for a decision nothing of it is tried; the first may bring $42.00 less a month (4.00 to 80.00) to deploy") {
		t.Errorf("got %s", got)
	}
}

// Where nobody says of which time, and nothing is to be told of the last seven days, it is the time in which something ran.
func TestAnOldHistoryIsAnsweredOf(t *testing.T) {
	t.Parallel()
	long, score, low := now.AddDate(-1, 0, 0), 1.0, 0.0
	history := func(at time.Time) projections.Reader {
		var facts []any
		for i := range 3 {
			run := fmt.Sprint("run-desk-r", i)
			facts = append(facts, run, at, events.RunStarted{Run: run[4:], Workflow: "desk"}, run, at, events.RunStepStarted{Step: 0, Name: "look up", Type: events.ToolStep},
				run, at, events.RunStepFinished{Step: 0, Outcome: events.Succeeded}, run, at, events.RunFinished{Outcome: events.Succeeded})
		}
		for i := range 4 {
			id := fmt.Sprint("feedback-", i)
			facts = append(facts, id, at, events.FeedbackGiven{Feedback: id[9:], Run: "desk-r0", User: "anna", Score: &low, Text: "Not what I *asked* for."})
		}
		return read(t, append(facts,
			"feedback-a", at, events.FeedbackGiven{Feedback: "a", Run: "desk-r1", User: "bela", Score: &score, Text: "Did it."},
			"feedback-b", at, events.FeedbackGiven{Feedback: "b", Run: "desk-r2", User: "bela", Wish: "shorter"},
			"feedback-c", at, events.FeedbackGiven{Feedback: "c", Run: "desk-r2", Name: "toxicity", Score: &score}, // of no person
			"feedback-d", at, events.FeedbackGiven{Feedback: "d", Run: "desk-r2", User: "dara", Text: "longer"},
		)...)
	}
	for name, c := range map[string]struct {
		r                 projections.Reader
		text, title, says string
	}{
		"a year ago": {
			history(long), "What did you learn?", "What I learned in the week to 28 November 2025, the latest in which something ended",
			"1 of 2 answers that people judged were liked.|Somebody wished: “longer”|Somebody wished: “shorter”|4 times somebody said: “Not what I asked for.”|and 1 other word of people.",
		},
		"a year ago, patterns": {
			history(long), "What patterns did you find?", "Patterns in the week to 28 November 2025, the latest in which something ended",
			"**look up**, in 3 of the 3 runs of desk: 3 of 3 succeeded.",
		},
		"without times": {
			history(time.Time{}), "What did you learn?", "What I learned in all of a history without times",
			"1 of 2 answers that people judged were liked.|Somebody wished: “longer”|Somebody wished: “shorter”|4 times somebody said: “Not what I asked for.”|and 1 other word of people.",
		},
		"without times, of a day": {history(time.Time{}), "What did you learn yesterday?", "What I learned yesterday", "I can't tell: no run that I know of has a time."},
		"begun long before it ended": {
			read(t, "run-r", long.AddDate(0, -2, 0), events.RunStarted{Run: "r", Workflow: "desk"}, "run-r", long, events.RunFinished{Outcome: events.Succeeded}),
			"What did you learn?", "What I learned in the week to 28 November 2025, the latest in which something ended",
			"Nothing that I can tell: no run began in the week to 28 November 2025, the latest in which something ended, and those that ended began before.",
		},
		"of a week": {history(long), "What did you learn this week?", "What I learned in the last 7 days", "I can't tell: no run began in the last 7 days. The latest that I know of ended on 28 November 2025."},
		"empty":     {read(t), "What did you learn?", "What I learned in the last 7 days", "I can't tell: I know of no run that ended. Ask me something, or bring history in by `virtuous6 import`."},
	} {
		q, ok := answers.Understand(c.text, now)
		said, err := answers.Answer(t.Context(), c.r, q)
		if err != nil || !ok {
			t.Fatal(err, ok)
		}
		var lines []string
		for _, line := range said.Lines {
			lines = append(lines, line.Text)
		}
		if got := said.None + strings.Join(lines, "|"); got != c.says || said.Title != c.title {
			t.Errorf("%s: %s: %s", name, said.Title, got)
		}
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	yesterday := now.Add(-20 * time.Hour)
	liked, not := 1.0, 0.0
	r := read(t,
		"run-a", yesterday, events.RunStarted{Run: "a", Workflow: "w"}, "run-a", yesterday.Add(time.Second), events.RunFinished{Outcome: events.Succeeded},
		"run-b", now, events.RunStarted{Run: "b", Workflow: "w"}, "run-b", now.Add(3*time.Second), events.RunFailed{},
		"run-c", now, events.RunStarted{Run: "c", Workflow: "v"}, "run-c", now.Add(time.Second), events.RunFinished{Outcome: events.Succeeded},
		// The last word of a person on a run counts.
		"feedback-1", now, events.FeedbackGiven{Feedback: "1", Run: "b", User: "u", Name: events.Satisfaction, Score: &liked},
		"feedback-2", now, events.FeedbackGiven{Feedback: "2", Run: "b", User: "u", Name: events.Satisfaction, Score: &not},
		"feedback-3", yesterday, events.FeedbackGiven{Feedback: "3", Run: "a", User: "u", Name: events.Satisfaction, Score: &liked},
	)
	for span, want := range map[answers.Span]string{
		answers.All:        "3 runs 2 succeeded 1 failed, poor, 1 of 2 liked, groups 0",
		answers.Today:      "2 runs 1 succeeded 1 failed, poor, 0 of 1 liked, groups 0",
		answers.Week:       "3 runs 2 succeeded 1 failed, poor, 1 of 2 liked, groups 0",
		answers.ByWorkflow: "3 runs 2 succeeded 1 failed, poor, 1 of 2 liked, groups 2",
	} {
		f, err := answers.Metrics(context.Background(), r, now, span)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%d runs %d succeeded %d failed, %s, %d of %d liked, groups %d", f.Runs, f.Succeeded, f.Failed, f.Health, f.Liked, f.Judged, len(f.Groups))
		if got != want {
			t.Errorf("%s: got %s, want %s", span, got, want)
		}
		if last := f.Trend[len(f.Trend)-2:]; last[0].Runs != 1 || last[1].Runs != 2 || last[1].Failed != 1 || last[1].Day != "2026-11-28" {
			t.Errorf("%s: the trend ends in %+v", span, last)
		}
	}
	if _, err := answers.Metrics(t.Context(), r, now, "moon"); err == nil {
		t.Error("there are figures by the moon")
	}
}
