package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// submitted is a modal that somebody has filled in about a run.
func submitted(modal, run, text, trigger string) map[string]any {
	return map[string]any{
		"type": "view_submission", "trigger_id": trigger, "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": "U1", "team_id": "T1"},
		"view": map[string]any{
			"id": "V1", "callback_id": modal, "private_metadata": fmt.Sprintf(`{"run":%q,"channel":"C1"}`, run),
			"state": map[string]any{"values": map[string]any{"text": map[string]any{"text": map[string]any{"type": "plain_text_input", "value": text}}}},
		},
	}
}

// All that a person can say in Slack is in no file, in no list and on no page once they are forgotten, also not as of before. Each thing is said with a
// word of its own, so that what is left tells where.
func TestWhoIsForgottenIsNowhere(t *testing.T) {
	t.Parallel()
	slack := apitest.New(t)
	p := newProgram(t)
	p.models = "sqlite:" + filepath.Join(p.dir, "models.db")
	config := write(t, p.dir, "config.yaml", "slack:\n  approvers: [U1]\n  proposals: CPROPOSALS\n  digests: CDIGESTS\npolicy:\n  tools: [calculate, clock]\n")
	p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1", "SLACK_API_URL=" + slack.URL, "VIRTUOUS6_CONFIG=" + config}
	server, _ := p.serve("--lease", "1s")
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	n := 0
	send := func(kind string, payload map[string]any) {
		t.Helper()
		n++
		envelope := fmt.Sprint("e", n)
		slack.Send(t, kind, envelope, payload)
		slack.Acked(t, envelope)
	}
	// asks mentions the app in a thread of its own, and waits for what comes of it.
	asks := func(ts, text, until string) apitest.Message {
		t.Helper()
		send("events_api", mention("C1", ts, "", text))
		return slack.Message(t, "C1", text, func(m apitest.Message) bool { return m.Thread == ts && strings.Contains(m.Text+m.Blocks, until) })
	}
	answer := asks("1.1", "where is my salamander?", "feedback_buttons")
	run := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).FindString(answer.Blocks)
	send("slash_commands", command(slack, "/better", run+" kinder, as a gecko", "t.1"))
	send("interactive", submitted("v6_better_modal", run, "slower, as a tortoise", "t.2"))
	send("interactive", submitted("v6_wrong_modal", run, "it is a chameleon", "t.3"))
	send("slash_commands", command(slack, "/save-workflow", "keeper "+run, "t.4"))
	send("events_api", mention("C1", "1.2", "1.1", "and where is the newt?"))
	asks("2.1", "goal: breed the iguana, then feed the axolotl", "Reached")
	asks("3.1", "run keeper", "Reached")
	asks("4.1", "calculate the cobra", "feedback_buttons")
	asks("5.1", "fail: the python bit me", "could not finish")
	send("events_api", mention("C1", "6.1", "", "pause improvements: the basilisk is loose"))
	send("events_api", mention("C1", "6.2", "", "resume improvements: the hydra is in its cage"))
	send("events_api", mention("C1", "7.1", "", "What did you learn from recent interactions?"))
	slack.Await(t, "the answer in the thread", func() bool {
		for _, m := range slack.Messages("C1") {
			if m.Thread == "1.1" && strings.Contains(m.Text+m.Blocks, "newt") {
				return true
			}
		}
		return false
	})
	time.Sleep(100 * time.Millisecond)
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()
	// What is tried of a runbook holds the words that the runbook has.
	other := strings.Replace(string(p.run("runbooks", "keeper")), "name: answer", "name: reply", 1)
	p.run("experiments", "start", "keeper", "--runbook", write(t, t.TempDir(), "other.yaml", other))
	p.run("datasets", "add", "kept", run, "--check", "contains:where is my salamander")

	words := []string{"salamander", "gecko", "tortoise", "chameleon", "newt", "iguana", "axolotl", "cobra", "python", "basilisk", "hydra", "T1:U1"}
	if found := p.in("store.db", words...); len(found) > 0 {
		t.Errorf("the log holds %q in the clear", found)
	}
	exported := string(p.run("users", "export", "slack:T1:U1"))
	for _, word := range words {
		if !strings.Contains(exported, word) {
			t.Errorf("nobody said %q: the test tests nothing of it", word)
		}
	}
	before := p.metrics()
	var all []struct{ Position uint64 }
	if err := json.Unmarshal(p.run("events", "--limit", "0", "--json"), &all); err != nil {
		t.Fatal(err)
	}
	position := fmt.Sprint(all[len(all)-1].Position)

	p.run("users", "erase", "slack:T1:U1", "--yes")
	if found := p.in("*", words...); len(found) > 0 {
		t.Errorf("files hold %q", found)
	}
	p.run("verify")
	if after := p.metrics(); after["runs"] != before["runs"] || after["succeeded"] != before["succeeded"] {
		t.Errorf("the figures were %v, and are %v", before, after)
	}
	tells := func(what, said string) {
		t.Helper()
		for _, word := range words {
			if strings.Contains(said, word) {
				t.Errorf("%s tells of %q: %s", what, word, said)
			}
		}
	}
	page, err := os.ReadFile("../../docs/readmodels.md")
	if err != nil {
		t.Fatal(err)
	}
	var lists []string
	for _, m := range regexp.MustCompile("`GET (/api/[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		lists = append(lists, m[1])
	}
	if len(lists) < 20 {
		t.Errorf("there are %d lists", len(lists))
	}
	as := "--as-of=" + position
	for _, args := range [][]string{
		{"runs", "--json"}, {"runs", run, "--json"}, {"runs", "--json", as}, {"why", run}, {"events", "--json", "--limit", "0"}, {"goals", "list", "--json"}, {"runbooks", "--json"}, {"runbooks", "keeper"}, {"learned"},
		{"report", "daily"}, {"report", "weekly", "--json"}, {"errors", "--json"}, {"errors", as}, {"analyze", "--json"}, {"health", "--json"}, {"patterns", "--json"}, {"datasets", "--json"}, {"agents", "list", "--json"},
		{"loop", "--json"}, {"users"}, {"tools", "list"}, {"improvements", "list", "--json"}, {"experiments", "--json"}, {"experiments"},
	} {
		out, _ := p.command(args...).CombinedOutput()
		if len(out) == 0 {
			t.Errorf("%q says nothing", args)
		}
		tells(strings.Join(args, " "), string(out))
	}
	if out, err := p.command("eval", "assistant", "--dataset", "kept").CombinedOutput(); err == nil || !strings.Contains(string(out), "forgotten") {
		t.Errorf("what nobody may know any more is asked again: %v, %s", err, out)
	}
	server, url := p.serve("--lease", "1s")
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	for _, path := range append(lists, "/", "/api/runs", "/api/runs/"+run, "/api/runs?as_of="+position, "/api/patterns", "/api/metrics", "/api/runbooks?as_of="+position) {
		got, err := http.Get(url + path) //nolint:gosec // our own server
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if err != nil || got.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v: %s", path, got.Status, err, data)
		}
		tells(path, string(data))
	}
	if found := p.in("*", words...); len(found) > 0 {
		t.Errorf("files hold %q again", found)
	}
}
