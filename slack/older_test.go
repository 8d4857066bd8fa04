package slack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// A workspace that knows neither the newer blocks nor streams has the same goal and the same answer in ordinary blocks, and
// their buttons work.
func TestAnOlderWorkspaceHasOrdinaryBlocks(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t, func(c *slack.Config) { c.Now = func() time.Time { return goalTime } })
	server.Older()
	server.Refuse("chat.startStream", "unknown_method")
	h.goals = []projections.GoalRow{goal(same("Ship it."), projections.GoalRunning)}
	h.goals[0].Conversation = "slack:T1:C1:1.1"
	w := managers.SlackGoal{SlackCard: managers.SlackCard{Of: "goal:01a2", Since: goalTime, As: "revision 4"}}
	for _, as := range []string{"revision 4", "revision 5"} {
		if w.As = as; door.Pursue(t.Context(), w) != nil {
			t.Fatal("the goal is not shown")
		}
		m := server.Messages("C1")
		if len(m) != 1 || !strings.Contains(m[0].Blocks, ":white_check_mark: Find out why checkouts fail  _clerk_\\n:white_circle: Ship it.") || strings.Contains(m[0].Blocks, `"plan"`) {
			t.Fatalf("got %+v", m)
		}
		w.Channel, w.TS = "C1", m[0].TS
	}
	// It is asked once which blocks there are.
	if n := server.Calls("chat.postMessage") + server.Calls("chat.update"); n != 3 {
		t.Errorf("%d calls for two messages", n)
	}
	run := askedRun(goalTime.Add(time.Hour))
	h.runs = []projections.RunRow{answered("r1", "It is **42**:\n```\n6 * 7\n```")}
	if err := door.Answer(t.Context(), managers.SlackAnswer{SlackRun: run}); err != nil {
		t.Fatal(err)
	}
	answer := server.Message(t, "C1", "the answer", func(m apitest.Message) bool { return strings.Contains(m.Text, "It is *42*") })
	if !strings.Contains(answer.Blocks, "It is *42*:") || !strings.Contains(answer.Blocks, `"action_id":"v6_judge_good"`) {
		t.Errorf("got %+v", answer)
	}
	tapped, err := slack.Parse(tapBy(t, "U1", "t1", "v6_judge_bad", "bad:r1"))
	if judged, ok := tapped.Wish.(slack.Judge); !ok || judged.Run != "r1" || judged.Good || err != nil {
		t.Errorf("a tap is %#v, %v", tapped.Wish, err)
	}
}
