package managers_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// same is a world in which nothing matters.
var same = truth{success: .7, cost: 1e6, seconds: 2}

// plan has a person plan an experiment.
func (c *campaign) plan(id, agent string, change ...func(*commands.PlanExperiment)) {
	c.t.Helper()
	cmd := commands.PlanExperiment{
		Meta: c.meta(), Experiment: id, Agent: agent, Change: events.ChangePrompt, Config: events.AgentConfig{Prompt: "Be brief."}, By: "user:anna",
	}
	for _, f := range change {
		f(&cmd)
	}
	if err := c.dispatch(cmd); err != nil {
		c.t.Fatal(err)
	}
}

// until makes runs, one a minute, until an experiment is over, and returns how many that took.
func (c *campaign) until(r *rand.Rand, agent, id string, old, next truth) int {
	c.t.Helper()
	for n := range 20_000 {
		x := c.experiment(id)
		if x.Over() {
			return n
		}
		c.run(r, agent, id, x.Share, old, next)
		c.now = c.now.Add(time.Minute)
	}
	c.t.Fatalf("%s never ends", id)
	return 0
}

// last is the latest fact of a type.
func last[E events.Event](c *campaign) (e E, found bool) {
	for _, fact := range c.log {
		if f, ok := fact.(E); ok {
			e, found = f, true
		}
	}
	return e, found
}

func kinds(log []events.Event) (kinds []string) {
	for _, e := range log {
		kinds = append(kinds, e.Kind())
	}
	return kinds
}

func TestAnExperimentEndsAsItsRunsTell(t *testing.T) {
	t.Parallel()
	with := func(change func(*truth)) truth {
		other := same
		change(&other)
		return other
	}
	for name, tt := range map[string]struct {
		next truth
		end  []string
		most int
		wall string
	}{
		"better":   {with(func(t *truth) { t.success = .85 }), []string{"experiment.planned", "experiment.started", "experiment.moved", "experiment.promoted", "agent.configured"}, 5000, ""},
		"worse":    {with(func(t *truth) { t.success = .2 }), []string{"experiment.planned", "experiment.started", "experiment.rolled_back"}, 800, "success"},
		"dear":     {with(func(t *truth) { t.cost *= 3 }), []string{"experiment.planned", "experiment.started", "experiment.rolled_back"}, 1500, "cost"},
		"slow":     {with(func(t *truth) { t.seconds *= 4 }), []string{"experiment.planned", "experiment.started", "experiment.rolled_back"}, 1500, "time"},
		"the same": {same, []string{"experiment.planned", "experiment.started", "experiment.moved", "experiment.expired"}, 3000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, aggregates.Policy{})
			_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
			c.log = nil
			c.plan("x", "clerk", func(p *commands.PlanExperiment) { p.Plan.MaxRuns = int64(tt.most) })
			runs := c.until(rand.New(rand.NewPCG(7, 7)), "clerk", "x", same, tt.next)
			got := kinds(c.log)
			// A change that shows late may have come to its greater share before.
			if len(got) == len(tt.end)+1 && tt.wall != "" && got[2] == "experiment.moved" {
				got = append(got[:2:2], got[3:]...)
			}
			if !reflect.DeepEqual(got, tt.end) {
				t.Fatalf("got %q after %d runs, want %q", got, runs, tt.end)
			}
			if runs > tt.most {
				t.Errorf("it took %d runs, want at most %d", runs, tt.most)
			}
			if end, found := last[events.ExperimentRolledBack](c); found && (end.Guardrail != tt.wall || end.Proof.LogE < end.Proof.Needed || end.Proof.From == 0 || end.Proof.To <= end.Proof.From) {
				t.Errorf("rolled back for %q by %+v, want %q", end.Guardrail, end.Proof, tt.wall)
			}
			if end, found := last[events.ExperimentPromoted](c); found {
				if end.By != "user:anna" || end.Proof.Low <= 0 || end.Proof.Difference < .05 || end.Proof.LogE < end.Proof.Needed {
					t.Errorf("promoted by %+v", end)
				}
				if made, _ := last[events.AgentConfigured](c); made.Config.Prompt != "Be brief." || made.Improvement != "x" {
					t.Errorf("the agent got %+v", made)
				}
			}
		})
	}
}

// Killed at any moment, also between a fact and what it makes them do, the managers decide the same.
func TestManagersThatAreKilledDecideTheSame(t *testing.T) {
	t.Parallel()
	history := func(kills bool) []events.Event {
		c := newCampaign(t, aggregates.Policy{})
		if kills {
			c.dies = rand.New(rand.NewPCG(4, 4))
		}
		_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
		r := rand.New(rand.NewPCG(3, 3))
		for i := range 3 {
			c.plan(fmt.Sprint("x", i), "clerk", func(p *commands.PlanExperiment) { p.Plan.MaxRuns = 1200; p.Config.Prompt = fmt.Sprint("Be brief ", i) })
		}
		for i, next := range []float64{.9, .7, .2} {
			id := fmt.Sprint("x", i)
			for !c.experiment(id).Over() {
				c.run(r, "clerk", id, c.experiment(id).Share, same, truth{next, 1e6, 2})
				c.now = c.now.Add(time.Minute)
			}
		}
		if kills && c.killed < 2 {
			t.Errorf("it was killed %d times", c.killed)
		}
		return c.log
	}
	quiet := history(false)
	if again := history(false); !reflect.DeepEqual(quiet, again) {
		t.Error("the same world gives another history")
	}
	if killed := history(true); !reflect.DeepEqual(quiet, killed) {
		t.Errorf("undisturbed %q, killed %q", kinds(quiet), kinds(killed))
	}
	if got := kinds(quiet); got[len(got)-1] != "experiment.rolled_back" {
		t.Errorf("it ends with %q", got)
	}
}

// One agent's changes are tried one after another.
func TestChangesOfOneAgentWaitForEachOther(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{})
	_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
	c.log = nil
	c.plan("x", "clerk")
	c.plan("y", "clerk")
	c.plan("z", "other")
	want := []string{"experiment.planned", "experiment.started", "experiment.planned", "experiment.planned", "experiment.started"}
	if got := kinds(c.log); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if err := c.dispatch(commands.StopExperiment{Meta: c.meta(), Experiment: "x", By: "user:anna", Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	if c.experiment("y").Share != 50 {
		t.Errorf("the next one did not start: %q", kinds(c.log))
	}
	first, second := c.experiment("x").Level, c.experiment("y").Level
	if !(second < first) {
		t.Errorf("levels %v and then %v: what was looked for in vain costs the next one nothing", first, second)
	}
}

// Who changes the agent meanwhile ends the comparison: there is nothing any more to compare with.
func TestAnAgentThatIsChangedMeanwhileEndsItsExperiment(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{})
	_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
	c.plan("x", "clerk")
	if err := c.dispatch(commands.ConfigureAgent{Meta: c.meta(), Agent: "clerk", Config: events.AgentConfig{Model: "large"}}); err != nil {
		t.Fatal(err)
	}
	if end, found := last[events.ExperimentStopped](c); !found || end.By != "manager:experiment" {
		t.Errorf("got %q", kinds(c.log))
	}
}

// Runs are counted in the order of their draws, so that a quick arm is not seen more of; a run that takes too long fails.
func TestRunsAreCountedInTheOrderOfTheirDraws(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{})
	c.plan("x", "clerk", func(p *commands.PlanExperiment) { p.Plan.CanaryRuns, p.Plan.MaxRuns, p.Plan.Within = 3, 3, 60 })
	draw := func(run, arm string) {
		c.append("run-"+run, events.NameID(c.now, run), "agent:clerk", events.RunAssigned{Agent: "clerk", Arms: []events.Arm{{Experiment: "x", Arm: arm, Permille: map[string]int{"candidate": 50, "control": 950}[arm], Unit: run}}})
	}
	end := func(run string) {
		c.append("run-"+run, events.NameID(c.now, run+" ends"), "agent:clerk", events.RunFinished{Outcome: events.Succeeded})
	}
	draw("slow", events.ControlArm)
	draw("quick", events.CandidateArm)
	draw("quick", events.CandidateArm) // its conversation goes on: it counts once
	end("quick")
	if _, found := last[events.ExperimentExpired](c); found {
		t.Fatal("the second run was counted before the first had ended")
	}
	draw("third", events.ControlArm)
	end("third")
	c.now = c.now.Add(2 * time.Minute)
	draw("fourth", events.ControlArm)
	end("fourth")
	got, _ := last[events.ExperimentExpired](c)
	want := []events.ArmCount{
		{Arm: events.ControlArm, Runs: 2, Succeeded: 1},
		{Arm: events.CandidateArm, Runs: 1, Succeeded: 1},
	}
	if !reflect.DeepEqual(got.Proof.Arms, want) {
		t.Errorf("counted %+v, want %+v", got.Proof.Arms, want)
	}
}

// An improvement that the policy approves by itself is tried, kept, told of and measured without a person; one that goes
// further than the policy lets it waits for one.
func TestAnImprovementIsTriedAsThePolicySays(t *testing.T) {
	t.Parallel()
	propose := func(c *campaign) {
		c.t.Helper()
		err := c.dispatch(commands.ProposeImprovement{
			Meta: c.meta(), Improvement: "i", Analyst: "workflow", AnalystVersion: 1, Reason: "Runs fail.",
			Change:   events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &events.AgentConfig{Prompt: "Be brief."}},
			Evidence: events.Evidence{From: 1, To: 2, Statistic: "s", Value: .1, Low: .05, High: .2, Confidence: .95, N: 9},
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	better := truth{.9, 1e6, 2}
	for name, tt := range map[string]struct {
		policy aggregates.Policy
		next   truth
		want   []string
	}{
		"promoted by itself": {aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 1000}, better, []string{
			"improvement.proposed", "improvement.approved", "experiment.planned", "experiment.started", "improvement.applied", "experiment.moved",
			"improvement.applied", "experiment.promoted", "agent.configured", "improvement.applied", "improvement.effect_measured",
		}},
		"rolled back by itself": {aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 1000}, truth{.1, 1e6, 2}, []string{
			"improvement.proposed", "improvement.approved", "experiment.planned", "experiment.started", "improvement.applied",
			"experiment.rolled_back", "improvement.rolled_back", "improvement.effect_measured",
		}},
		"only proposed": {aggregates.Policy{}, better, []string{"improvement.proposed"}},
		"canary by itself": {aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 250}, better, []string{
			"improvement.proposed", "improvement.approved", "experiment.planned", "experiment.started", "improvement.applied", "experiment.moved",
			"improvement.applied", "experiment.proved",
		}},
		"the policy names the kind and lets it reach nothing": {aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}}, better, []string{
			"improvement.proposed", "improvement.approved",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, tt.policy)
			_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
			c.log = nil
			propose(c)
			r := rand.New(rand.NewPCG(5, 5))
			for range 4000 {
				if x := c.experiment("i"); !x.Over() && x.Share > 0 {
					c.run(r, "clerk", "i", x.Share, same, tt.next)
					c.now = c.now.Add(time.Minute)
				}
			}
			if got := kinds(c.log); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
			if name != "canary by itself" {
				return
			}
			// A person lets it go on.
			c.log = nil
			for _, cmd := range []commands.Command{
				commands.ApproveImprovement{Meta: c.meta(), Improvement: "i", By: "user:anna"},
				commands.PromoteExperiment{Meta: c.meta(), Experiment: "i", By: "user:anna"},
			} {
				if err := c.dispatch(cmd); err != nil {
					t.Fatal(err)
				}
			}
			want := []string{"improvement.approved", "experiment.promoted", "agent.configured", "improvement.applied", "improvement.effect_measured"}
			if got := kinds(c.log); !reflect.DeepEqual(got, want) {
				t.Errorf("a person let it go on: got %q\nwant %q", got, want)
			}
		})
	}
}
