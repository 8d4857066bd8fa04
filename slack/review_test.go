package slack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// Reviewers see what was asked and answered, not which side it is of or what others say; once all have judged they see it all.
func TestAReviewIsBlindUntilItIsOver(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	door, h, server := newDoor(t, func(c *slack.Config) { c.Reviews, c.Now = "C6", func() time.Time { return now } })
	take := taking(t, door)
	h.runs = []projections.RunRow{answered("r1", "Once **a year**.")}
	h.runs[0].Prompt, h.runs[0].Requester = "how old may a key be?", "slack:T1:U9"
	h.reviews = []projections.ReviewRow{{Run: "r1", Status: projections.ReviewOpen, Experiment: "x1", Arm: events.CandidateArm, Reviewers: 2, Agreement: -1}}
	w := managers.SlackReview{SlackCard: managers.SlackCard{Of: "review:r1", Run: "r1", Since: now, As: "asked"}}
	if err := door.Review(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	m := server.Messages("C6")
	if len(m) != 1 || !strings.Contains(m[0].Blocks, "Once **a year**.") || !strings.Contains(m[0].Blocks, "0 of 2 have judged") {
		t.Fatalf("got %+v", m)
	}
	for _, not := range []string{"candidate", "x1", "gpt-4o-mini", "clerk"} {
		if strings.Contains(m[0].Blocks, not) {
			t.Errorf("a reviewer is told %q: %s", not, m[0].Blocks)
		}
	}
	take(tapBy(t, "U1", "t1", "v6_review_right", "r1"))
	take(tapBy(t, "U2", "t2", "v6_review_wrong", "r1"))
	server.Await(t, "the modal", func() bool { return strings.Contains(server.Last("views.open").Get("view"), "v6_review_modal") })
	metadata := strings.ReplaceAll(between(strings.ReplaceAll(server.Last("views.open").Get("view"), `\"`, "'"), `"private_metadata":"`, `"`), "'", `"`)
	take(filled(t, "U2", "t3", "v6_review_modal", metadata, text(" every 90 days ")))
	take(tapBy(t, "U9", "t4", "v6_review_right", "r1")) // who asked
	server.Message(t, "C1", "a refusal", func(m apitest.Message) bool { return m.User == "U9" && strings.Contains(m.Text, "asked this yourself") })
	said := all[commands.JudgeReview](h)
	if len(said) != 2 || said[0].Judgement != events.JudgedRight || said[0].User != "slack:T1:U1" || said[1].Judgement != events.JudgedWrong || said[1].Reason != "every 90 days" {
		t.Errorf("got %+v", said)
	}
	h.reviews[0].Status, h.reviews[0].Agreement = projections.ReviewClosed, 0
	h.reviews[0].Judgements = []projections.ReviewJudgement{{User: "slack:T1:U1", Judgement: events.JudgedRight}, {User: "slack:T1:U2", Judgement: events.JudgedWrong, Reason: "every 90 days"}}
	w.As, w.Channel, w.TS = "closed", "C6", m[0].TS
	if err := door.Review(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	m = server.Messages("C6")
	for _, want := range []string{"@U2", "every 90 days", "1 say right, 1 wrong", "who agree: 0 %", "candidate"} {
		if len(m) != 1 || !strings.Contains(m[0].Blocks, want) {
			t.Errorf("no %q in %+v", want, m)
		}
	}
	take(tapBy(t, "U3", "t5", "v6_review_right", "r1"))
	server.Message(t, "C1", "that it is over", func(m apitest.Message) bool { return m.User == "U3" && strings.Contains(m.Text, "is over") })
}
