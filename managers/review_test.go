package managers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// Runs of an open experiment are put before people, those of the side of which verdicts tell least first; what people say becomes a
// verdict.
func TestRunsThatNarrowAnOpenDecisionAreReviewed(t *testing.T) {
	t.Parallel()
	take := wanting(t, "review")
	var asked []string
	var verdicts []commands.GiveVerdict
	closes := map[string]int{}
	tell := func(stream string, fact events.Event) {
		for _, w := range take(stream, fact) {
			switch c := w.Command.(type) {
			case commands.AskReview:
				asked = append(asked, c.Run+" "+c.Arm)
				if c.Reviewers != 2 || c.Reason == "" || c.Experiment != "x" {
					t.Errorf("asked %+v", c)
				}
			case commands.GiveVerdict:
				verdicts = append(verdicts, c)
			case commands.CloseReview:
				closes[c.Run]++
				if w.At.IsZero() || !w.At.Equal(c.At) {
					t.Errorf("%s is closed at %s", c.Run, w.At)
				}
			}
		}
	}
	run := func(name, experiment, arm string, ends events.Event) {
		tell("run-"+name, events.RunAssigned{Arms: []events.Arm{{Experiment: experiment, Arm: arm}}})
		tell("run-"+name, ends)
	}
	finished := events.RunFinished{Outcome: events.Succeeded}
	tell("experiment-x", events.ExperimentStarted{Share: 500})
	run("other", "y", events.ControlArm, finished)
	run("failed", "x", events.ControlArm, events.RunFailed{})
	if len(asked) > 0 {
		t.Fatalf("asked %q", asked)
	}
	// People have judged four of the candidate's: the next verdict on one without tells more.
	for i := range 4 {
		name := fmt.Sprintf("c%d", i)
		tell("run-"+name, events.RunAssigned{Arms: []events.Arm{{Experiment: "x", Arm: events.CandidateArm}}})
		tell("verdict-"+name, events.VerdictGiven{Run: name, Verdict: events.Succeeded, From: events.ByPerson})
	}
	run("a", "x", events.ControlArm, finished)
	tell("review-a", events.ReviewAsked{Run: "a", Reviewers: 2})
	run("c", "x", events.CandidateArm, finished)
	tell("review-c", events.ReviewAsked{Run: "c", Reviewers: 2})
	run("b", "x", events.ControlArm, finished)
	tell("review-b", events.ReviewAsked{Run: "b", Reviewers: 2})
	// Three are under way: the next waits for its turn, and control has it.
	run("d", "x", events.CandidateArm, finished)
	run("e", "x", events.ControlArm, finished)
	tell("review-c", events.ReviewClosed{Run: "c", Verdict: ""})
	if got := strings.Join(asked, ", "); got != "a control, c candidate, b control, e control" {
		t.Errorf("asked %q", got)
	}
	if closes["a"] != 1 || closes["b"] != 1 || closes["c"] != 1 {
		t.Errorf("closes %v", closes)
	}
	if len(verdicts) > 0 {
		t.Errorf("a review that is left open became %+v", verdicts)
	}
	tell("review-a", events.ReviewClosed{Run: "a", Wrong: 2, Verdict: events.Failed})
	if len(verdicts) != 1 || verdicts[0].Run != "a" || verdicts[0].Verdict != events.Failed || verdicts[0].From != events.ByPerson || verdicts[0].By != "review" {
		t.Errorf("verdicts %+v", verdicts)
	}
	tell("verdict-a", events.VerdictGiven{Run: "a", Verdict: events.Failed, From: events.ByPerson, By: "review"})
	asked = nil
	tell("experiment-x", events.ExperimentStopped{})
	tell("review-b", events.ReviewClosed{Run: "b"})
	tell("run-z", events.RunFinished{Outcome: events.Succeeded})
	if len(asked) > 0 || len(verdicts) != 1 {
		t.Errorf("after its end: asked %q, %+v", asked, verdicts)
	}
}

// A review is shown as it stands, each judgement and its end.
func TestAReviewIsShownAsItStands(t *testing.T) {
	t.Parallel()
	take := wanting(t, "slack_review")
	var shown []string
	tell := func(fact events.Event) {
		for _, w := range take("review-r1", fact) {
			card := w.Work.(managers.SlackReview) //nolint:forcetypeassert // there is no other work
			shown = append(shown, card.Post())
			take("slack-"+card.Post(), events.SlackPosted{Post: card.Post(), Channel: "C", TS: "1"})
		}
	}
	tell(events.ReviewAsked{Run: "r1", Reviewers: 2})
	tell(events.ReviewJudged{Run: "r1"})
	tell(events.ReviewJudged{Run: "r1"})
	tell(events.ReviewClosed{Run: "r1"})
	if got := strings.Join(shown, " "); got != "review:r1 review:r1/judged 1 review:r1/judged 2 review:r1/closed" {
		t.Errorf("shown %q", got)
	}
}

// Of several candidates each has its reviews.
func TestEachCandidateIsReviewed(t *testing.T) {
	t.Parallel()
	take := wanting(t, "review")
	take("experiment-x", events.ExperimentStarted{Share: 500})
	take("run-d", events.RunAssigned{Arms: []events.Arm{{Experiment: "x", Arm: events.Candidate(1)}}})
	var asked []string
	for _, w := range take("run-d", events.RunFinished{Outcome: events.Succeeded}) {
		if c, ok := w.Command.(commands.AskReview); ok {
			asked = append(asked, c.Run+" "+c.Arm)
		}
	}
	if len(asked) != 1 || asked[0] != "d candidate-2" {
		t.Errorf("asked %q", asked)
	}
}

// Runs that an open proposal is about are put before people too, until they have said enough, it is decided, or its evidence is gone. What
// nobody asked there, or found words for the record, is not.
func TestRunsOfAnOpenProposalAreReviewed(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		stream string
		fact   events.Event
	}{
		"approved":        {"improvement-p", events.ImprovementApproved{By: "user:anna"}},
		"rejected":        {"improvement-p", events.ImprovementRejected{By: "user:anna"}},
		"without grounds": {"improvement-p", events.ImprovementEvidenceChanged{Move: events.EvidenceGone, Strength: events.Gone}},
		"enough":          {},
	} {
		take := wanting(t, "review")
		var asked []string
		tell := func(stream string, fact events.Event) {
			for _, w := range take(stream, fact) {
				if c, ok := w.Command.(commands.AskReview); ok {
					asked = append(asked, c.Run+" "+c.Improvement)
					if c.Reason == "" || c.Experiment != "" || c.Arm != "" || c.Reviewers != 2 {
						t.Errorf("%s: asked %+v", name, c)
					}
				}
			}
		}
		run := func(id string, started events.RunStarted, agent string) {
			started.Run = id
			tell("run-"+id, started)
			tell("run-"+id, events.RunAssigned{Agent: agent})
			tell("run-"+id, events.RunFinished{Outcome: events.Succeeded})
		}
		judge := func(id string) {
			tell("review-"+id, events.ReviewAsked{Run: id, Reviewers: 2})
			tell("review-"+id, events.ReviewClosed{Run: id, Right: 2, Verdict: events.Succeeded})
			tell("verdict-"+id, events.VerdictGiven{Run: id, Verdict: events.Succeeded, From: events.ByPerson, By: "review"})
		}
		run("before", events.RunStarted{Workflow: "refunds"}, "clerk")
		tell("improvement-p", events.ImprovementProposed{Improvement: "p", Change: events.Change{Kind: events.ChangeWorkflow, Workflow: "refunds"}})
		tell("improvement-q", events.ImprovementProposed{Improvement: "q", Change: events.Change{Kind: events.ChangePrompt, Agent: "writer"}})
		run("other", events.RunStarted{Workflow: "orders"}, "clerk")
		run("imported", events.RunStarted{Workflow: "refunds", Source: &events.Source{}}, "")
		run("words", events.RunStarted{Workflow: "refunds", Phrases: &events.Phrasing{}}, "phraser")
		run("a", events.RunStarted{Workflow: "refunds"}, "clerk")
		if got := strings.Join(asked, ", "); got != "a p" {
			t.Fatalf("%s: asked %q", name, got)
		}
		judge("a")
		// Of the writer's runs nobody has judged one: the next verdict there tells more.
		tell("review-z", events.ReviewAsked{Run: "z", Reviewers: 2})
		run("b", events.RunStarted{Workflow: "refunds"}, "clerk")
		tell("review-b", events.ReviewAsked{Run: "b", Reviewers: 2})
		run("w", events.RunStarted{Workflow: "orders"}, "writer")
		tell("review-w", events.ReviewAsked{Run: "w", Reviewers: 2})
		run("c", events.RunStarted{Workflow: "refunds"}, "clerk")
		run("v", events.RunStarted{Workflow: "orders"}, "writer")
		asked = nil
		if end.fact != nil {
			tell(end.stream, end.fact)
		} else {
			for i := range 11 {
				judge(fmt.Sprint("e", i)) // of nothing that was told: it counts nowhere
				id := fmt.Sprint("f", i)
				tell("run-"+id, events.RunStarted{Run: id, Workflow: "refunds"})
				tell("verdict-"+id, events.VerdictGiven{Run: id, Verdict: events.Succeeded, From: events.ByPerson})
			}
		}
		asked = nil
		for _, id := range []string{"z", "b", "w"} {
			tell("review-"+id, events.ReviewClosed{Run: id})
		}
		tell("review-v", events.ReviewAsked{Run: "v", Reviewers: 2})
		run("d", events.RunStarted{Workflow: "refunds"}, "clerk")
		if got := strings.Join(asked, ", "); got != "v q" {
			t.Errorf("%s: then asked %q", name, got)
		}
	}
}
