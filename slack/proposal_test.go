package slack_test

import (
	"context"
	"encoding/json"
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

func tappedBy(user, action, value, trigger string) slack.Delivery {
	payload, err := json.Marshal(map[string]any{
		"type": "block_actions", "trigger_id": trigger, "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": user}, "channel": map[string]any{"id": "C1"},
		"message": map[string]any{"ts": "5.5"}, "actions": []map[string]any{{"action_id": action, "value": value}},
	})
	if err != nil {
		panic(err)
	}
	return slack.Delivery{Kind: slack.InteractionDelivery, Payload: payload}
}

func TestOnlyApproversDecideAndOnlyOnWhatTheySaw(t *testing.T) {
	t.Parallel()
	row := proposal(same("Look the order up."))
	own := row
	own.Improvement, own.Analyst = "own", "slack:T1:U1"
	decided := row
	decided.Improvement, decided.Status, decided.DecidedBy = "decided", "rejected", "user:slack:T1:U2"
	seen := slack.Digest(row) + ":" + row.Improvement
	for name, c := range map[string]struct {
		user, action, value, says string
		approvals, rejections     int
	}{
		"a person approves":      {"U1", "approve", seen, "Approved", 1, 0},
		"a member of a group":    {"U3", "reject", seen, "Rejected", 0, 1},
		"anybody else":           {"U9", "approve", seen, "not among those", 0, 0},
		"what has changed since": {"U1", "approve", "0000:" + row.Improvement, "has changed", 0, 0},
		"one's own":              {"U1", "approve", slack.Digest(own) + ":own", "Somebody else", 0, 0},
		"what is decided":        {"U1", "approve", slack.Digest(decided) + ":decided", "decided already", 0, 0},
		"what nobody knows":      {"U1", "approve", "0000:x", "no such proposal", 0, 0},
		"later":                  {"U9", "later", seen, "stays open", 0, 0},
		"the evidence":           {"U9", "evidence", seen, "rests on", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h *house
			door, made, server := newDoor(t, func(c *slack.Config) {
				c.Approvers, c.Now = []string{"U1", "S1"}, func() time.Time { return time.Unix(6, 0) }
				c.Approve = func(ctx context.Context, c commands.ApproveImprovement) (bool, bool, error) {
					receipt, err := h.dispatch(ctx, c)
					return true, receipt.Repeated, err
				}
			})
			h = made
			h.improvements = []projections.ImprovementRow{row, own, decided}
			server.Group("S1", "U3")
			// Two taps at once, and their repeats, decide once.
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					if _, err := door.Take(t.Context(), tappedBy(c.user, "v6_decide_"+c.action, c.value, "t1")); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			server.Message(t, "C1", "the answer", func(m apitest.Message) bool { return m.User == c.user && strings.Contains(m.Text, c.says) })
			if a, r := len(all[commands.ApproveImprovement](h)), len(all[commands.RejectImprovement](h)); a != c.approvals || r != c.rejections {
				t.Errorf("%d approvals, %d rejections", a, r)
			}
			record := h.recorded(t)
			if record.User != "slack:T1:"+c.user || record.Name != c.action || (record.Outcome == events.SlackRefused) != (record.Reason != "") {
				t.Errorf("recorded %+v", record)
			}
		})
	}
}

// A proposal is posted once, with what exactly it would change; its message shows what becomes of it; what is old decides nothing.
func TestAProposalComesToItsChannel(t *testing.T) {
	t.Parallel()
	row := proposal(same("It answers as well."))
	row.Change = events.Change{Kind: events.ChangeModel, Agent: "clerk", Config: &events.AgentConfig{Model: "gpt-4o-mini"}}
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	door, h, server := newDoor(t, func(c *slack.Config) {
		c.Approvers, c.Proposals, c.Now = []string{"U1"}, "C7", func() time.Time { return now }
	})
	h.improvements = []projections.ImprovementRow{row}
	h.agents = []projections.AgentRow{{Agent: "clerk", Model: "gpt-4o"}}
	w := managers.SlackProposal{SlackCard: managers.SlackCard{Of: row.Improvement, Since: now, As: "proposed"}}
	for range 2 {
		if err := door.Propose(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	messages, posts := server.Messages("C7"), all[commands.RecordSlackPost](h)
	if len(messages) != 1 || len(posts) != 1 || posts[0].TS != messages[0].TS || posts[0].Post != row.Improvement || !strings.Contains(messages[0].Blocks, "*model*: ~gpt-4o~ → gpt-4o-mini") {
		t.Fatalf("posted %+v, recorded %+v", messages, posts)
	}
	h.improvements[0].Status, h.improvements[0].DecidedBy = "rejected", "user:slack:T1:U1"
	w.As, w.Channel, w.TS = "rejected", "C7", messages[0].TS
	if err := door.Propose(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if m := server.Messages("C7"); len(m) != 1 || !strings.Contains(m[0].Blocks, "Rejected by") || strings.Contains(m[0].Blocks, "v6_decide") {
		t.Errorf("got %+v", m)
	}
	// A week later nobody decides by it, and nothing old is posted.
	h.improvements[0].Status = "proposed"
	now = now.Add(8 * 24 * time.Hour)
	tap := tappedBy("U1", "v6_decide_reject", slack.Digest(row)+":"+row.Improvement, "t9")
	tap.Payload = json.RawMessage(strings.Replace(string(tap.Payload), `"5.5"`, `"1795856400.000100"`, 1))
	if _, err := door.Take(t.Context(), tap); err != nil || len(all[commands.RejectImprovement](h)) != 0 {
		t.Errorf("%v, %+v", err, all[commands.RejectImprovement](h))
	}
	w.Of, w.As, w.TS = row.Improvement, "proposed", ""
	h.ids = map[string]int{}
	if err := door.Propose(t.Context(), w); err != nil || len(server.Messages("C7")) != 1 {
		t.Errorf("%v, %+v", err, server.Messages("C7"))
	}
}

// What is another workspace's is shown to nobody here.
func TestACardOfAnotherWorkspaceIsNotShown(t *testing.T) {
	t.Parallel()
	row := proposal(same("It answers as well."))
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	door, h, server := newDoor(t, func(c *slack.Config) {
		c.Workspace, c.Proposals, c.Now = "desk", "C7", func() time.Time { return now }
	})
	h.improvements = []projections.ImprovementRow{row}
	for _, workspace := range []string{"lab", "", "desk"} {
		w := managers.SlackProposal{SlackCard: managers.SlackCard{Workspace: workspace, Of: row.Improvement, Since: now, As: "proposed"}}
		if err := door.Propose(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		posts := all[commands.RecordSlackPost](h)
		last := posts[len(posts)-1]
		if shown := workspace == "desk"; len(server.Messages("C7")) > 0 != shown || last.TS != "" != shown || last.Workspace != workspace {
			t.Errorf("%q: %+v, %+v", workspace, server.Messages("C7"), last)
		}
		h.ids = map[string]int{}
	}
}
