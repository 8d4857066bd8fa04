package slack_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// deciding is a door at a time, where U1 and the group S1 may let calls be made, and that answers approvals.
func deciding(t *testing.T, now time.Time, change ...func(*slack.Config)) (*slack.Door, *house, *apitest.Server) {
	var h *house
	door, made, server := newDoor(t, append(change, func(c *slack.Config) {
		c.Approvers, c.ToolApprovers, c.Now = []string{"U8"}, []string{"U1", "S1"}, func() time.Time { return now }
		c.AnswerApproval = func(ctx context.Context, meta commands.Meta, id string, answer events.ApprovalAnswer, by, note string) (projections.ApprovalRow, error) {
			_, err := h.dispatch(ctx, commands.AnswerApproval{Meta: meta, Run: meta.Correlation, Approval: id, Answer: answer, By: by, Note: note})
			return projections.ApprovalRow{}, err
		}
	})...)
	h = made
	server.Group("S1", "U3")
	return door, h, server
}

func TestOnlyThoseWhoMayLetACallBeMade(t *testing.T) {
	t.Parallel()
	row := approval("x")
	granted := row
	granted.Approval, granted.Status, granted.AnsweredBy = "granted", "granted", "user:slack:T1:U2"
	for name, c := range map[string]struct {
		user, action, approval, says string
		after                        time.Duration
		answer                       events.ApprovalAnswer
	}{
		"a person approves":              {"U1", "approve", row.Approval, "Approved", 0, events.ApprovalGranted},
		"a member of a group":            {"U3", "reject", row.Approval, "Rejected", 0, events.ApprovalRejected},
		"anybody else":                   {"U9", "approve", row.Approval, "not among those", 0, ""},
		"who may decide on proposals":    {"U8", "approve", row.Approval, "not among those", 0, ""},
		"what is decided":                {"U1", "approve", "granted", "decided already", 0, ""},
		"what nobody knows":              {"U1", "approve", "1f0c", "no such call", 0, ""},
		"what nobody decided on in time": {"U1", "approve", row.Approval, "expired", 24 * time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door, h, server := deciding(t, row.AskedAt.Add(c.after))
			h.approvals = []projections.ApprovalRow{row, granted}
			// Two taps at once, and their repeats, decide once.
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					if _, err := door.Take(t.Context(), tappedBy(c.user, "v6_call_"+c.action, c.approval, "t1")); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			server.Message(t, "C1", "the answer", func(m apitest.Message) bool { return m.User == c.user && strings.Contains(m.Text, c.says) })
			answers := all[commands.AnswerApproval](h)
			if c.answer == "" != (len(answers) == 0) || len(answers) > 1 {
				t.Fatalf("got %+v", answers)
			}
			for _, a := range answers {
				if a.Answer != c.answer || a.Approval != row.Approval || a.Run != row.Run || a.By != "user:slack:T1:"+c.user {
					t.Errorf("got %+v", a)
				}
			}
		})
	}
}

// A call that waits is shown in the thread of its run, and its session is suspended until it was decided.
func TestACallThatWaitsIsShownInItsThread(t *testing.T) {
	t.Parallel()
	row := approval("the cup was broken")
	door, h, server := deciding(t, row.AskedAt)
	run := answered(row.Run, "")
	run.Outcome, run.Conversation = projections.Running, "slack:T1:C1:1.1"
	h.runs, h.approvals = []projections.RunRow{run}, []projections.ApprovalRow{row}
	w := managers.SlackApproval{SlackCard: managers.SlackCard{Of: row.Approval, Run: row.Run, Since: row.AskedAt, As: "asked"}}
	for range 2 { // it is done again where the record was lost
		if err := door.Permit(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	// Whoever takes over shows that the run waits, not that it works.
	if err := door.Follow(t.Context(), managers.SlackFollow{SlackRun: managers.SlackRun{Run: row.Run, Conversation: run.Conversation, Thread: "1.1"}}); err != nil {
		t.Fatal(err)
	}
	messages, posts := server.Messages("C1"), all[commands.RecordSlackPost](h)
	if len(messages) != 1 || len(posts) != 1 || messages[0].Thread != "1.1" || posts[0].TS != messages[0].TS || posts[0].Correlation != row.Run || server.Status("C1", "1.1") != "suspended" {
		t.Fatalf("posted %+v, recorded %+v, status %q", messages, posts, server.Status("C1", "1.1"))
	}
	h.approvals[0].Status, h.approvals[0].AnsweredBy, h.approvals[0].AnsweredAt = "granted", "user:slack:T1:U1", row.AskedAt.Add(time.Minute)
	w.As, w.Channel, w.TS = "granted", "C1", messages[0].TS
	if err := door.Permit(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	m := server.Messages("C1")
	if len(m) != 1 || !strings.Contains(m[0].Blocks, "Approved by \\u003c@U1\\u003e") || strings.Contains(m[0].Blocks, "v6_call") || !strings.Contains(m[0].Blocks, "the cup was broken") || server.Status("C1", "1.1") != "processing" {
		t.Errorf("got %+v, status %q", m, server.Status("C1", "1.1"))
	}
	// The run may have ended meanwhile: nothing says that it is under way after that.
	h.runs[0].Outcome = events.Cancelled
	if err := door.Permit(t.Context(), w); err != nil || server.Status("C1", "1.1") != "active" {
		t.Errorf("%v, status %q", err, server.Status("C1", "1.1"))
	}
}

// A call of a run that nobody in Slack can see is shown where decisions are made.
func TestACallThatWaitsComesToWhoMayDecide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ conversation, requester, proposals, channel string }{
		"not from Slack":            {"r1", "user:ann", "C7", "C7"},
		"a direct message":          {"slack:T1:D1:1.1", "slack:T1:U2", "C7", "C7"},
		"of one who may decide":     {"slack:T1:D1:1.1", "slack:T1:U3", "C7", "D1"},
		"there is no other channel": {"slack:T1:D1:1.1", "slack:T1:U2", "", "D1"},
		"not from Slack, and none":  {"r1", "user:ann", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := approval("x")
			door, h, server := deciding(t, row.AskedAt, func(config *slack.Config) { config.Proposals = c.proposals })
			run := answered(row.Run, "")
			run.Outcome, run.Conversation, run.Requester = projections.Running, c.conversation, c.requester
			h.runs, h.approvals = []projections.RunRow{run}, []projections.ApprovalRow{row}
			if err := door.Permit(t.Context(), managers.SlackApproval{SlackCard: managers.SlackCard{Of: row.Approval, Run: row.Run, Since: row.AskedAt, As: "asked"}}); err != nil {
				t.Fatal(err)
			}
			n := 0
			if c.channel != "" {
				n = len(server.Messages(c.channel))
			}
			posts := all[commands.RecordSlackPost](h)
			if len(posts) != 1 || (c.channel == "") != (posts[0].TS == "") || (n == 1) != (c.channel != "") {
				t.Errorf("%d messages in %q, recorded %+v", n, c.channel, posts)
			}
		})
	}
}
