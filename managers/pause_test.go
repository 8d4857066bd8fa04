package managers_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// While the loop is paused nothing is decided, whatever its runs come to; then it goes on from there, and the days in between
// are none of an experiment's.
func TestAPausedLoopDecidesNothing(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, aggregates.Policy{SelfApproved: []events.ChangeKind{events.ChangePrompt}, MaxShare: 1000})
	say := func(cmd commands.Command) {
		t.Helper()
		if err := c.dispatch(cmd); err != nil {
			t.Fatal(err)
		}
	}
	propose := func(id, agent string) {
		t.Helper()
		say(commands.ProposeImprovement{
			Meta: c.meta(), Improvement: id, Analyst: "workflow", AnalystVersion: 1, Reason: "Runs fail.",
			Change:   events.Change{Kind: events.ChangePrompt, Agent: agent, Config: &events.AgentConfig{Prompt: "Be brief."}},
			Evidence: events.Evidence{From: 1, To: 2, Statistic: "s", Value: .1, Low: .05, High: .2, Confidence: .95, N: 9},
		})
	}
	say(commands.SpawnAgent{Meta: c.meta(), Agent: "clerk"})
	say(commands.SpawnAgent{Meta: c.meta(), Agent: "scribe"})
	propose("i", "clerk")
	r := rand.New(rand.NewPCG(5, 5))
	worse := truth{.1, 1e6, 2}
	for range 30 {
		c.run(r, "clerk", "i", c.experiment("i").Share, same, worse)
		c.now = c.now.Add(time.Minute)
	}
	if x := c.experiment("i"); x.Share != 50 {
		t.Fatalf("it begins with %+v", x)
	}
	say(commands.PauseLoop{Meta: c.meta(), By: "user:anna", Reason: "look"})
	from := len(c.log)
	// Runs that were drawn before end, and prove that it harms. Another change is proposed, and approved by the policy.
	for range 600 {
		c.run(r, "clerk", "i", 50, same, worse)
	}
	propose("j", "scribe")
	c.save()
	c.kill()
	c.now = c.now.AddDate(0, 0, 40)
	c.run(r, "clerk", "i", 50, same, worse)
	if got, want := kinds(c.log[from:]), []string{"improvement.proposed", "improvement.approved"}; !reflect.DeepEqual(got, want) {
		t.Fatalf("while it is paused it does %q, want %q", got, want)
	}
	from = len(c.log)
	say(commands.ResumeLoop{Meta: c.meta(), By: "user:anna"})
	want := []string{"loop.resumed", "experiment.rolled_back", "improvement.rolled_back", "improvement.effect_measured", "experiment.planned", "experiment.started", "improvement.applied"}
	if got := kinds(c.log[from:]); !reflect.DeepEqual(got, want) {
		t.Fatalf("it goes on with %q, want %q", got, want)
	}
	// The other one's days begin now; a pause of a month takes none of them.
	say(commands.PauseLoop{Meta: c.meta(), By: "user:anna", Reason: "look"})
	c.now = c.now.AddDate(0, 0, 31)
	say(commands.ResumeLoop{Meta: c.meta(), By: "user:anna"})
	c.run(r, "scribe", "j", c.experiment("j").Share, same, same)
	if x := c.experiment("j"); x.Over() {
		t.Errorf("it is over after a pause: %+v", x)
	}
	c.now = c.now.AddDate(0, 0, 31)
	c.run(r, "scribe", "j", c.experiment("j").Share, same, same)
	if x := c.experiment("j"); !x.Over() {
		t.Error("it goes on for more days than it has")
	}
}
