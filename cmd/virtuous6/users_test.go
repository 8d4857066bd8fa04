package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/slack/apitest"
)

// in tells which of the texts stand in a file of the program's, the write-ahead logs of SQLite included.
func (p program) in(file string, texts ...string) (found []string) {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, file))
	if err != nil || len(files) == 0 {
		p.t.Fatalf("%s: %v, %v", file, files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, text := range texts {
			if bytes.Contains(data, []byte(text)) {
				found = append(found, text)
			}
		}
	}
	return found
}

// What a person asked in Slack is in no file once they are forgotten, and all else stays: counts, seals, the read models.
func TestSomebodyIsForgotten(t *testing.T) {
	t.Parallel()
	p, api, model := slackProgram(t)
	p.models = "sqlite:" + filepath.Join(p.dir, "models.db")
	server, _ := p.serve("--lease", "1s")
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	api.Send(t, "events_api", "e1", mention("C1", "1.1", "", "where is my salamander?"))
	api.Acked(t, "e1")
	model.say("In the ", "terrarium", ".")
	answer := api.Message(t, "C1", "the answer", func(m apitest.Message) bool { return strings.Contains(m.Blocks, "feedback_buttons") })
	api.Send(t, "slash_commands", "s1", command(api, "/better", "kinder words", "slash.1"))
	api.Acked(t, "s1")
	api.Send(t, "slash_commands", "s2", command(api, "/save-workflow", "keeper", "slash.2"))
	api.Acked(t, "s2")
	if !strings.Contains(answer.Text, "terrarium") {
		t.Fatalf("got %+v", answer)
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait()

	secrets := []string{"salamander", "terrarium", "kinder words", "slack:T1:U1"}
	if found := p.in("store.db*", "salamander", "terrarium", "kinder words", `"slack:T1:U1"`, "user:slack:T1:U1"); len(found) > 0 {
		t.Errorf("the log holds %q in the clear", found)
	}
	if got := string(p.run("users")); !strings.Contains(got, "slack:T1:U1") {
		t.Errorf("users: %s", got)
	}
	if got := string(p.run("users", "show", "slack:T1:U1")); !strings.Contains(got, "1 runs") || !strings.Contains(got, "feedback.given") || strings.Contains(got, "in the clear") {
		t.Errorf("show: %s", got)
	}
	exported := string(p.run("users", "export", "slack:T1:U1"))
	for _, secret := range secrets {
		if !strings.Contains(exported, secret) {
			t.Errorf("the export lacks %q: %s", secret, exported)
		}
	}
	if got := string(p.run("runs", "--json")); !strings.Contains(got, "salamander") || !strings.Contains(got, "terrarium") {
		t.Errorf("the read models lack the texts: %s", got)
	}
	if got := string(p.run("runbooks", "keeper")); !strings.Contains(got, "salamander") {
		t.Errorf("the workflow lacks what was asked: %s", got)
	}
	p.run("verify")
	before := p.metrics()

	// Somewhere else, without the keys, nothing is shown.
	elsewhere := p
	elsewhere.dir = t.TempDir()
	p.run("copy", "--from", "sqlite:"+filepath.Join(p.dir, "store.db"), "--to", "sqlite:"+filepath.Join(elsewhere.dir, "store.db"))
	elsewhere.models = ""
	for _, args := range [][]string{{"runs", "--json"}, {"events", "--limit", "0", "--json"}} {
		got := string(elsewhere.run(args...))
		for _, secret := range []string{"salamander", "terrarium", "kinder words", `"slack:T1:U1"`} {
			if strings.Contains(got, secret) {
				t.Errorf("%v of a copy shows %q: %s", args, secret, got)
			}
		}
		if !strings.Contains(got, "[no key]") {
			t.Errorf("%v of a copy: %s", args, got)
		}
	}
	elsewhere.run("verify")

	if out, err := p.command("users", "erase", "slack:T1:U1").CombinedOutput(); err == nil || !strings.Contains(string(out), "--yes") {
		t.Errorf("without --yes: %v, %s", err, out)
	}
	if got := string(p.run("users", "erase", "slack:T1:U1", "--yes")); !strings.Contains(got, "Erased") {
		t.Errorf("erase: %s", got)
	}
	if got := string(p.run("runs", "--json")); strings.Contains(got, "salamander") || !strings.Contains(got, `"prompt": "[erased]"`) || !strings.Contains(got, `"requester": "erased:`) {
		t.Errorf("after it: %s", got)
	}
	if got := string(p.run("runbooks", "keeper")); strings.Contains(got, "salamander") || !strings.Contains(got, "[erased]") {
		t.Errorf("the workflow that was kept: %s", got)
	}
	if out, err := p.command("run", "keeper").CombinedOutput(); err == nil || !strings.Contains(string(out), "forgotten") {
		t.Errorf("what nobody may know any more is run: %v, %s", err, out)
	}
	if after := p.metrics(); after["runs"] != before["runs"] || after["succeeded"] != before["succeeded"] {
		t.Errorf("the figures were %v, and are %v", before, after)
	}
	p.run("verify")
	if found := p.in("*", append(secrets[:3:3], "user:slack:T1:U1")...); len(found) > 0 {
		t.Errorf("files still hold %q", found)
	}
	if got := string(p.run("users")); strings.Contains(got, "slack:T1:U1") {
		t.Errorf("users: %s", got)
	}
	if out, err := p.command("users", "show", "slack:T1:U1").CombinedOutput(); err == nil || !strings.Contains(string(out), "no such person") {
		t.Errorf("show: %v, %s", err, out)
	}
}
