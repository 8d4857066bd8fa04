//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// TestChaosGoalsGoOnThroughTakeovers has two servers on one store go for goals that people ask either of them for. The one that
// asks the model is killed with SIGKILL again and again, and the other one takes over: no task is lost or doubled, and no mail
// is sent twice.
func TestChaosGoalsGoOnThroughTakeovers(t *testing.T) {
	t.Parallel()
	if os.Getenv("VIRTUOUS6_CHAOS") == "long" {
		onBoth(t, func(t *testing.T, p program) { goalsTakenOver(t, p, 50) })
		return
	}
	goalsTakenOver(t, newProgram(t), 2)
}

func goalsTakenOver(t *testing.T, p program, kills int) {
	w := newWorld(22, kills)
	server := httptest.NewServer(w)
	defer server.Close()
	p.name = "virtuous6-counted"
	config := countedConfig(t, p, time.Second)
	// Each server has a key of its own, by which the world knows who asks.
	as := func(name string) program {
		q := p
		q.env = []string{"OPENAI_BASE_URL=" + server.URL + "/v1", "OPENAI_API_KEY=" + name, "VIRTUOUS6_TEST_TOOLS=" + server.URL + "/tools/"}
		return q
	}
	p = as("nobody")
	p.run("agents", "spawn", "clerk", "--tools", "send_mail,ask_agent", "--max-tokens", "50", "--config", config)
	p.run("agents", "spawn", "boss", "--max-tokens", "50", "--config", config)
	p.run("agents", "spawn", "planner", "--max-tokens", "50", "--config", config)
	servers, urls := map[string]*exec.Cmd{}, map[string]string{}
	for _, name := range []string{"first", "second"} {
		servers[name], urls[name] = as(name).serve("--config", config)
	}
	t.Cleanup(func() {
		for _, cmd := range servers {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	var goals []string
	for killed := range kills {
		dead := make(chan string, 1)
		w.mu.Lock()
		w.left, w.killings = 1+w.random.IntN(2*killedTasks), func() {
			w.mu.Lock()
			who := w.who
			w.mu.Unlock()
			_ = servers[who].Process.Kill()
			dead <- who
		}
		w.mu.Unlock()
		asked := urls[[]string{"first", "second"}[killed%2]]
		var made struct{ Goal string }
		posted(t, asked+"/api/goals", `{"prompt":"Send mails.","requester":"user:anna","limit_usd":"`+events.Nanos(wideLimit).String()+`"}`, &made)
		w.begins(made.Goal, wideLimit)
		posted(t, asked+"/api/goals/"+made.Goal+"/run", `{"by":"user:anna"}`, &made)
		goals = append(goals, made.Goal)
		var who string
		select {
		case who = <-dead:
		case <-time.After(2 * time.Minute):
			t.Fatalf("nobody goes for goal %d", len(goals))
		}
		_ = servers[who].Wait()
		other := map[string]string{"first": "second", "second": "first"}[who]
		goalEnds(t, urls[other], made.Goal)
		servers[who], urls[who] = as(who).serve("--config", config)
		if (killed+1)%10 == 0 {
			t.Logf("%d takeovers", killed+1)
		}
	}
	w.checkMoney(t, p, goals)
	w.checkGoals(t, p, goals, kills)
}

// posted posts a wish, which is taken.
func posted(t *testing.T, url, body string, into any) {
	t.Helper()
	answer, err := http.Post(url, "application/json", strings.NewReader(body)) //nolint:gosec // our own server
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil || answer.StatusCode != http.StatusAccepted {
		t.Fatalf("%s: %s, %v", url, answer.Status, err)
	}
}

// goalEnds waits until a server shows that a goal has succeeded. It may be busy, but what it does goes on.
func goalEnds(t *testing.T, url, goal string) {
	t.Helper()
	said := ""
	for begun := time.Now(); time.Since(begun) < 2*time.Minute; time.Sleep(20 * time.Millisecond) {
		var all []struct{ Goal, Status string }
		answer, err := http.Get(url + "/api/goals?limit=1000") //nolint:gosec // our own server
		if err == nil {
			err = json.NewDecoder(answer.Body).Decode(&all)
			_ = answer.Body.Close()
		}
		said = fmt.Sprint(err)
		for _, g := range all {
			if g.Goal == goal {
				said = g.Status
			}
		}
		if said == "succeeded" {
			return
		}
	}
	t.Fatalf("goal %s stands at %s", goal, said)
}
