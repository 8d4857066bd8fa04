package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// Somebody is forgotten while a server has their thread, their goal and a run of theirs in its memory: nothing that it tells a model, the log, Slack
// or who looks at its pages holds a word of theirs after that.
func TestWhoIsForgottenBesideAServerStaysForgotten(t *testing.T) {
	t.Parallel()
	onBoth(t, forgottenBeside)
}

func forgottenBeside(t *testing.T, p program) {
	slack, model := apitest.New(t), newPaced(t)
	prices := write(t, p.dir, "prices.json", `{"paced-1":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`)
	config := write(t, p.dir, "config.yaml", "prices: "+prices+"\nmcp:\n  notes:\n    command: [mcp-double, description.txt]\npolicy:\n  tools: [notes__*]\n  ask_tools: [notes__write]\nslack:\n  approvers: [U2]\n")
	write(t, p.dir, "description.txt", "Writes a note.")
	if p.store == "" {
		p.store, p.models = "sqlite:"+filepath.Join(p.dir, "store.db"), "sqlite:"+filepath.Join(p.dir, "models.db")
	}
	p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "SLACK_API_URL=" + slack.URL, "OPENAI_BASE_URL=" + model.URL + "/v1", "OPENAI_API_KEY=x", "VIRTUOUS6_CONFIG=" + config}
	p.run("agents", "spawn", "assistant", "--tools", "notes__write")
	server, url := p.serve("--lease", "1s")
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	n := 0
	send := func(kind string, payload map[string]any) {
		t.Helper()
		n++
		slack.Send(t, kind, fmt.Sprint("e", n), payload)
		slack.Acked(t, fmt.Sprint("e", n))
	}
	says := func(thread, text string) apitest.Message {
		t.Helper()
		return slack.Message(t, "C1", text, func(m apitest.Message) bool { return m.Thread == thread && strings.Contains(m.Text+m.Blocks, text) })
	}
	words := []string{"salamander", "terrarium", "newt", "slack:T1:U1"}
	held := func(text string) (found []string) {
		for _, word := range words {
			if strings.Contains(text, word) {
				found = append(found, word)
			}
		}
		return found
	}
	page := func(path string) string {
		t.Helper()
		answer, err := http.Get(url + path) //nolint:gosec // our own server
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		data, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v: %s", path, answer.Status, err, data)
		}
		return string(data)
	}

	send("events_api", mention("C1", "1.1", "", "where is my salamander?"))
	model.say("In the terrarium.", ".")
	says("1.1", "feedback_buttons")
	send("slash_commands", command(slack, "/save-workflow", "keeper", "t.1"))
	send("events_api", mention("C1", "2.1", "", "run keeper"))
	model.say("The newt is ") // and more, which never comes
	slack.Await(t, "the goal's run", func() bool { return strings.Contains(page("/api/runs"), `"running"`) })
	// Somebody else's run knows the thread, and waits for a person meanwhile.
	other := func(ts, text string) map[string]any {
		m := mention("C1", ts, "1.1", text)
		m["event"].(map[string]any)["user"] = "U2"
		return m
	}
	send("events_api", other("1.2", "note what it eats"))
	waiting := model.now
	model.now = nil
	model.say("notes__write flies")
	asks := says("1.1", "v6_call_approve")
	model.now = waiting
	if got := held(page("/api/runs") + page("/api/goals") + strings.Join(model.hears(), "")); len(got) < 3 {
		t.Fatalf("nothing is to be forgotten but %q", got)
	}

	p.run("users", "erase", "slack:T1:U1", "--yes")
	gone := time.Now()
	model.lost()
	var all []struct{ Position uint64 }
	if err := json.Unmarshal(p.run("events", "--limit", "0", "--json"), &all); err != nil {
		t.Fatal(err)
	}
	// Another process may go by a key for two seconds after it was destroyed.
	pages := []string{"/api/runs", "/api/goals", "/api/runbooks", "/api/tasks", "/"}
	until := func(what string, holds func() bool) {
		t.Helper()
		look, late := time.NewTicker(100*time.Millisecond), time.After(time.Minute)
		defer look.Stop()
		for !holds() {
			select {
			case <-look.C:
			case <-late:
				t.Fatalf("waited too long for %s", what)
			}
		}
	}
	until("pages without a word", func() bool {
		for _, path := range pages {
			if len(held(page(path))) > 0 {
				return false
			}
		}
		return time.Since(gone) > 5500*time.Millisecond
	})
	asked, called := len(model.hears()), len(slack.Since(0))
	tapped := tap("v6_call_approve", between(asks.Blocks, `"action_id":"v6_call_approve","value":"`, `"`), "approve", asks)
	tapped["user"] = map[string]any{"id": "U2", "team_id": "T1"}
	send("interactive", tapped)
	model.say("It is noted.", ".")
	says("1.1", "It is noted.")
	send("events_api", other("1.3", "and what does it drink?"))
	model.say("Water.", ".")
	says("1.1", "Water.")
	send("events_api", mention("C1", "3.1", "", "do you know me?"))
	model.say("No.", ".")
	says("3.1", "No.")
	slack.Await(t, "the end of all that is under way", func() bool { return slack.Working() == 0 })

	for _, body := range model.hears()[asked:] {
		if got := held(body); len(got) > 0 {
			t.Errorf("the model is told %q: %s", got, body)
		}
	}
	for _, call := range slack.Since(called) {
		if got := held(call.Form.Encode()); len(got) > 0 {
			t.Errorf("%s tells of %q: %v", call.Method, got, call.Form)
		}
	}
	words = words[:3] // who was forgotten came back, and is somebody new
	for _, path := range pages {
		if got := held(page(path)); len(got) > 0 {
			t.Errorf("%s tells of %q", path, got)
		}
	}
	if got := held(string(p.run("events", "--json", "--limit", "0", "--after", fmt.Sprint(all[len(all)-1].Position)))); len(got) > 0 {
		t.Errorf("later facts hold %q", got)
	}
	if got := held(string(p.run("events", "--json", "--limit", "0"))); len(got) > 0 {
		t.Errorf("the log holds %q", got)
	}
	if strings.HasPrefix(p.store, "sqlite:") {
		// What the server had in mind of their goal it has written down, and overwrites.
		until("files without a word", func() bool { return len(p.in("*", words...)) == 0 })
	}
	_ = server.Process.Kill()
	_ = server.Wait()
	p.run("verify")
}
