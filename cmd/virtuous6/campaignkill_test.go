//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
)

// The experiments of a campaign by their names, which are those of the agents that are asked: what is tried is better, worse or the same, in new
// a new agent gets a task of the assistant's, and in book a version of a runbook has its step done by somebody else.
var campaigns = []string{"better", "worse", "same", "new", "book"}

// canary is how many runs of a candidate are seen before it gets a greater share.
const canary = 4

// plans is what is tried in a store before any server runs.
func (p program) plans() {
	p.t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, err: &out, flags: &verbs{Store: p.store, Quiet: true}, clock: time.Now, ids: orchestrator.NewID}
	if err := a.open(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	defer func() {
		if err := a.close(); err != nil {
			p.t.Error(err)
		}
	}()
	guess, look := events.AgentConfig{Prompt: "Just guess."}, events.AgentConfig{Prompt: "Look it up."}
	wishes := []commands.Command{commands.SpawnAgent{Meta: a.meta(""), Agent: events.Assistant, Config: guess}}
	for _, name := range campaigns {
		x := commands.PlanExperiment{Meta: a.meta(""), Experiment: name, Agent: name, Change: events.ChangePrompt, Config: look, By: "user:anna"}
		// Who is killed takes long.
		x.Plan = events.ExperimentPlan{Steps: []int{300, 500}, CanaryRuns: canary, MaxRuns: 200, TimeMore: 1_000_000}
		is := guess
		switch name {
		case "worse":
			is, x.Config = look, guess
		case "same":
			is, x.Plan.MaxRuns = look, 20
		case "new":
			x.Agent, x.Change, x.Spawn = events.Assistant, events.ChangeSpawn, &events.NewAgent{Agent: "expert", Config: look}
			x.Config = events.AgentConfig{Routes: []events.Route{{Tasks: []string{"refund"}, To: "expert"}}}
		}
		if name == "book" {
			by := func(agent string) []events.RunbookStep {
				return []events.RunbookStep{{Name: "answer", Agent: agent, Instruction: "Answer it."}}
			}
			wishes = append(wishes, commands.SpawnAgent{Meta: a.meta(""), Agent: "guesser", Config: guess}, commands.SpawnAgent{Meta: a.meta(""), Agent: "looker", Config: look},
				commands.SaveRunbook{Meta: a.meta(""), Runbook: "book", Steps: by("guesser")})
			x.Agent, x.Change, x.Config, x.Book = "", events.ChangeRunbook, events.AgentConfig{}, &events.RunbookSaved{Runbook: "book", From: 1, Steps: by("looker")}
		} else if name != "new" {
			wishes = append(wishes, commands.SpawnAgent{Meta: a.meta(""), Agent: name, Config: is})
		}
		wishes = append(wishes, x)
	}
	for _, c := range wishes {
		if _, err := a.dispatcher().Dispatch(p.t.Context(), c); err != nil {
			p.t.Fatal(err)
		}
	}
}

// campaign is a server on a store, which is killed at moments of chance, and started again.
type campaign struct {
	program
	config string
	server *exec.Cmd
	at     string
	// random has the moments, nil for none. left counts down the kills.
	random       *rand.Rand
	left, killed int
}

func (c *campaign) start() { c.server, c.at = c.serve("--lease", "300ms", "--config", c.config) }

func (c *campaign) kill() {
	_ = c.server.Process.Kill()
	_ = c.server.Wait()
}

// ask asks the server until it answers.
func (c *campaign) ask(do func(at string) (*http.Response, error), want int, into any) {
	c.t.Helper()
	b := &pair{program: c.program}
	b.until("the server answers", func() bool {
		answer, err := do(c.at)
		if err != nil {
			return false
		}
		defer func() { _ = answer.Body.Close() }()
		return answer.StatusCode == want && json.NewDecoder(answer.Body).Decode(into) == nil
	})
}

// tried are the experiments as they stand, with what their candidate's runs came to.
type tried struct {
	Experiment, Status string
	Share              int `json:"share_permille"`
	Arms               []events.ArmCount
}

// wish sends one to the server under a key until it answers.
func (c *campaign) wish(path, key, body string, into any) {
	c.t.Helper()
	c.ask(func(at string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, at+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
		return http.DefaultClient.Do(r) //nolint:gosec // our own server
	}, http.StatusAccepted, into)
}

// round has each agent asked once, and a goal planned by the runbook, and waits until all have ended.
func (c *campaign) round(n int) {
	c.t.Helper()
	runs := map[string]bool{}
	var made struct{ Goal string }
	for _, name := range campaigns {
		if name == "book" {
			c.wish("/api/goals", fmt.Sprint("goal", n), fmt.Sprintf(`{"prompt":"Question %d?"}`, n), &made)
			c.wish("/api/goals/"+made.Goal+"/plan", fmt.Sprint("plan", n), `{"runbook":"book","by":"user:anna"}`, &struct{}{})
			c.wish("/api/goals/"+made.Goal+"/run", fmt.Sprint("run", n), `{"by":"user:anna"}`, &struct{}{})
			continue
		}
		body := fmt.Sprintf(`{"prompt":"Question %d of %s?","agent":%q,"conversation":"%[2]s-%[1]d"}`, n, name, name)
		if name == "new" {
			body = fmt.Sprintf(`{"prompt":"Question %d of new?","task":"refund","conversation":"new-%[1]d"}`, n)
		}
		var started struct{ Run string }
		c.wish("/api/runs", fmt.Sprint(name, n), body, &started)
		runs[started.Run] = true
	}
	if c.random != nil && c.left > 0 && c.random.IntN(2) == 0 {
		time.Sleep(time.Duration(c.random.Int64N(int64(20 * time.Millisecond)))) // the moment of chance
		c.kill()
		c.left, c.killed = c.left-1, c.killed+1
		c.start()
	}
	b := &pair{program: c.program}
	b.until("the runs end", func() bool {
		ended := 0
		for _, r := range b.runs(c.at) {
			if runs[r.Run] && r.Outcome != "running" {
				ended++
			}
		}
		return ended == len(runs)
	})
	b.until("the goal ends", func() bool {
		var goals []struct{ Goal, Status string }
		c.ask(func(at string) (*http.Response, error) { return http.Get(at + "/api/goals?limit=1000") }, http.StatusOK, &goals)
		for _, g := range goals {
			if g.Goal == made.Goal {
				return g.Status == "succeeded" || g.Status == "failed"
			}
		}
		return false
	})
}

// decided waits until what is sure has been decided, so that who is asked next is drawn by the same shares however quick the server is. It tells whether
// anything is still tried.
func (c *campaign) decided() (open bool) {
	c.t.Helper()
	b := &pair{program: c.program}
	b.until("what is sure is decided", func() bool {
		var all []tried
		c.ask(func(at string) (*http.Response, error) { return http.Get(at + "/api/experiments") }, http.StatusOK, &all)
		open = false
		for _, x := range all {
			switch x.Status {
			case "planned":
				return false
			case "running":
				open = true
				if x.Share < 500 && x.Arms[1].Runs >= canary {
					return false
				}
			}
		}
		return len(all) >= len(campaigns)
	})
	return open
}

// decisions are what was decided, by experiment and agent, without places and times, and without levels: which of them starts first is nobody's.
func (c *campaign) decisions() string {
	c.t.Helper()
	var facts []struct {
		Kind, Stream string
		Data         map[string]any
	}
	if err := json.Unmarshal(c.run("events", "--limit", "0", "--json"), &facts); err != nil {
		c.t.Fatal(err)
	}
	of := map[string][]string{}
	for _, f := range facts {
		if !strings.HasPrefix(f.Kind, "experiment.") && !strings.HasPrefix(f.Kind, "agent.") && !strings.HasPrefix(f.Kind, "runbook.") {
			continue
		}
		if proof, is := f.Data["proof"].(map[string]any); is {
			delete(proof, "from")
			delete(proof, "to")
			arms, _ := proof["arms"].([]any)
			for _, arm := range arms {
				delete(arm.(map[string]any), "milliseconds")
			}
		}
		data, err := json.Marshal(f.Data)
		if err != nil {
			c.t.Fatal(err)
		}
		of[f.Stream] = append(of[f.Stream], f.Kind+" "+string(data))
	}
	all, err := json.MarshalIndent(of, "", " ")
	if err != nil {
		c.t.Fatal(err)
	}
	return string(all)
}

func campaignOf(t *testing.T, model string, random *rand.Rand, kills int) (decided string, killed int) {
	t.Helper()
	c := &campaign{program: newProgram(t), random: random, left: kills}
	c.store = "sqlite:" + c.dir + "/store.db"
	c.env = []string{"OPENAI_BASE_URL=" + model + "/v1", "OPENAI_API_KEY=x"}
	c.config = write(t, c.dir, "config.yaml", "model: m\npolicy:\n  holdback_permille: 0\n")
	c.plans()
	c.start()
	defer func() { c.kill() }()
	n := 0
	for c.decided() {
		c.round(n)
		if n++; n > 300 {
			t.Fatal("the campaign never ends")
		}
	}
	c.kill()
	t.Logf("over after %d rounds, killed %d times", n, c.killed)
	return c.decisions(), c.killed
}

// TestChaosACampaignDecidesTheSameWhereverTheProgramIsKilled has the real program try changes, once undisturbed, and once more while it is killed with
// SIGKILL again and again: the same is promoted, rolled back and given up, at the same runs and by the same proofs.
func TestChaosACampaignDecidesTheSameWhereverTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	model := httptest.NewServer(http.HandlerFunc(moody))
	defer model.Close()
	kills, seeds := 10, 1
	if os.Getenv("VIRTUOUS6_CHAOS") == "long" {
		kills, seeds = 50, 8
	}
	undisturbed, _ := campaignOf(t, model.URL, nil, 0)
	for _, part := range []string{"experiment.promoted", "experiment.rolled_back", "experiment.expired", "experiment.moved", "agent.configured", "agent.spawned", "runbook.saved"} {
		if !strings.Contains(undisturbed, part) {
			t.Errorf("the campaign has no %s: %s", part, undisturbed)
		}
	}
	all := 0
	for seed := range seeds {
		disturbed, killed := campaignOf(t, model.URL, rand.New(rand.NewPCG(23, uint64(seed))), kills) //nolint:gosec // moments, not secrets
		if all += killed; killed < 5 {
			t.Errorf("it was killed %d times only", killed)
		}
		if disturbed != undisturbed {
			was, is := strings.Split(undisturbed, "\n"), strings.Split(disturbed, "\n")
			for i := range min(len(was), len(is)) {
				if was[i] != is[i] {
					t.Fatalf("killed %d times it decides\n%s\nand undisturbed\n%s", killed, is[i], was[i])
				}
			}
			t.Fatalf("killed %d times it decides\n%s\nand undisturbed\n%s", killed, disturbed, undisturbed)
		}
	}
	t.Logf("%d kills, the same decisions", all)
}
