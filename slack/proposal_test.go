package slack_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
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
	row := proposal("Look the order up.")
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
				c.Approvers = []string{"U1", "S1"}
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
