package performance_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/performance"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// world makes runs, one at a position each, by what a run of an agent at a task is worth.
type world struct {
	*rand.Rand
	performance.View
}

func newWorld(seed uint64) *world {
	return &world{rand.New(rand.NewPCG(seed, 7)), performance.View{Versions: map[string][]projections.AgentVersionRow{}}}
}

func (w *world) run(agent, task, model string, rate float64) {
	n := uint64(10 * (len(w.Runs) + 1))
	w.Runs = append(w.Runs, performance.Run{
		Name: fmt.Sprintf("r%d", len(w.Runs)), Workflow: "w", Task: task, Agent: agent, Model: model, Good: w.Float64() < rate, First: n, Last: n + 5,
	})
}

func (w *world) configured(agent string, c events.AgentConfig) {
	list := w.Versions[agent]
	w.Versions[agent] = append(list, projections.AgentVersionRow{Agent: agent, Version: int64(len(list) + 1), Config: c, Position: uint64(10*len(w.Runs) + 7)})
}

func (w *world) look() evidence.Result { return performance.New().Propose(w.View) }

func of(res evidence.Result, kind string) (found []evidence.Finding) {
	for _, f := range res.Findings {
		if f.Kind == kind {
			found = append(found, f)
		}
	}
	return found
}

// Who gets the hard tasks is not blamed for them; who does worse on the same ones is told.
func TestPeersAreHeldAgainstOneAnotherOnLikeTasks(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	for i := range 1200 {
		hard := i%2 == 0
		agent := []string{"hard-worker", "lucky", "weak"}[i%3]
		if agent == "hard-worker" {
			hard = i%12 != 9
		} else if agent == "lucky" {
			hard = i%12 == 4
		}
		task, rate := "easy", .95
		if hard {
			task, rate = "hard", .5
		}
		if agent == "weak" {
			rate -= .2
		}
		w.run(agent, task, "m", rate)
	}
	found := of(w.look(), performance.Peers)
	if len(found) == 0 || found[0].Subject[1] != "weak" || found[0].Evidence.High >= 0 {
		t.Fatalf("got %+v", found)
	}
	for _, f := range found[1:] {
		if f.Evidence.Value < 0 {
			t.Errorf("blamed: %s", f.Text)
		}
	}
}

// A prompt that made an agent worse is taken back by a proposal; with two things changed at once, or none, it is told only.
func TestAWorseVersionIsProposedToBeTakenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after *events.AgentConfig
		later bool
		want  events.ChangeKind
	}{
		"a prompt":       {after: &events.AgentConfig{Model: "m", Prompt: "bad"}, want: events.ChangePrompt},
		"a model":        {after: &events.AgentConfig{Model: "n", Prompt: "good"}, want: events.ChangeModel},
		"both":           {after: &events.AgentConfig{Model: "n", Prompt: "bad"}},
		"none":           {},
		"long before it": {after: &events.AgentConfig{Model: "m", Prompt: "bad"}, later: true},
	} {
		w := newWorld(2)
		w.configured("clerk", events.AgentConfig{Model: "m", Prompt: "good"})
		for i := range 500 {
			rate := .9
			if i >= 300 {
				rate = .65
			}
			if c.after != nil && (i == 300 && !c.later || i == 100 && c.later) {
				w.configured("clerk", *c.after)
			}
			w.run("clerk", "t", "m", rate)
		}
		res := w.look()
		if c.want == "" {
			if d := of(res, performance.Degraded); len(res.Proposals) != 0 || len(d) != 1 || d[0].Worth == nil || !strings.Contains(d[0].Text, "succeeds") {
				t.Errorf("%s: got %+v, %+v", name, res.Proposals, d)
			}
			continue
		}
		if len(res.Proposals) != 1 {
			t.Errorf("%s: got %+v", name, res)
			continue
		}
		p := res.Proposals[0]
		if p.Change.Kind != c.want || p.Change.Agent != "clerk" || p.Change.Config.Prompt != "good" || p.Change.Config.Model != "m" || p.Expected.Low <= 0 || p.Worth.Month <= 0 {
			t.Errorf("%s: got %+v, %+v", name, p.Change, p.Expected)
		}
		if s, ok := res.Weigh(p.Claim, 0); !ok || s.Strength != p.Strength {
			t.Errorf("%s: weighs %+v, %t", name, s, ok)
		}
		// Once it is taken back and does well again, the claim is gone.
		w.configured("clerk", *p.Change.Config)
		for range 400 {
			w.run("clerk", "t", "m", .9)
		}
		after := w.look()
		if len(after.Proposals) != 0 {
			t.Errorf("%s: proposed again: %+v", name, after.Proposals)
		}
		if s, ok := after.Weigh(p.Claim, 0); !ok || s.Strength != events.Gone {
			t.Errorf("%s: taken back it weighs %+v, %t", name, s, ok)
		}
	}
}

// Tasks that come in another mix are no agent's doing: at most 1% of agents are claimed to do worse, and no more are told of than
// the detector is wrong about.
func TestAShiftOfTasksIsNoDrop(t *testing.T) {
	t.Parallel()
	const agents, runs = 200, 800
	told, claimed := 0, 0
	for seed := range uint64(agents) {
		w := newWorld(100 + seed)
		for i := range runs {
			task, rate := "easy", .95
			// From half on most tasks are hard.
			if w.IntN(10) < 2 || i > 400 && w.IntN(10) < 8 {
				task, rate = "hard", .5
			}
			w.run("clerk", task, "m", rate)
		}
		for _, f := range of(w.look(), performance.Degraded) {
			told++
			if f.Strength.Claims() {
				claimed++
			}
		}
	}
	if 100*claimed > agents || told > agents*runs/stats.DetectorAlarm {
		t.Errorf("of %d agents %d are told of and %d claimed to do worse", agents, told, claimed)
	}
	t.Logf("told of %d, claimed %d", told, claimed)
}

func TestWhoServesAWorkflowBest(t *testing.T) {
	t.Parallel()
	w := newWorld(3)
	for range 200 {
		w.run("writer", "t", "large", .9)
		w.run("writer", "t", "small", .6)
		w.run("clerk", "t", "large", .62)
	}
	found := of(w.look(), performance.Best)
	if len(found) != 1 || found[0].Subject[1] != "writer" || found[0].Subject[2] != "large" || found[0].Evidence.Low <= 0 {
		t.Fatalf("got %+v", found)
	}
	null := newWorld(4)
	for range 200 {
		null.run("writer", "t", "large", .8)
		null.run("writer", "t", "small", .8)
	}
	if res := null.look(); len(of(res, performance.Best)) != 0 {
		t.Errorf("found %+v where nothing is", res.Findings)
	}
}
