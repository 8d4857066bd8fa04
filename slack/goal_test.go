package slack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/slack"
	"github.com/virtuous6/virtuous6/slack/apitest"
)

// A goal is made and gone for at once; what is said in its thread steers it, answers it, or is heeded.
func TestAGoalIsGoneForAndSteeredInItsThread(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t)
	take := func(kind, ts, text string) {
		t.Helper()
		thread := "1.1"
		if _, err := door.Take(t.Context(), spoken(kind, ts, thread, text)); err != nil {
			t.Fatal(err)
		}
	}
	take("app_mention", "1.1", "<@UB> goal: ship it")
	created, started := all[commands.CreateGoal](h), all[commands.StartGoal](h)
	if len(created) != 1 || len(started) != 1 || created[0].Prompt != "ship it" || created[0].Conversation != "slack:T1:C1:1.1" || created[0].Requester != "slack:T1:U1" || started[0].Goal != created[0].Goal {
		t.Fatalf("got %+v, %+v", created, started)
	}
	h.threads[projections.SlackThreadKey("C1", "1.1")] = projections.SlackThreadRow{Conversation: created[0].Conversation, Thread: "1.1"}
	row := goal(same("Ship it."), projections.GoalRunning)
	row.Conversation = created[0].Conversation
	h.goals = []projections.GoalRow{row}
	take("app_mention", "1.2", "<@UB> goal: ship something else")
	server.Message(t, "C1", "a refusal", func(m apitest.Message) bool { return strings.Contains(m.Text, "has a goal that is not over") })
	take("message", "1.3", "the blue one")
	if a := all[commands.AnswerTask](h); len(a) != 1 || a[0].Task != "which" || a[0].Answer != "the blue one" || a[0].By != "user:slack:T1:U1" {
		t.Errorf("got %+v", a)
	}
	h.goals[0].Tasks[1].Status = projections.TaskDone
	take("message", "1.4", "nothing older than a year")
	take("app_mention", "1.5", "<@UB> pause")
	take("message", "1.6", "Resume.")
	take("app_mention", "1.7", "<@UB> stop")
	told := all[commands.TellGoal](h)
	if len(told) != 1 || told[0].Text != "nothing older than a year" || len(all[commands.PauseGoal](h)) != 1 || len(all[commands.ResumeGoal](h)) != 1 || len(all[commands.CancelGoal](h)) != 1 {
		t.Errorf("got %+v", h.commands)
	}
	// What is said once it is over is asked of the agent.
	h.goals[0].Status = projections.GoalCancelled
	take("message", "1.8", "and now?")
	if runs := all[commands.StartRun](h); len(runs) != 1 || runs[0].Prompt != "and now?" || len(created) != len(all[commands.CreateGoal](h)) {
		t.Errorf("got %+v", runs)
	}
}

// A goal is one message in its thread that shows how it stands, what it asks and in the end what came of it.
func TestAGoalIsShownInItsThread(t *testing.T) {
	t.Parallel()
	door, h, server := newDoor(t, func(c *slack.Config) { c.Now = func() time.Time { return goalTime } })
	row := goal(same("Ship it."), projections.GoalRunning)
	row.Conversation = "slack:T1:C1:1.1"
	row.Tasks[4].Run = "r1"
	h.goals = []projections.GoalRow{row}
	h.runs = []projections.RunRow{answered("r1", "It is **shipped**.")}
	w := managers.SlackGoal{SlackCard: managers.SlackCard{Of: "goal:01a2", Since: goalTime, As: "revision 4"}}
	if err := door.Pursue(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	m := server.Messages("C1")
	if len(m) != 1 || m[0].Thread != "1.1" || !strings.Contains(m[0].Blocks, `"type":"plan"`) || !strings.Contains(m[0].Blocks, ":question:") || server.Status("C1", "1.1") != "suspended" {
		t.Fatalf("got %+v, status %q", m, server.Status("C1", "1.1"))
	}
	h.goals[0].Tasks[1].Status = projections.TaskDone
	w.As, w.Channel, w.TS = "revision 5", "C1", m[0].TS
	if err := door.Pursue(t.Context(), w); err != nil || server.Status("C1", "1.1") != "processing" {
		t.Errorf("%v, status %q", err, server.Status("C1", "1.1"))
	}
	h.goals[0] = goal(same("Ship it."), projections.GoalSucceeded)
	h.goals[0].Conversation, h.goals[0].Tasks[4].Run = row.Conversation, "r1"
	w.As = "revision 9"
	if err := door.Pursue(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	m = server.Messages("C1")
	if len(m) != 1 || !strings.Contains(m[0].Blocks, "It is **shipped**.") || strings.Contains(m[0].Blocks, ":question:") || server.Status("C1", "1.1") != "active" {
		t.Errorf("got %+v, status %q", m, server.Status("C1", "1.1"))
	}
	posts := all[commands.RecordSlackPost](h)
	if len(posts) != 3 || posts[0].Post != "goal:01a2" || posts[2].Post != "goal:01a2/revision 9" {
		t.Errorf("recorded %+v", posts)
	}
}
