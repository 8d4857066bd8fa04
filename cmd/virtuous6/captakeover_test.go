//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
)

// dearModel is a model whose calls take 4,000 tokens each by its own word. At one of them it kills who asks.
type dearModel struct {
	mu    sync.Mutex
	calls int
	at    int
	kill  func()
}

func (m *dearModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path.Base(r.URL.Path) != "completions" {
		fmt.Fprint(w, `{"data":[{"id":"m"}]}`)
		return
	}
	m.mu.Lock()
	m.calls++
	last := m.calls == m.at
	m.mu.Unlock()
	if last {
		m.kill()
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, `data: {"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Done."},"finish_reason":"stop"}],"usage":{"prompt_tokens":200,"completion_tokens":3800,"total_tokens":4000}}`,
		"\n\ndata: [DONE]\n\n")
}

// TestACapHoldsOverATakeover has two processes of the real program serve one store under one cap on tokens and on agents. The one
// that drives is killed in a call; the other one goes on, and no more is used than the cap allows.
func TestACapHoldsOverATakeover(t *testing.T) {
	t.Parallel()
	onBoth(t, capHoldsOverATakeover)
}

func capHoldsOverATakeover(t *testing.T, p program) {
	const tokens, runs = 24_000, 10
	model := &dearModel{at: 3}
	world := httptest.NewServer(model)
	defer world.Close()
	p.env = []string{"OPENAI_BASE_URL=" + world.URL + "/v1", "OPENAI_API_KEY=x"}
	config := write(t, p.dir, "config.yaml", "model: m\npolicy:\n  specialists: 5\n")
	p.run("budget", "all", "--tokens", fmt.Sprint(tokens), "--agents", "1", "--period", "total", "--config", config)
	first, firstURL := p.serve("--lease", "1s", "--config", config)
	p.drives(firstURL)
	second, secondURL := p.serve("--lease", "1s", "--config", config)
	killed := make(chan struct{})
	model.kill = func() {
		_ = first.Process.Kill()
		_ = first.Wait()
		close(killed)
	}
	defer func() {
		_ = second.Process.Kill()
		_ = second.Wait()
	}()
	b := &pair{program: p}
	for i := range runs {
		task := []string{"Translate letter %d into French", "Summarize report %d"}[i%2]
		b.until("a run is taken", func() bool { return b.ask(secondURL, fmt.Sprintf(task, i)) != "" })
	}
	<-killed
	var list []struct{ Run, Outcome, Suspended, Agent string }
	b.until("every run has ended, or waits", func() bool {
		answer, err := http.Get(secondURL + "/api/runs?limit=100") //nolint:gosec,noctx // our own server
		if err != nil {
			return false
		}
		defer func() { _ = answer.Body.Close() }()
		list = nil
		if json.NewDecoder(answer.Body).Decode(&list) != nil || len(list) < runs {
			return false
		}
		for _, r := range list {
			if r.Outcome == "running" && r.Suspended == "" {
				return false
			}
		}
		return true
	})
	outcomes, waits := map[string]int{}, ""
	for _, r := range list {
		if outcomes[r.Outcome]++; r.Suspended != "" {
			waits = r.Run
		}
	}
	if shown := string(p.run("runs", waits, "--config", config)); !strings.Contains(shown, "waits for: more of the budget all (") {
		t.Errorf("of a run that waits it says\n%s", shown)
	}
	if outcomes["succeeded"] < 2 || outcomes["running"] < 2 || outcomes["failed"] > 0 {
		t.Errorf("of the runs there are %v", outcomes)
	}
	var budgets []struct {
		UsedTokens int64 `json:"used_tokens"`
		UsedAgents int64 `json:"used_agents"`
	}
	if err := json.Unmarshal(p.run("budget", "all", "--json", "--config", config), &budgets); err != nil || len(budgets) != 1 || budgets[0].UsedTokens > tokens || budgets[0].UsedAgents != 1 {
		t.Errorf("the budget is %+v (%v)", budgets, err)
	}
	model.mu.Lock()
	defer model.mu.Unlock()
	if used := int64(4000 * model.calls); used > tokens || used > budgets[0].UsedTokens {
		t.Errorf("%d calls of 4,000 tokens were made under a cap of %d, and the budget counts %d", model.calls, tokens, budgets[0].UsedTokens)
	}
	spawned := strings.Count(string(p.run("events", "--kind", "agent.spawned", "--limit", "0", "--json", "--config", config)), `"specialist"`)
	if spawned != 1 {
		t.Errorf("%d specialists were spawned under a cap of one", spawned)
	}
}
