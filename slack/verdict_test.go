package slack_test

import (
	"context"
	"encoding/json"
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

// Whether an answer is right is a verdict, and why it is not a remark on the run.
func TestAnAnswerIsRightOrWrong(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	h.runs = []projections.RunRow{answered("r1", "every year")}
	take := func(d slack.Delivery) {
		t.Helper()
		if _, err := door.Take(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	take(tappedBy("U1", "v6_right", "r1", "t1"))
	take(tappedBy("U2", "v6_wrong", "r1", "t2"))
	server.Await(t, "the modal", func() bool { return strings.Contains(server.Last("views.open").Get("view"), "What is wrong about it?") })
	metadata := between(server.Last("views.open").Get("view"), `"private_metadata":`, `,"`)
	take(slack.Delivery{Kind: slack.InteractionDelivery, Payload: json.RawMessage(`{"type":"view_submission","trigger_id":"t3","team":{"id":"T1"},"user":{"id":"U2"},"view":{"id":"V1",` +
		`"callback_id":"v6_wrong_modal","private_metadata":` + metadata + `,"state":{"values":{"text":{"text":{"value":"every 90 days"}}}}}}`)})
	server.Message(t, "C1", "what came of it", func(m apitest.Message) bool { return m.User == "U2" && strings.Contains(m.Text, "that is wrong") })
	verdicts, feedback := all[commands.GiveVerdict](h), all[commands.GiveFeedback](h)
	if len(verdicts) != 2 || verdicts[0].Verdict != events.Succeeded || verdicts[1].Verdict != events.Failed || verdicts[1].By != "slack:T1:U2" || verdicts[1].From != events.ByPerson || verdicts[1].Run != "r1" {
		t.Errorf("got %+v", verdicts)
	}
	if len(feedback) != 1 || feedback[0].Text != "every 90 days" || feedback[0].Label != "wrong" || feedback[0].Run != "r1" {
		t.Errorf("got %+v", feedback)
	}
}

// between is what stands between two texts.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

// What was proved waits for one who may decide; what an experiment found is shown once, and changed once it was decided.
func TestAVerdictOfAnExperimentIsShownAndDecided(t *testing.T) {
	t.Parallel()
	row := experiment("clerk", "clerk", projections.ExperimentProved)
	ended := experiment("clerk", "clerk", projections.ExperimentExpired)
	ended.Experiment = "ended"
	var h *house
	door, made, server := newDoor(t, func(c *slack.Config) {
		c.Approvers, c.Proposals, c.Now = []string{"U1"}, "C7", func() time.Time { return row.EndedAt }
		c.Promote = func(ctx context.Context, c commands.PromoteExperiment) (commands.Receipt, error) {
			return h.dispatch(ctx, c)
		}
	})
	h = made
	h.experiments = []projections.ExperimentRow{row, ended}
	w := managers.SlackExperiment{SlackCard: managers.SlackCard{Of: "experiment:" + row.Experiment, Since: row.EndedAt, As: "proved"}}
	for range 2 {
		if err := door.Conclude(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	posts := all[commands.RecordSlackPost](h)
	if m := server.Messages("C7"); len(m) != 1 || len(posts) != 1 || m[0].TS != posts[0].TS || !strings.Contains(m[0].Blocks, "v6_trial_approve") {
		t.Fatalf("posted %+v, recorded %+v", m, posts)
	}
	for i, c := range []struct{ user, action, experiment, says string }{
		{"U9", "approve", row.Experiment, "not among those"}, {"U1", "approve", "ended", "decided already"}, {"U1", "approve", "x", "no such experiment"},
		{"U1", "approve", row.Experiment, "Runs that start from now on have it"}, {"U1", "reject", row.Experiment, "Ended"},
	} {
		if _, err := door.Take(t.Context(), tappedBy(c.user, "v6_trial_"+c.action, c.experiment, string(rune('a'+i)))); err != nil {
			t.Fatal(err)
		}
		server.Message(t, "C1", c.says, func(m apitest.Message) bool { return m.User == c.user && strings.Contains(m.Text, c.says) })
	}
	promoted, stopped := all[commands.PromoteExperiment](h), all[commands.StopExperiment](h)
	if len(promoted) != 1 || promoted[0].By != "user:slack:T1:U1" || len(stopped) != 1 {
		t.Errorf("got %+v, %+v", promoted, stopped)
	}
	h.experiments[0].Status, h.experiments[0].DecidedBy = projections.ExperimentPromoted, "user:slack:T1:U1"
	w.As, w.Channel, w.TS = "promoted", "C7", posts[0].TS
	if err := door.Conclude(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if m := server.Messages("C7"); len(m) != 1 || strings.Contains(m[0].Blocks, "v6_trial") || !strings.Contains(m[0].Blocks, "Decided by") {
		t.Errorf("got %+v", m)
	}
}

func TestAUsedUpBudgetIsShown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	door, h, server := newDoor(t, func(c *slack.Config) { c.Proposals, c.Now = "C7", func() time.Time { return now } })
	h.budgets = []projections.BudgetRow{{Budget: "all", Period: events.Daily, LimitNanos: 5_000_000_000}}
	w := managers.SlackBudget{SlackCard: managers.SlackCard{Of: "budget:all:2026-11-28", Since: now, As: "exhausted"}}
	if err := door.Exhausted(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	m := server.Messages("C7")
	if len(m) != 1 || !strings.Contains(m[0].Text, "The budget all of $5.00 a day is used up") {
		t.Fatalf("got %+v", m)
	}
	h.budgets[0].LimitNanos = 9_000_000_000
	w.As, w.Channel, w.TS = managers.Raised, "C7", m[0].TS
	if err := door.Exhausted(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if m := server.Messages("C7"); len(m) != 1 || !strings.Contains(m[0].Text, "new limit of $9.00") {
		t.Errorf("got %+v", m)
	}
}
