package managers_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// An improvement and its experiment tell the same story, whatever end the experiment comes to.
func TestAnImprovementFollowsItsExperiment(t *testing.T) {
	t.Parallel()
	proof := events.Proof{From: 3, To: 9, Arms: []events.ArmCount{{Arm: events.ControlArm, Runs: 7, Succeeded: 4}, {Arm: events.CandidateArm, Runs: 2, Succeeded: 1}}, Difference: .1, Low: .05, High: .2, Confidence: .95}
	x := func(fact events.Event) of { return of{stream: "experiment-i", fact: fact} }
	i := func(fact events.Event) of { return of{stream: "improvement-i", fact: fact} }
	planned, started, moved := x(events.ExperimentPlanned{Experiment: "i", Improvement: "i"}), x(events.ExperimentStarted{Share: 50}), x(events.ExperimentMoved{Share: 250})
	applied := func(share int) of { return i(events.ImprovementApplied{Share: share}) }
	promoted, back := x(events.ExperimentPromoted{Proof: proof}), x(events.ExperimentRolledBack{Reason: "it harms", Proof: proof})
	expired, stopped := x(events.ExperimentExpired{Reason: "nothing", Proof: proof}), x(events.ExperimentStopped{Reason: "enough"})
	for name, tt := range map[string]struct {
		given []of
		want  string
		over  bool
	}{
		"planned":                          {given: []of{planned}},
		"without an improvement":           {given: []of{x(events.ExperimentPlanned{Experiment: "i"})}, over: true},
		"started":                          {given: []of{planned, started}, want: "apply 50"},
		"applied":                          {given: []of{planned, started, applied(50)}},
		"moved":                            {given: []of{planned, started, applied(50), moved}, want: "apply 250"},
		"moved before it was told of":      {given: []of{planned, started, moved}, want: "apply 250"},
		"promoted":                         {given: []of{planned, started, applied(50), promoted}, want: "apply 1000"},
		"promoted and applied":             {given: []of{planned, started, applied(50), promoted, applied(1000)}, want: "measure 3-9 9 runs, 7 of control, 2 of candidate"},
		"measured":                         {given: []of{planned, started, applied(50), promoted, applied(1000), i(events.ImprovementEffectMeasured{})}, over: true},
		"measured by somebody meanwhile":   {given: []of{planned, started, applied(50), i(events.ImprovementEffectMeasured{})}},
		"rolled back":                      {given: []of{planned, started, applied(50), back}, want: "roll back: it harms"},
		"rolled back, told of":             {given: []of{planned, started, applied(50), back, i(events.ImprovementRolledBack{})}, want: "measure 3-9 9 runs, 7 of control, 2 of candidate"},
		"rolled back, measured":            {given: []of{planned, started, applied(50), back, i(events.ImprovementRolledBack{}), i(events.ImprovementEffectMeasured{})}, over: true},
		"rolled back by a person":          {given: []of{planned, started, applied(50), i(events.ImprovementRolledBack{})}, over: true},
		"expired":                          {given: []of{planned, started, applied(50), expired}, want: "roll back: nothing"},
		"expired without a run":            {given: []of{planned, started, applied(50), x(events.ExperimentExpired{Reason: "nothing"}), i(events.ImprovementRolledBack{})}, over: true},
		"expired before it was applied":    {given: []of{planned, started, expired}, want: "reject: nothing"},
		"stopped":                          {given: []of{planned, started, applied(50), stopped}, want: "roll back: enough"},
		"stopped before it was applied":    {given: []of{planned, stopped}, want: "reject: enough"},
		"stopped, for it was made for all": {given: []of{planned, started, applied(1000), stopped}, over: true},
		"stopped, and then it is told that it was made for all": {
			given: []of{planned, started, applied(50), x(events.ExperimentStopped{Reason: "the change was made for all runs meanwhile"})}, over: true,
		},
		"rejected": {given: []of{planned, stopped, i(events.ImprovementRejected{})}, over: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := fold(t, "improving", "", tt.given...)
			if h.over != tt.over {
				t.Fatalf("over is %t", h.over)
			}
			if tt.over || tt.want == "" {
				h.wantsNothing()
				return
			}
			var got string
			switch c := h.want().Command.(type) {
			case commands.ApplyImprovement:
				got = fmt.Sprintf("apply %d", c.SharePermille)
			case commands.RollBackImprovement:
				got = "roll back: " + c.Reason
			case commands.RejectImprovement:
				got = "reject: " + c.Reason
				if c.By != "manager:improving" {
					t.Errorf("it is rejected by %q", c.By)
				}
			case commands.MeasureImprovement:
				e := c.Evidence
				got = fmt.Sprintf("measure %d-%d %d runs, %d of control, %d of candidate", e.From, e.To, e.N, e.Counts["control_runs"], e.Counts["candidate_runs"])
				if e.Counts["control_succeeded"] != 4 || e.Counts["candidate_succeeded"] != 1 || e.Value != .1 || e.Low != .05 || e.High != .2 || e.Confidence != .95 {
					t.Errorf("the evidence is %+v", e)
				}
			}
			if got != tt.want {
				t.Errorf("it wants %q, not %q", got, tt.want)
			}
			// What it wants names the latest fact of the experiment as its cause.
			about, last := h.want().Command.About(), 0
			for i, f := range tt.given {
				if f.stream == "experiment-i" {
					last = i
				}
			}
			if about.Actor != "manager:improving" || about.Causation != events.NameID(began, fmt.Sprint("fact ", last)) || !about.At.Equal(began.Add(time.Duration(last)*time.Minute)) {
				t.Errorf("it wants it as %+v, and not for fact %d", about, last)
			}
		})
	}
}

// Who approves for all what is being tried ends the trial: that is no other configuration.
func TestATrialEndsWhereItsChangeIsMadeForAll(t *testing.T) {
	t.Parallel()
	for improvement, want := range map[string]string{"x": "the change was made for all runs meanwhile", "y": "the agent was given another configuration meanwhile: what it was compared with is no more"} {
		take, got := wanting(t, "experiment"), ""
		for _, of := range []struct {
			stream string
			fact   events.Event
		}{
			{"experiment-x", events.ExperimentPlanned{Experiment: "x", Agent: "clerk", Improvement: "x", Plan: events.ExperimentPlan{Steps: []int{50}, CanaryRuns: 1, MaxRuns: 9, MaxDays: 9}}},
			{"experiment-x", events.ExperimentStarted{Share: 50, Level: .005}},
			{"agent-clerk", events.AgentConfigured{Improvement: improvement}},
		} {
			for _, w := range take(of.stream, of.fact) {
				if c, is := w.Command.(commands.StopExperiment); is {
					got = c.Reason
				}
			}
		}
		if got != want {
			t.Errorf("made by %s it ends since %q", improvement, got)
		}
	}
}
