package managers_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// guess is a plan of what nobody foretells a gain of.
func guess(p *commands.PlanExperiment) { p.Plan.GivesWay = true }

// What nobody foretells a gain of makes way for what is not so, whichever was planned first. Two such wait for each other.
func TestWhatForetellsNothingGivesWay(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{})
	shares := func(want map[string]int) {
		t.Helper()
		for id, share := range want {
			if x := c.experiment(id); x.Over() != (share < 0) || share >= 0 && x.Share != share {
				t.Errorf("%s has %d permille, over is %v, want %d", id, x.Share, x.Over(), share)
			}
		}
	}
	end := func(id string) {
		t.Helper()
		if err := c.dispatch(commands.StopExperiment{Meta: c.meta(), Experiment: id, By: "user:anna", Reason: "no"}); err != nil {
			t.Fatal(err)
		}
	}
	c.plan("first", "clerk", guess)
	c.plan("second", "clerk", guess)
	c.plan("elsewhere", "other", guess)
	shares(map[string]int{"first": 50, "second": 0, "elsewhere": 50})
	c.plan("claim", "clerk")
	stopped, found := last[events.ExperimentStopped](c)
	if !found || stopped.By != "manager:experiment" || !strings.Contains(stopped.Reason, "nobody foretells a gain of it: it gives way to experiment claim") {
		t.Errorf("stopped %+v", stopped)
	}
	shares(map[string]int{"first": -1, "second": 0, "claim": 50, "elsewhere": 50})
	c.plan("third", "clerk", guess)
	c.plan("beside", "another", guess)
	shares(map[string]int{"beside": 50})
	c.plan("next", "clerk")
	shares(map[string]int{"second": 0, "third": 0, "claim": 50, "next": 0})
	end("claim")
	shares(map[string]int{"second": 0, "third": 0, "next": 50})
	c.plan("behind", "clerk")
	c.plan("last", "clerk")
	end("next")
	shares(map[string]int{"second": 0, "behind": 50, "last": 0})
	end("behind")
	shares(map[string]int{"second": 0, "last": 50})
	end("last")
	shares(map[string]int{"second": 50, "third": 0, "elsewhere": 50})
}

// What is proved to be better is no guess any more: it keeps its turn.
func TestAGuessThatIsProvedStays(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 250})
	c.plan("guess", "clerk", guess, func(p *commands.PlanExperiment) { p.By = "policy" })
	r := rand.New(rand.NewPCG(2, 8))
	for range 2000 {
		if _, found := last[events.ExperimentProved](c); found {
			break
		}
		c.run(r, "clerk", "guess", c.experiment("guess").Share, same, truth{.99, 1e6, 2})
		c.now = c.now.Add(time.Minute)
	}
	c.plan("claim", "clerk")
	if _, found := last[events.ExperimentProved](c); !found || c.experiment("guess").Over() || c.experiment("claim").Share != 0 {
		t.Errorf("got %q", kinds(c.log))
	}
}

// It gives way also where something else was under way when the other change was planned: its start, or its next step.
func TestItGivesWayWhateverIsUnderWay(t *testing.T) {
	t.Parallel()
	plan := events.ExperimentPlan{Unit: events.ByConversation, Steps: []int{50, 250}, CanaryRuns: 1, MaxRuns: 9, MaxDays: 9, FalseAlarms: 25, Within: 60}
	planned := func(id string, givesWay bool) events.Event {
		plan.GivesWay = givesWay
		return events.ExperimentPlanned{Experiment: id, Agent: "clerk", Change: events.ChangePrompt, MaxShare: 1000, Plan: plan}
	}
	started := events.ExperimentStarted{Share: 50, Level: .01}
	type told struct {
		stream string
		fact   events.Event
	}
	canary := []told{
		{"experiment-guess", planned("guess", true)},
		{"experiment-guess", started},
		{"run-1", events.RunAssigned{Agent: "clerk", Arms: []events.Arm{{Experiment: "guess", Arm: events.CandidateArm, Permille: 50, Unit: "u"}}}},
		{"run-1", events.RunFinished{Outcome: events.Succeeded}},
		{"experiment-claim", planned("claim", false)},
	}
	for name, tt := range map[string]struct {
		given []told
		want  bool
	}{
		"it starts":                {[]told{{"experiment-guess", planned("guess", true)}, {"experiment-claim", planned("claim", false)}, {"experiment-guess", started}}, true},
		"it is to be moved":        {canary, false},
		"it was moved":             {append(canary, told{"experiment-guess", events.ExperimentMoved{Share: 250}}), true},
		"it was planned afterward": {[]told{{"experiment-claim", planned("claim", false)}, {"experiment-claim", started}, {"experiment-guess", planned("guess", true)}}, false},
	} {
		c := newCampaign(t, aggregates.Policy{})
		var wants []managers.Want
		for i, f := range tt.given {
			wants = c.fold(&events.Envelope{ID: events.NameID(noon, f.stream+f.fact.Kind()), Stream: f.stream, Position: uint64(i + 1), Kind: f.fact.Kind(), OccurredAt: noon}, f.fact)
		}
		stops := false
		for _, w := range wants {
			stop, is := w.Command.(commands.StopExperiment)
			stops = stops || is && stop.Experiment == "guess"
		}
		if stops != tt.want {
			t.Errorf("%s: wants %+v", name, wants)
		}
	}
}
