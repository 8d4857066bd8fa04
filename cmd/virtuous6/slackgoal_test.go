package main

import (
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// A goal is asked for by a mention, and its one message shows it to its end.
func TestSlackGoesForAGoal(t *testing.T) {
	t.Parallel()
	slack := apitest.New(t)
	p := newProgram(t)
	p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "SLACK_API_URL=" + slack.URL}
	server, _ := p.serve("--lease", "1s")
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	for _, envelope := range []string{"e1", "e1 again"} {
		slack.Send(t, "events_api", envelope, mention("C1", "1.1", "", "goal: find out why checkouts fail, then write it down"))
		slack.Acked(t, envelope)
	}
	reached := slack.Message(t, "C1", "the goal's end", func(m apitest.Message) bool { return strings.Contains(m.Text, "Reached: find out why") })
	if reached.Thread != "1.1" || !strings.Contains(reached.Blocks, `"status":"complete"`) || !strings.Contains(reached.Blocks, `"type":"markdown"`) {
		t.Errorf("got %+v", reached)
	}
	slack.Await(t, "the session's end", func() bool { return slack.Status("C1", "1.1") == "active" })
	if n := len(slack.Messages("C1")); n != 1 {
		t.Errorf("%d messages: %+v", n, slack.Messages("C1"))
	}
	if got := p.kinds(); got["goal.created"] != 1 || got["goal.finished"] != 1 {
		t.Errorf("got %v", got)
	}
}
