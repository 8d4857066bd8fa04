package managers_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// An analyst whose changes do nothing or harm is bound within 20 decisions, by what its experiments find, over restarts too; one whose changes do
// what it foretells never is.
func TestABadAnalystComesToProposeOnly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		next  truth
		bound bool
	}{
		"harm": {truth{.3, 1e6, 2}, true},
		"good": {truth{.8, 1e6, 2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 1000})
			_ = c.dispatch(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
			r := rand.New(rand.NewPCG(7, 7))
			decisions, scored, bound := 0, 0, false
			for ; decisions < 20 && !bound; decisions++ {
				id := fmt.Sprint("i", decisions)
				c.now = c.now.Add(time.Hour)
				err := c.dispatch(commands.ProposeImprovement{
					Meta: c.meta(), Improvement: id, Analyst: "planted", AnalystVersion: 1, Reason: "Runs fail.",
					Change:   events.Change{Kind: events.ChangePrompt, Agent: "clerk", Config: &events.AgentConfig{Prompt: "Prompt " + id}},
					Evidence: events.Evidence{From: 1, To: 2, Statistic: "s", Value: .1, Low: .05, High: .2, Confidence: .95, N: 9},
					Expected: events.Expected{Metric: "success_rate", Change: .2, Low: .1, High: .3},
				})
				if err != nil {
					t.Fatal(err)
				}
				c.save()
				c.kill()
				for range 8000 {
					x := c.experiment(id)
					if x.Over() || x.Share == 0 {
						break
					}
					c.run(r, "clerk", id, x.Share, truth{.5, 1e6, 2}, tt.next)
					c.now = c.now.Add(time.Minute)
				}
				// An experiment may end without a proof, of which nothing is scored.
				if s, _ := last[events.AnalystScored](c); s.Improvement == id {
					if scored++; s.CameTrue == tt.bound {
						t.Errorf("decision %d is scored as %+v", decisions, s)
					}
				}
				_, bound = last[events.AnalystBound](c)
			}
			if bound != tt.bound || scored < min(decisions, 15) {
				t.Errorf("bound: %v, after %d decisions of which %d were scored", bound, decisions, scored)
			}
		})
	}
}

// Forecasts of what was never measured, of other figures and of nothing are not scored.
func TestWhatWasNotMeasuredIsNotScored(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{})
	evidence := events.Evidence{From: 1, To: 2, Statistic: "s", Value: .1, Low: .05, High: .2, Confidence: .95, N: 9}
	propose := func(id string, expected events.Expected) {
		c.append("improvement-"+id, events.NameID(c.now, id), "analyst:a", events.ImprovementProposed{
			Improvement: id, Analyst: "a", Change: events.Change{Kind: events.ChangeWorkflow}, Evidence: evidence, Expected: expected,
		})
	}
	say := func(id string, fact events.Event) {
		c.append("improvement-"+id, events.NameID(c.now, fmt.Sprint(id, c.position)), "manager:improving", fact)
	}
	more := events.Expected{Metric: "success_rate", Change: .1, Low: .05, High: .15}
	propose("cost", events.Expected{Metric: "cost_usd_per_run", Change: -.1, Low: -.2, High: -.05})
	propose("nothing", events.Expected{Metric: "success_rate"})
	propose("rejected", more)
	propose("withdrawn", more)
	propose("revised", more)
	propose("right", more)
	say("rejected", events.ImprovementRejected{By: "user:anna"})
	say("withdrawn", events.ImprovementEvidenceChanged{Strength: events.Gone, Evidence: evidence})
	say("revised", events.ImprovementEvidenceChanged{Strength: events.Weak, Evidence: evidence, Expected: events.Expected{Metric: "success_rate", Change: .4, Low: .3, High: .5}})
	for _, id := range []string{"cost", "nothing", "rejected", "withdrawn", "revised", "right"} {
		say(id, events.ImprovementEffectMeasured{Metric: "success_rate", Evidence: evidence})
	}
	say("right", events.ImprovementEffectMeasured{Metric: "success_rate", Evidence: evidence})
	var got []string
	for _, fact := range c.log {
		if s, is := fact.(events.AnalystScored); is {
			got = append(got, fmt.Sprint(s.Improvement, s.CameTrue))
		}
	}
	if fmt.Sprint(got) != "[revisedfalse righttrue]" {
		t.Errorf("scored %v", got)
	}
}
