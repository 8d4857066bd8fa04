package slack_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
)

// A command works in channels that the app is not in. Who gives it there is answered among the app's messages, with why, and the thread there is
// the conversation.
func TestWhoAsksWhereTheAppIsNotIsAnsweredDirectly(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	server.Close("C1", "not_in_channel")
	row := answered("r1", "")
	row.Outcome = projections.Running
	h.runs = []projections.RunRow{row}
	run := managers.SlackRun{Run: "r1", Conversation: "slack:T1:C1:ask:r1", Requester: "slack:T1:U1", StartedAt: time.Now().Add(time.Hour)}
	for range 2 { // it is done again where the record was lost
		if err := door.Follow(t.Context(), managers.SlackFollow{SlackRun: run}); err != nil {
			t.Fatal(err)
		}
	}
	messages, opened := server.Messages("D-U1"), all[commands.OpenSlackThread](h)
	if len(messages) != 1 || len(opened) != 1 || opened[0].Channel != "D-U1" || opened[0].Thread != messages[0].TS || opened[0].Conversation != run.Conversation {
		t.Fatalf("posted %+v, recorded %+v", messages, opened)
	}
	for _, want := range []string{"I am not in that channel", "invite me there", "C1", "how?"} {
		if !strings.Contains(messages[0].Blocks, want) {
			t.Errorf("no %q in %s", want, messages[0].Blocks)
		}
	}
	run.Channel, run.Thread = opened[0].Channel, opened[0].Thread
	h.runs[0].Outcome, h.runs[0].Answer = events.Succeeded, "It is 42."
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	if m := server.Messages("D-U1"); len(m) != 2 || m[1].Thread != m[0].TS || m[1].Text != "It is 42." || len(server.Messages("C1")) != 0 {
		t.Errorf("got %+v", m)
	}
}

// A channel may be archived, or the app thrown out of it, before an answer is there: who asked has it all the same, once, and with why.
func TestAnAnswerThatItsChannelDoesNotTakeComesDirectly(t *testing.T) {
	t.Parallel()
	for refused, why := range map[string]string{"is_archived": "is archived", "not_in_channel": "invite me there", "channel_not_found": "can't see that channel", "restricted_action": "do not let me write"} {
		for _, streamed := range []string{"", "The answer"} {
			t.Run(refused+" "+streamed, func(t *testing.T) {
				t.Parallel()
				var log diary
				door, h, server := newDoor(t, func(c *slack.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
				run := askedRun(time.Now().Add(time.Hour))
				follow(t, door, server, run, streamed)
				server.Close("C1", refused)
				h.runs = []projections.RunRow{answered("r1", "The answer is **42**.")}
				for _, away := range []error{errAway, nil} { // that it was posted can't be recorded at first
					h.mu.Lock()
					h.fail = away
					h.mu.Unlock()
					if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); !errors.Is(err, away) {
						t.Fatal(err)
					}
				}
				m := server.Messages("D-U1")
				if len(m) != 2 || !strings.Contains(m[0].Blocks, why) || !strings.Contains(m[0].Blocks, "how?") || m[1].Thread != m[0].TS || !strings.Contains(m[1].Blocks, "The answer is **42**.") || strings.Contains(m[1].Blocks, "not streamed") {
					t.Fatalf("got %+v", m)
				}
				if posts := all[commands.RecordSlackPost](h); len(posts) != 1 || posts[0].Channel != "D-U1" || posts[0].TS != m[1].TS || posts[0].Reason != refused {
					t.Errorf("recorded %+v", posts)
				}
				if !strings.Contains(log.String(), "remedy=") || !strings.Contains(log.String(), refused) {
					t.Errorf("the log has %s", &log)
				}
			})
		}
	}
}

// What the app may not do is told to who runs it with what to do about it.
func TestWhatIsMissingIsToldWithWhatToDo(t *testing.T) {
	t.Parallel()
	for refused, does := range map[string]string{
		"missing_scope needs chat:write": "the scope chat:write is missing: add it under OAuth & Permissions", "not_in_channel": "invite the app into the channel", "is_archived": "unarchive the channel",
		"team_access_not_granted": "`virtuous6 slack check` tells what is missing",
	} {
		t.Run(refused, func(t *testing.T) {
			t.Parallel()
			var log diary
			door, h, server := newDoor(t, func(c *slack.Config) { c.Proposals, c.Log = "C7", slog.New(slog.NewTextHandler(&log, nil)) })
			server.Refuse("*", refused)
			h.improvements = []projections.ImprovementRow{proposal(same("It answers as well."))}
			w := managers.SlackProposal{SlackCard: managers.SlackCard{Of: h.improvements[0].Improvement, Since: time.Now(), As: "proposed"}}
			if err := door.Propose(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			h.runs = []projections.RunRow{answered("r1", "42")}
			if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: askedRun(time.Now().Add(time.Hour))}); err != nil {
				t.Fatal(err)
			}
			code, _, _ := strings.Cut(refused, " ")
			if n := strings.Count(log.String(), does); n < 2 || !strings.Contains(log.String(), "reason="+code) {
				t.Errorf("%d times %q in %s", n, does, &log)
			}
			for _, p := range all[commands.RecordSlackPost](h) {
				if p.Reason != code {
					t.Errorf("recorded %+v", p)
				}
			}
		})
	}
}

// Where Slack does not say who is in a group, who wants to decide is told so and decides nothing; all else is shown as it is.
func TestAGroupThatNobodyKnowsDecidesNothing(t *testing.T) {
	t.Parallel()
	row := proposal(same("Look the order up."))
	call := approval("x")
	door, h, server := deciding(t, call.AskedAt, func(c *slack.Config) { c.Proposals = "C7" })
	door.Approvers = []string{"S1"}
	server.Refuse("usergroups.users.list", "missing_scope needs usergroups:read")
	h.improvements, h.approvals = []projections.ImprovementRow{row}, []projections.ApprovalRow{call}
	take := taking(t, door)
	take(tappedBy("U3", "v6_decide_approve", slack.Digest(row)+":"+row.Improvement, "t1"))
	take(tappedBy("U3", "v6_call_approve", call.Approval, "t2"))
	for n := range 2 {
		server.Await(t, "why", func() bool {
			told := 0
			for _, m := range server.Messages("C1") {
				if m.User == "U3" && strings.Contains(m.Text, "I can't tell whether you may decide") && strings.Contains(m.Text, "virtuous6 slack check") {
					told++
				}
			}
			return told > n
		})
	}
	if len(all[commands.ApproveImprovement](h))+len(all[commands.AnswerApproval](h)) > 0 {
		t.Errorf("somebody has decided: %+v", h.commands)
	}
	run := answered(call.Run, "")
	run.Outcome, run.Conversation, run.Requester = projections.Running, "slack:T1:D1:1.1", "slack:T1:U3"
	h.runs = []projections.RunRow{run}
	if err := door.Permit(t.Context(), managers.SlackApproval{SlackCard: managers.SlackCard{Of: call.Approval, Run: call.Run, Since: call.AskedAt, As: "asked"}}); err != nil {
		t.Fatal(err)
	}
	if m := server.Messages("C7"); len(m) != 1 || !strings.Contains(m[0].Blocks, "v6_call_approve") {
		t.Errorf("the call is shown as %+v", m)
	}
	h.Reader = folded(t, aDay(time.Now())...)
	take(event("T1", "E9", `{"type":"app_home_opened","user":"U3","tab":"home","channel":"D3"}`))
	server.Await(t, "the Home", func() bool {
		return strings.Contains(server.Last("views.publish").Get("view"), "What waits for a decision")
	})
	if strings.Contains(server.Last("views.publish").Get("view"), "v6_call_approve") {
		t.Error("the Home shows calls to who may not be one to decide")
	}
}
