package managers_test

import (
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

func (x *trials) judged(run string, v events.Outcome, from events.VerdictOrigin) {
	x.add("verdict-"+run, events.VerdictGiven{Run: run, Verdict: v, From: from})
}

// A run counts by the verdict that is there when it is counted.
func TestARunCountsByItsVerdict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  events.Event
		says func(x *trials, run string)
		want events.ArmCount
	}{
		"bad though it ended well": {
			events.RunFinished{Outcome: events.Succeeded}, func(x *trials, run string) { x.judged(run, events.Failed, events.ByPerson) }, events.ArmCount{Runs: 1, Judged: 1},
		},
		"good though it failed": {
			events.RunFailed{}, func(x *trials, run string) { x.judged(run, events.Succeeded, events.ByRule) }, events.ArmCount{Runs: 1, Succeeded: 1, Judged: 1},
		},
		"cancelled, and judged": {
			events.RunCancelled{}, func(x *trials, run string) { x.judged(run, events.Failed, events.BySource) }, events.ArmCount{Runs: 1, Judged: 1},
		},
		"a person's before a rule's": {
			events.RunFailed{}, func(x *trials, run string) {
				x.judged(run, events.Succeeded, events.ByPerson)
				x.judged(run, events.Failed, events.ByRule)
			}, events.ArmCount{Runs: 1, Succeeded: 1, Judged: 1},
		},
		"taken back": {
			events.RunFailed{}, func(x *trials, run string) {
				x.judged(run, events.Succeeded, events.ByPerson)
				x.judged(run, events.Unrated, events.ByPerson)
			}, events.ArmCount{Runs: 1},
		},
		"another run's": {
			events.RunFailed{}, func(x *trials, _ string) { x.judged("other", events.Succeeded, events.ByPerson) }, events.ArmCount{Runs: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := started(plan())
			run := x.draw(events.CandidateArm)
			c.says(x, run)
			x.add("run-"+run, c.end)
			_, proof := x.state(t).expiry()
			if c.want.Arm = events.CandidateArm; proof.Arms[1] != c.want {
				t.Errorf("counted %+v, want %+v", proof.Arms[1], c.want)
			}
		})
	}
}

// Where the plan says so, a run that has ended waits for a verdict, and so do those that were drawn after it.
func TestARunWaitsForItsVerdict(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, c := range map[string]struct {
		wait  int64
		after time.Duration
		judge bool
		want  events.ArmCount
	}{
		"for none":        {0, 0, false, events.ArmCount{Runs: 2, Succeeded: 2}},
		"not over":        {3600, hour - time.Second, false, events.ArmCount{}},
		"over":            {3600, hour, false, events.ArmCount{Runs: 1, Succeeded: 1}},
		"come, one waits": {3600, time.Minute, true, events.ArmCount{Runs: 1, Judged: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := started(plan(func(p *events.ExperimentPlan) { p.JudgedWithin = c.wait }))
			first, second := x.draw(events.CandidateArm), x.draw(events.CandidateArm)
			x.add("run-"+first, events.RunFinished{Outcome: events.Succeeded})
			x.now = x.now.Add(c.after)
			x.add("run-"+second, events.RunFinished{Outcome: events.Succeeded})
			if c.judge {
				x.judged(first, events.Failed, events.ByPerson)
			}
			_, proof := x.state(t).expiry()
			got := proof.Arms[1]
			got.Milliseconds = 0
			if c.want.Arm = events.CandidateArm; got != c.want {
				t.Errorf("counted %+v, want %+v", got, c.want)
			}
		})
	}
}
