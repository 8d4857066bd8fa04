package managers_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts/stats"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// planSeveral has a person plan an experiment on several prompts.
func (c *campaign) planSeveral(id, agent string, prompts ...string) {
	c.t.Helper()
	c.plan(id, agent, func(p *commands.PlanExperiment) {
		p.Config.Prompt = prompts[0]
		for _, prompt := range prompts[1:] {
			p.Others = append(p.Others, events.AgentConfig{Prompt: prompt})
		}
	})
}

// raceOn makes runs of an experiment on several candidates until it is over: the first truth is that of what there is.
func (c *campaign) raceOn(r *rand.Rand, agent, id string, truths ...truth) {
	c.t.Helper()
	for range 20_000 {
		x := c.experiment(id)
		if x.Over() {
			return
		}
		c.several(r, agent, x, truths)
		c.now = c.now.Add(time.Minute)
	}
	c.t.Fatalf("%s never ends", id)
}

// Of several candidates the best is promoted, and those that harm or fall behind go out before; over kills the same.
func TestTheBestOfSeveralIsPromoted(t *testing.T) {
	t.Parallel()
	history := func(dies *rand.Rand) *campaign {
		c := newCampaign(t, aggregates.Policy{})
		c.dies = dies
		_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
		c.planSeveral("x", "clerk", "good", "bad", "best", "dear")
		c.raceOn(rand.New(rand.NewPCG(12, 5)), "clerk", "x",
			truth{.5, 1e6, 2}, truth{.6, 1e6, 2}, truth{.1, 1e6, 2}, truth{.8, 1e6, 2}, truth{.7, 6e6, 2})
		return c
	}
	c := history(nil)
	end, found := last[events.ExperimentPromoted](c)
	if !found || end.Arm != "candidate-3" || end.By != "user:anna" || end.Proof.Low <= 0 || end.Proof.LogE < end.Proof.Needed || len(end.Proof.Arms) != 5 {
		t.Fatalf("it ended with %+v, after %q", end, kinds(c.log))
	}
	if made, _ := last[events.AgentConfigured](c); made.Config.Prompt != "best" {
		t.Errorf("the agent got %+v", made)
	}
	dropped := map[string]string{}
	for _, e := range c.log {
		if e, is := e.(events.ExperimentAllocated); is && e.Dropped != "" {
			dropped[e.Dropped] = e.Guardrail
			if i, _ := events.CandidateOf(e.Dropped); e.Shares[i+1] != 0 {
				t.Errorf("%s went out with %d", e.Dropped, e.Shares)
			}
		}
	}
	// One breaks a guardrail, and two are proved to be worse than another one.
	if want := map[string]string{"candidate": "", "candidate-2": "", "candidate-4": "cost"}; !maps.Equal(dropped, want) {
		t.Errorf("out went %v", dropped)
	}
	// What is better gets more of the runs.
	if counts := end.Proof.Arms; counts[3].Runs <= counts[1].Runs || counts[1].Runs < counts[2].Runs {
		t.Errorf("the runs went to %+v", counts)
	}
	killed := history(rand.New(rand.NewPCG(4, 9)))
	if killed.killed < 1 || !slices.Equal(kinds(killed.log), kinds(c.log)) {
		t.Errorf("killed %d times: %q, undisturbed %q", killed.killed, kinds(killed.log), kinds(c.log))
	}
}

// Where all of them harm, all go out, and what there is stays.
func TestSeveralThatHarmAreAllTakenBack(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{})
	_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
	c.planSeveral("x", "clerk", "bad", "worse")
	c.raceOn(rand.New(rand.NewPCG(2, 5)), "clerk", "x", truth{.8, 1e6, 2}, truth{.2, 1e6, 2}, truth{.1, 1e6, 2})
	end, found := last[events.ExperimentRolledBack](c)
	if !found || end.Guardrail != "success" || end.Proof.LogE < end.Proof.Needed {
		t.Errorf("it ended with %+v, after %q", end, kinds(c.log))
	}
}

// Without a person the candidates together get no more than the policy lets them.
func TestSeveralTogetherStayWithinThePolicy(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 250})
	_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
	c.plan("x", "clerk", func(p *commands.PlanExperiment) {
		p.By, p.Others = "policy", []events.AgentConfig{{Prompt: "Be kind."}}
	})
	r := rand.New(rand.NewPCG(6, 5))
	for n := 0; n < 6000; n++ {
		c.several(r, "clerk", c.experiment("x"), []truth{{.5, 1e6, 2}, {.5, 1e6, 2}, {.8, 1e6, 2}})
		c.now = c.now.Add(time.Minute)
		if end, found := last[events.ExperimentProved](c); found {
			if end.Arm != "candidate-2" {
				t.Errorf("proved is %+v", end)
			}
			break
		}
	}
	allocated, found := last[events.ExperimentAllocated](c)
	if !found || 1000-allocated.Shares[0] > 250 || 1000-allocated.Shares[0] < 200 {
		t.Errorf("the shares are %d, after %q", allocated.Shares, kinds(c.log))
	}
	if err := c.dispatch(commands.PromoteExperiment{Meta: c.meta(), Experiment: "x", By: "user:anna"}); err != nil {
		t.Fatal(err)
	}
	if made, _ := last[events.AgentConfigured](c); made.Config.Prompt != "Be kind." {
		t.Errorf("the agent got %+v", made)
	}
}

// races finds the best of several arms whose rates lie apart, and tells how many runs that takes, once by equal shares and once by
// top-two sampling, both until each other one is beaten at 5% in all.
func races(seed uint64, arms, worlds int) (uniform, topTwo, wrong int) {
	for i := range worlds {
		rates := make([]float64, arms)
		deal := rand.New(rand.NewPCG(seed, uint64(3000+i)))
		for a := range rates {
			rates[a] = .3 + .3*deal.Float64()
		}
		best := deal.IntN(arms)
		rates[best] = .7
		for _, adaptive := range []bool{false, true} {
			r := rand.New(rand.NewPCG(seed, uint64(4000+i)))
			x, out, chances := stats.NewRace(arms), make([]bool, arms), slices.Repeat([]float64{1 / float64(arms)}, arms)
			runs, winner := 0, -1
			for winner < 0 {
				runs++
				arm, value := 0, 0.
				for u := r.Float64(); arm < arms-1 && u >= chances[arm]; arm++ {
					u -= chances[arm]
				}
				if r.Float64() < rates[arm]+mood(noon.Add(time.Duration(runs)*time.Minute)) {
					value = 1
				}
				x.Take(arm, chances, value)
				if runs%50 != 0 {
					continue
				}
				for arm, _ := x.Beaten(out, x.Wins(.05)); arm >= 0; arm, _ = x.Beaten(out, x.Wins(.05)) {
					out[arm] = true
				}
				if in := slices.Index(out, false); !slices.Contains(out[in+1:], false) {
					winner = in
				}
				if adaptive {
					chances = x.TopTwo(out, .05)
				}
			}
			if adaptive {
				topTwo += runs
			} else {
				uniform += runs
			}
			if winner != best {
				wrong++
			}
		}
	}
	return uniform, topTwo, wrong
}
