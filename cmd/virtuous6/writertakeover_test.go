//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// roleModel is a model that fails where a skill tells it to guess; as a writer it edits that, and as what tunes parameters it suggests one. At some of its calls it kills
// who asks, before it answers or a moment after.
type roleModel struct {
	mu     sync.Mutex
	random *rand.Rand
	// asked counts what it is asked, by role, and left are the kills that are to come.
	asked map[string]int
	left  int
	kill  func(who string)
}

const editsOfRefunds = `{"candidates":[{"why":"It guesses.","of":"skill","edits":[{"do":"replace","passage":"Just guess.","text":"Look it up."}]},` +
	`{"why":"It guesses.","of":"skill","edits":[{"do":"replace","passage":"Just guess.","text":"Do guess."}]}]}`

func (m *roleModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || path.Base(r.URL.Path) != "completions" {
		fmt.Fprint(w, `{"data":[{"id":"m"}]}`)
		return
	}
	var request struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.Unmarshal(body, &request); err != nil || len(request.Messages) == 0 {
		return
	}
	told, last := request.Messages[0].Content, request.Messages[len(request.Messages)-1]
	role, chunk := "", said("Yes.")
	switch {
	case strings.HasPrefix(told, "You improve the instructions"):
		role, chunk = events.Writer, said(editsOfRefunds)
	case strings.HasPrefix(told, "You tune the parameters"):
		role, chunk = events.RoleOptimisation, said(`{"parameter":"temperature","value":"0.2"}`)
	case last.Role == "user" && strings.Contains(told, "- refunds:"):
		chunk = calling(events.LoadSkill, `{"skill":"refunds"}`)
	case strings.Contains(last.Content, "guess"):
		chunk = strings.Replace(said("No."), `"stop"`, `"content_filter"`, 1)
	}
	who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	m.mu.Lock()
	m.asked[role]++
	kills, late := false, time.Duration(0)
	// What candidates are asked by is a part of what the writer does.
	if m.left > 0 && (role != "" || m.asked[events.Writer] > 0 && m.random.IntN(8) == 0) {
		kills, late = true, time.Duration(m.random.Int64N(int64(40*time.Millisecond)))
		m.left--
	}
	silent := kills && m.left%2 == 1
	m.mu.Unlock()
	if kills && silent {
		m.kill(who)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "data: %s\n\ndata: [DONE]\n\n", chunk)
	if kills {
		time.AfterFunc(late, func() { m.kill(who) })
	}
}

// TestChaosWhatRolesSayIsTakenOnceThroughTakeovers has two servers on one store. The one that asks models in their roles is killed with SIGKILL in the calls and behind them,
// and the other one takes over: each question is noted once and answered once, what was proposed is tried once, and what it all cost is within the roles' budgets.
func TestChaosWhatRolesSayIsTakenOnceThroughTakeovers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, p program) { rolesTakenOver(t, p, 6) })
}

func rolesTakenOver(t *testing.T, p program, kills int) {
	model := &roleModel{random: rand.New(rand.NewPCG(23, 5)), asked: map[string]int{}} //nolint:gosec // moments, not secrets
	world := httptest.NewServer(model)
	defer world.Close()
	prices := write(t, p.dir, "prices.json", `{"m": {"input_cost_per_token": 1e-8, "output_cost_per_token": 1e-5}}`)
	config := write(t, p.dir, "config.yaml", "model: m\nlease: 1s\nprices: "+prices+"\nanalysts: {workflow: 1s, performance: 0s, candidates: 0s, cost: 0s, errors: 0s, feedback: 0s, data: 0s}\n"+
		"roles:\n  writer: {model: m, limit: \"0.50\", period: month, every: 1m}\n  optimisation: {model: m, limit: \"0.10\", period: month}\n"+
		"policy:\n  holdback_permille: 0\n  self_approved: [skills]\n  max_share_permille: 250\n")
	as := func(name string) program {
		q := p
		q.env = []string{"OPENAI_BASE_URL=" + world.URL + "/v1", "OPENAI_API_KEY=" + name}
		return q
	}
	if _, err := writeSkill(p.dir+"/skills", events.SkillSaved{Skill: "refunds", Files: []events.SkillFile{{Path: events.SkillMain, Text: "---\nname: refunds\ndescription: How orders are refunded.\n---\nJust guess.\n"}}}); err != nil {
		t.Fatal(err)
	}
	p = as("nobody")
	p.run("skills", "add", "skills/refunds", "--config", config)
	p.run("agents", "spawn", "clerk", "--prompt", "You are the desk.", "--max-tokens", "50", "--config", config)
	p.run("agents", "configure", "clerk", "--skills", "refunds", "--config", config)
	// Its runs fail before any server looks, and some are a dataset.
	var runs []string
	for i := range 32 {
		var done struct{ Run string }
		cmd := p.command("ask", "--agent", "clerk", "--json", "--config", config, fmt.Sprintf("Where is order %c?", 'a'+i%20))
		out, _ := cmd.Output() // it fails
		if err := json.Unmarshal(out, &done); err != nil || done.Run == "" {
			t.Fatalf("%s, %v", out, err)
		}
		runs = append(runs, done.Run)
	}
	p.run(append(append([]string{"datasets", "add", "orders"}, runs[:4]...), "--check", "contains:Yes", "--config", config)...)

	var mu sync.Mutex
	servers := map[string]*exec.Cmd{}
	dead := make(chan string, kills)
	model.mu.Lock()
	model.left, model.kill = kills, func(who string) {
		mu.Lock()
		defer mu.Unlock()
		if cmd := servers[who]; cmd != nil {
			_ = cmd.Process.Kill()
			servers[who] = nil
			dead <- who
		}
	}
	model.mu.Unlock()
	start := func(name string) {
		cmd, _ := as(name).serve("--config", config)
		mu.Lock()
		defer mu.Unlock()
		servers[name] = cmd
	}
	start("first")
	start("second")
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, cmd := range servers {
			if cmd != nil {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
		}
	})
	killed := 0
	facts := func(kinds ...string) (all []struct {
		Kind, Stream string
		Data         json.RawMessage
	},
	) {
		args := []string{"events", "--limit", "0", "--json", "--config", config}
		for _, k := range kinds {
			args = append(args, "--kind", k)
		}
		if err := json.Unmarshal(p.run(args...), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	// A writer looks a minute after its server has begun to drive.
	for begun := time.Now(); len(facts("role.answered")) < 2 || len(facts("experiment.planned")) < 1; time.Sleep(500 * time.Millisecond) {
		select {
		case who := <-dead:
			killed++
			start(who)
		default:
		}
		if time.Since(begun) > 4*time.Minute {
			lines := strings.Split(string(p.run("events", "--limit", "0", "--config", config)), "\n")
			t.Fatalf("after %d kills nothing is planned yet:\n%s", killed, strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	}
	counts := map[string]int{}
	of := map[string]string{} // the role of a run's stream
	var draft events.SkillSaved
	for _, f := range facts() {
		switch f.Kind {
		case "role.asked":
			var a events.RoleAsked
			_ = json.Unmarshal(f.Data, &a)
			of[f.Stream] = a.Role
			of["run-"+a.Run] = a.Role
			counts["asked "+a.Role]++
		case "role.answered":
			var a events.RoleAnswered
			_ = json.Unmarshal(f.Data, &a)
			if counts["answered "+a.Role]++; a.Improvement == "" || a.Candidates != 1 || (len(a.Refused) > 0) != (a.Role == events.Writer) {
				t.Errorf("%s: %s", f.Stream, f.Data)
			}
			counts["evals of "+a.Role] += len(a.Evals)
		case "improvement.proposed":
			var i events.ImprovementProposed
			_ = json.Unmarshal(f.Data, &i)
			counts["proposed by "+i.Analyst]++
		case "run.llm_called":
			counts["calls of "+of[f.Stream]]++
		case "skill.saved":
			var s events.SkillSaved
			_ = json.Unmarshal(f.Data, &s)
			if counts[f.Kind]++; s.Draft() {
				draft = s
			}
		case "eval.finished", "experiment.planned":
			counts[f.Kind]++
		}
	}
	for what, want := range map[string]int{
		"asked writer": 1, "answered writer": 1, "calls of writer": 1, "proposed by writer": 1, "evals of writer": 2, "eval.finished": 2, "skill.saved": 3,
		"asked optimisation": 1, "answered optimisation": 1, "calls of optimisation": 1, "proposed by role-optimisation": 1, "experiment.planned": 1,
	} {
		if counts[what] != want {
			t.Errorf("%s: %d, want %d", what, counts[what], want)
		}
	}
	for name, limit := range map[string]float64{"agent:role-writer": .5, "agent:role-optimisation": .1} {
		var budgets []struct {
			SpentUSD string `json:"spent_usd"`
		}
		spent := 0.
		if err := json.Unmarshal(p.run("budget", name, "--json", "--config", config), &budgets); err != nil || len(budgets) != 1 {
			t.Fatal(budgets, err)
		}
		if _, err := fmt.Sscan(budgets[0].SpentUSD, &spent); err != nil || spent <= 0 || spent > limit {
			t.Errorf("%s has spent %s of %v, %v", name, budgets[0].SpentUSD, limit, err)
		}
	}
	// An edit is shown by its digest; by its name the skill is what a person saved.
	edit, latest := string(p.run("skills", "show", "refunds@"+draft.Digest, "--config", config)), string(p.run("skills", "show", "refunds", "--config", config))
	if !strings.Contains(edit, "saved by analyst:writer\nan edit of refunds@"+draft.Edits[:12]+", to be tried") || !strings.Contains(latest, "digest "+draft.Edits) || strings.Contains(latest, "an edit of") {
		t.Errorf("it is shown as\n%s\nand\n%s", edit, latest)
	}
	if killed < 3 {
		t.Errorf("it was killed %d times only", killed)
	}
	model.mu.Lock()
	defer model.mu.Unlock()
	t.Logf("killed %d times, asked %v", killed, model.asked)
}
