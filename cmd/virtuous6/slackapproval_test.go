package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// A call waits for a person, across the death of the server that asked; one tap of one who may decide lets it be made.
func TestSlackApproves(t *testing.T) {
	t.Parallel()
	slack := apitest.New(t)
	p := newProgram(t)
	for name, text := range map[string]string{"description.txt": "Writes a note.", "config.yaml": "mcp:\n  notes:\n    command: [mcp-double, description.txt]\n" +
		"policy:\n  tools: [notes__*]\n  ask_tools: [notes__write]\nslack:\n  approvers: [U1]\n"} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "SLACK_API_URL=" + slack.URL, "VIRTUOUS6_CONFIG=" + filepath.Join(p.dir, "config.yaml")}
	p.run("agents", "spawn", "assistant", "--tools", "notes__write")
	server, _ := p.serve("--lease", "1s")
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	slack.Send(t, "events_api", "e1", mention("C1", "1.1", "", "notes__write buy milk"))
	slack.Acked(t, "e1")
	asks := slack.Message(t, "C1", "what waits", func(m apitest.Message) bool { return strings.Contains(m.Blocks, "v6_call_approve") })
	if asks.Thread != "1.1" || !strings.Contains(asks.Blocks, "buy milk") {
		t.Errorf("got %+v", asks)
	}
	slack.Await(t, "the session's rest", func() bool { return slack.Status("C1", "1.1") == "suspended" })
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	server, _ = p.serve("--lease", "1s")

	id := between(asks.Blocks, `"action_id":"v6_call_approve","value":"`, `"`)
	by := func(user, trigger string) map[string]any {
		payload := tap("v6_call_approve", id, trigger, asks)
		payload["user"] = map[string]any{"id": user, "team_id": "T1"}
		return payload
	}
	slack.Send(t, "interactive", "i0", by("U2", "tap.0"))
	slack.Acked(t, "i0")
	slack.Message(t, "C1", "a refusal", func(m apitest.Message) bool { return m.User == "U2" && strings.Contains(m.Text, "not among those") })
	for _, envelope := range []string{"i1", "i2"} { // two taps
		slack.Send(t, "interactive", envelope, by("U1", "tap."+envelope))
		slack.Acked(t, envelope)
	}
	slack.Message(t, "C1", "who decided", func(m apitest.Message) bool {
		return m.TS == asks.TS && strings.Contains(m.Blocks, "Approved by") && !strings.Contains(m.Blocks, "v6_call")
	})
	slack.Message(t, "C1", "the answer", func(m apitest.Message) bool {
		return m.Thread == "1.1" && strings.Contains(m.Text, "noted: buy milk") && strings.Contains(m.Blocks, "feedback_buttons")
	})
	slack.Await(t, "the session's end", func() bool { return slack.Status("C1", "1.1") == "active" })
	if got := p.kinds(); got["run.approval_answered"] != 1 || got["run.tool_called"] != 1 {
		t.Errorf("got %v", got)
	}
	// The Home of who may decide has what waits, and shows at once what came of a tap there.
	slack.Send(t, "events_api", "e2", mention("C1", "2.1", "", "notes__write buy gold"))
	slack.Acked(t, "e2")
	asks = slack.Message(t, "C1", "what waits", func(m apitest.Message) bool {
		return m.Thread == "2.1" && strings.Contains(m.Blocks, "v6_call_approve")
	})
	slack.Send(t, "events_api", "h1", map[string]any{"type": "event_callback", "team_id": "T1", "event_id": "EvHome", "event": map[string]any{
		"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home",
	}})
	slack.Acked(t, "h1")
	slack.Await(t, "the Home", func() bool { return strings.Contains(slack.Last("views.publish").Get("view"), "buy gold") })
	reject := tap("v6_call_reject", between(asks.Blocks, `"action_id":"v6_call_reject","value":"`, `"`), "tap.home", asks)
	delete(reject, "channel")
	delete(reject, "message")
	reject["view"] = map[string]any{"id": "V1", "type": "home"}
	slack.Send(t, "interactive", "i3", reject)
	slack.Acked(t, "i3")
	slack.Await(t, "the Home anew", func() bool { return !strings.Contains(slack.Last("views.publish").Get("view"), "v6_call") })
}
