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
)

// An alert is posted once, and its message tells when it is over; what is long over is not posted any more.
func TestAnAlertIsPostedAndItsEndIsShown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	door, h, server := newDoor(t, func(c *slack.Config) { c.Alerts, c.Proposals, c.Now = "C8", "C7", func() time.Time { return now } })
	w := managers.SlackAlert{SlackCard: managers.SlackCard{Of: "alert:agent:12", Since: now, As: managers.Degraded}, Agent: "clerk", Latest: managers.Tally{Runs: 30, Good: 12}, Before: managers.Tally{Runs: 400, Good: 360}}
	for range 2 {
		if err := door.Alert(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	m := server.Messages("C8")
	if len(m) != 1 || m[0].Text != "clerk succeeds less often than it did: in 12 of 30 of its latest runs, in 360 of 400 before." {
		t.Fatalf("got %+v", m)
	}
	w.As, w.Channel, w.TS = managers.Recovered, "C8", m[0].TS
	if err := door.Alert(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if m := server.Messages("C8"); len(m) != 1 || !strings.Contains(m[0].Text, "is over") {
		t.Errorf("got %+v", m)
	}
	h.budgets = []projections.BudgetRow{{Budget: "all", Period: events.Monthly, LimitNanos: 10_000_000_000, SpentNanos: 8_100_000_000, Starting: "2026-11-01"}}
	for i, at := range []time.Time{now, now.AddDate(0, 0, -2)} {
		mark := managers.SlackAlert{SlackCard: managers.SlackCard{Of: "alert:budget:all:2026-11-01:" + []string{"80", "50"}[i], Since: at}, Budget: "all", Percent: 80}
		if err := door.Alert(t.Context(), mark); err != nil {
			t.Fatal(err)
		}
	}
	if m := server.Messages("C8"); len(m) != 2 || m[1].Text != "80 % of the budget all are spent: $8.10 of $10.00 a month (since 2026-11-01 UTC)." {
		t.Errorf("got %+v", m)
	}
	if posts := all[commands.RecordSlackPost](h); len(posts) < 3 || posts[len(posts)-1].TS != "" || posts[len(posts)-1].Reason != "it is over" {
		t.Errorf("recorded %+v", posts)
	}
}

// A milestone is posted with what came of it, and not where it was taken back meanwhile.
func TestAMilestoneIsPosted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	score := 1.0
	door, h, server := newDoor(t, func(c *slack.Config) {
		c.Digests, c.Now = "C9", func() time.Time { return now }
		c.Reader = folded(t, append(aDay(now), "feedback-f1", now, events.FeedbackGiven{Feedback: "f1", Run: "r1", Name: events.Satisfaction, Score: &score})...)
	})
	for _, name := range []events.Milestone{events.FirstLiked, events.FirstSaving} {
		if err := door.Milestone(t.Context(), managers.SlackMilestone{SlackCard: managers.SlackCard{Of: "milestone:" + string(name), Since: now}}); err != nil {
			t.Fatal(err)
		}
	}
	m, posts := server.Messages("C9"), all[commands.RecordSlackPost](h)
	if len(m) != 1 || m[0].Text != "A milestone: first answer that somebody liked" || !strings.Contains(m[0].Blocks, "run r1") {
		t.Errorf("got %+v", m)
	}
	if len(posts) != 2 || posts[1].Post != "milestone:saving" || posts[1].Reason != "it was taken back" {
		t.Errorf("recorded %+v", posts)
	}
}
