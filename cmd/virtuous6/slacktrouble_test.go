package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// logged starts a server whose log is in a file, which read gives.
func (p program) logged(name string) (server *exec.Cmd, read func() string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	file, err := os.Create(path) //nolint:gosec // a temporary folder
	if err != nil {
		p.t.Fatal(err)
	}
	server = p.command("serve", "--listen", "127.0.0.1:0", "--lease", "1s")
	server.Stderr = file
	if err := server.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		_ = file.Close()
	})
	return server, func() string {
		data, err := os.ReadFile(path) //nolint:gosec // a temporary folder
		if err != nil {
			p.t.Fatal(err)
		}
		return string(data)
	}
}

// What somebody reads where Slack, a channel, a token or a person does not play along, of the real program: who asked is answered all the same, and
// who runs it is told what to do.
func TestWhatIsReadWhereSlackDoesNotPlayAlong(t *testing.T) {
	t.Parallel()
	p, slack, model := slackProgram(t)
	write(t, p.dir, "description.txt", "Writes a note.")
	prices := write(t, p.dir, "prices.json", `{"paced-1":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`)
	config := write(t, p.dir, "config.yaml", "prices: "+prices+"\nmcp:\n  notes:\n    command: [mcp-double, description.txt]\npolicy:\n  tools: [notes__*]\n  ask_tools: [notes__write]\n  approve_within: 2s\n"+
		"slack:\n  approvers: [U1]\n  proposals: CPROPOSALS\n")
	p.env = append(p.env, "VIRTUOUS6_CONFIG="+config, "OPENAI_API_KEY=x")
	p.run("agents", "spawn", "assistant", "--tools", "notes__write")
	server, log := p.logged("first.log")
	says := func(channel, text string) apitest.Message {
		t.Helper()
		return slack.Message(t, channel, text, func(m apitest.Message) bool { return !m.Streaming && strings.Contains(m.Text+m.Blocks, text) })
	}
	logs := func(log func() string, text string) {
		t.Helper()
		slack.Await(t, "a line in the log: "+text, func() bool { return strings.Contains(log(), text) })
	}
	ask := func(channel, ts, text string) {
		t.Helper()
		slack.Send(t, "events_api", "e"+ts, mention(channel, ts, "", text))
		slack.Acked(t, "e"+ts)
	}

	// A limit holds it up, and it comes.
	slack.Limit("agents.sessions.setStatus", 1)
	ask("C1", "1.1", "how do I rotate the keys?")
	model.say("By `rotate`.", ".")
	says("C1", "By `rotate`.")
	logs(log, "Slack asks to wait: it is done then\" method=agents.sessions.setStatus wait=1s")

	// A command in a channel that the app is not in, and what is said next in the thread that comes of it.
	slack.Close("C2", "not_in_channel")
	asked := command(slack, "/ask", "where are the logs?", "t.1")
	asked["channel_id"] = "C2"
	slack.Send(t, "slash_commands", "s1", asked)
	slack.Acked(t, "s1")
	why := says("D-U1", "I am not in that channel: invite me there")
	model.say("In `/var/log`.", ".")
	if answer := says("D-U1", "In `/var/log`."); answer.Thread != why.TS {
		t.Errorf("got %+v", answer)
	}
	next := map[string]any{"type": "message", "channel_type": "im", "user": "U1", "text": "and the old ones?", "ts": "2.2", "thread_ts": why.TS, "channel": "D-U1"}
	slack.Send(t, "events_api", "e2", map[string]any{"type": "event_callback", "team_id": "T1", "event_id": "Ev2", "event": next})
	slack.Acked(t, "e2")
	model.say("In `/var/log/old`.", ".")
	if answer := says("D-U1", "/var/log/old"); answer.Thread != why.TS {
		t.Errorf("got %+v", answer)
	}

	// A channel is archived while the answer is on its way.
	ask("C3", "3.1", "who is on call?")
	model.say("It is ")
	slack.Message(t, "C3", "the answer on its way", func(m apitest.Message) bool { return m.Streaming })
	slack.Close("C3", "is_archived")
	model.say("Anna.", ".")
	says("D-U1", "that channel is archived")
	says("D-U1", "It is Anna.")
	logs(log, "who asked is answered directly")

	// Nobody lets a call be made in time.
	ask("C1", "4.1", "note to buy milk")
	model.say("notes__write buy milk")
	says("C1", "v6_call_approve")
	says("C1", ": nobody decided in time, and it was not called")
	model.say("Nobody let me.", ".")
	says("C1", "Nobody let me.")

	if posts := slack.Messages("C1"); posts[len(posts)-1].Thread != "4.1" || posts[len(posts)-2].Text == posts[len(posts)-1].Text || strings.Contains(posts[len(posts)-2].Text, "Nobody let me") {
		t.Errorf("what was called for comes before its answer: %+v", posts)
	}
	slack.Await(t, "the end of all that is under way", func() bool { return slack.Working() == 0 })

	// A scope is missing for what is posted elsewhere: it is said, and agents go on.
	slack.Refuse("agents.sessions.setStatus", "missing_scope needs assistant:write")
	ask("C1", "5.1", "are you there?")
	model.say("I am.", ".")
	says("C1", "I am.")
	logs(log, "`virtuous6 slack check` tells what is missing")

	// Slack is away, then the token is revoked: what is to be posted waits for another one, also over a restart.
	slack.Refuse("*", "service_unavailable")
	ask("C1", "6.1", "what is left?")
	model.say("The last one.", ".")
	logs(log, "Slack does not answer: what is to be posted waits until it does")
	slack.Await(t, "the run's end", func() bool { return p.kinds()["run.finished"] == 7 })
	slack.Refuse("*", "token_revoked")
	_ = server.Process.Kill()
	_ = server.Wait()
	slack.Connected(t, 0)
	_, log = p.logged("second.log")
	logs(log, "take SLACK_BOT_TOKEN anew from OAuth & Permissions of the app, and start again")
	slack.Refuse("*", "")
	says("C1", "The last one.")
	logs(log, "Slack answers again: what waited is posted")
	slack.Await(t, "the end of all that is under way", func() bool { return slack.Working() == 0 })
}
