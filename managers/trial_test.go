package managers_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// trials writes the history of an agent's experiments.
type trials struct {
	now   time.Time
	facts []of
	runs  int
}

// plan is one that ends late, so that each test shortens what it is about.
func plan(change ...func(*events.ExperimentPlan)) events.ExperimentPlan {
	p := events.ExperimentPlan{
		Unit: events.ByConversation, Steps: []int{500, 900}, CanaryRuns: 100_000, MaxRuns: 100_000, MaxDays: 30, FalseAlarms: 25, CostMore: 250, TimeMore: 500, Within: 60,
	}
	for _, f := range change {
		f(&p)
	}
	return p
}

func (x *trials) add(stream string, fact events.Event) {
	x.facts = append(x.facts, of{stream: stream, fact: fact, at: x.now})
}

// planned plans an experiment of the clerk.
func (x *trials) planned(id string, p events.ExperimentPlan) {
	x.add("experiment-"+id, events.ExperimentPlanned{Experiment: id, Agent: "clerk", Change: events.ChangePrompt, Config: events.AgentConfig{Prompt: id}, MaxShare: 1000, Plan: p})
}

// started is an experiment that has its first share.
func started(p events.ExperimentPlan) *trials {
	x := &trials{now: began}
	x.planned("x", p)
	x.add("experiment-x", events.ExperimentStarted{Share: p.Steps[0], Level: .01})
	return x
}

// draw draws a new run, of a unit of its own, into an arm of which the candidate's share is half.
func (x *trials) draw(arm string) (run string) {
	x.runs++
	run = fmt.Sprint("r", x.runs)
	x.drawn(run, events.Arm{Experiment: "x", Arm: arm, Permille: 500, Unit: run})
	return run
}

func (x *trials) drawn(run string, arms ...events.Arm) {
	x.add("run-"+run, events.RunAssigned{Agent: "clerk", Arms: arms})
}

// run is a whole one.
func (x *trials) run(arm string, cost events.Nanos, took time.Duration, succeeded bool) {
	began := x.now
	run := x.draw(arm)
	x.add("run-"+run, events.RunStepFinished{CostNanos: cost})
	x.now = x.now.Add(took)
	if succeeded {
		x.add("run-"+run, events.RunFinished{Outcome: events.Succeeded})
	} else {
		x.add("run-"+run, events.RunFailed{})
	}
	x.now = began.Add(time.Second)
}

func (x *trials) state(t *testing.T) history {
	t.Helper()
	return fold(t, "experiment", "", x.facts...)
}

// wish is the command of the only want but for the one at the end of an experiment's days.
func (h history) wish() commands.Command {
	h.t.Helper()
	var wish commands.Command
	for _, w := range h.process.Wants() {
		if expire, is := w.Command.(commands.ExpireExperiment); is && strings.Contains(expire.Reason, "days") {
			continue
		}
		if wish != nil {
			h.t.Fatalf("it wants %+v", h.process.Wants())
		}
		wish = w.Command
	}
	return wish
}

// expiry is the want at the end of an experiment's days: what was counted stands in it.
func (h history) expiry() (w managers.Want, proof events.Proof) {
	h.t.Helper()
	for _, w := range h.process.Wants() {
		if c, is := w.Command.(commands.ExpireExperiment); is && strings.Contains(c.Reason, "days") {
			return w, c.Proof
		}
	}
	h.t.Fatalf("it wants no end: %+v", h.process.Wants())
	return w, proof
}

func TestARunCountsAsItEnded(t *testing.T) {
	t.Parallel()
	const candidate = events.CandidateArm
	counted := func(n events.ArmCount) events.ArmCount { n.Arm = candidate; return n }
	for name, tt := range map[string]struct {
		took time.Duration
		end  events.Event
		want events.ArmCount
	}{
		"succeeded":                {time.Minute, events.RunFinished{Outcome: events.Succeeded}, counted(events.ArmCount{Runs: 1, Succeeded: 1, CostNanos: 7, Milliseconds: 60_000})},
		"succeeded, and too late":  {time.Minute + time.Millisecond, events.RunFinished{Outcome: events.Succeeded}, counted(events.ArmCount{Runs: 1, CostNanos: 7, Milliseconds: 60_001})},
		"failed":                   {time.Second, events.RunFailed{}, counted(events.ArmCount{Runs: 1, CostNanos: 7, Milliseconds: 1000})},
		"finished as a failure":    {time.Second, events.RunFinished{Outcome: events.Failed}, counted(events.ArmCount{Runs: 1, CostNanos: 7, Milliseconds: 1000})},
		"cancelled":                {time.Second, events.RunCancelled{}, counted(events.ArmCount{Runs: 1, Unrated: 1, CostNanos: 7, Milliseconds: 1000})},
		"unrated":                  {time.Second, events.RunFinished{Outcome: events.Unrated}, counted(events.ArmCount{Runs: 1, Unrated: 1, CostNanos: 7, Milliseconds: 1000})},
		"under way":                {time.Second, nil, counted(events.ArmCount{})},
		"its clock ran backwards":  {-time.Second, events.RunFinished{Outcome: events.Succeeded}, counted(events.ArmCount{Runs: 1, Succeeded: 1, CostNanos: 7})},
		"another fact of the runs": {time.Second, events.RunStepFinished{CostNanos: 1}, counted(events.ArmCount{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := started(plan())
			run := x.draw(candidate)
			x.add("run-"+run, events.RunStepFinished{CostNanos: 3})
			x.add("run-"+run, events.RunStepFinished{CostNanos: 4})
			x.now = x.now.Add(tt.took)
			if tt.end != nil {
				x.add("run-"+run, tt.end)
			}
			_, proof := x.state(t).expiry()
			if got := proof.Arms[1]; got != tt.want || proof.Arms[0] != (events.ArmCount{Arm: events.ControlArm}) {
				t.Errorf("counted %+v, want %+v", proof.Arms, tt.want)
			}
			if proof.From != 3 || proof.To != uint64(len(x.facts)) {
				t.Errorf("it rests on %d to %d", proof.From, proof.To)
			}
		})
	}
}

// A run that is not over holds up those drawn after it until it is too late for a success, and not for longer.
func TestASlowRunIsWaitedForUntilItIsTooLate(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]int64{time.Minute: 0, time.Minute + time.Millisecond: 2} {
		x := started(plan())
		x.draw(events.ControlArm)
		quick := x.draw(events.CandidateArm)
		x.now = x.now.Add(took)
		x.add("run-"+quick, events.RunFinished{Outcome: events.Succeeded})
		if _, proof := x.state(t).expiry(); proof.Arms[0].Runs+proof.Arms[1].Runs != want {
			t.Errorf("after %s: counted %+v, want %d", took, proof.Arms, want)
		}
	}
}

func TestOnlyRunsThatWereDrawnForItCount(t *testing.T) {
	t.Parallel()
	arm := func(change func(*events.Arm)) events.Arm {
		a := events.Arm{Experiment: "x", Arm: events.CandidateArm, Permille: 500, Unit: "u"}
		change(&a)
		return a
	}
	none := func(*events.Arm) {}
	for name, tt := range map[string]struct {
		arm  events.Arm
		want int64
	}{
		"a candidate's":         {arm(none), 1},
		"a control's":           {arm(func(a *events.Arm) { a.Arm = events.ControlArm }), 1},
		"another experiment's":  {arm(func(a *events.Arm) { a.Experiment = "y" }), 0},
		"another arm's":         {arm(func(a *events.Arm) { a.Arm = events.FrozenArm }), 0},
		"a unit's second":       {arm(func(a *events.Arm) { a.Unit = "seen" }), 0},
		"drawn without chance":  {arm(func(a *events.Arm) { a.Permille = 0 }), 0},
		"drawn with certainty":  {arm(func(a *events.Arm) { a.Permille = 1000 }), 0},
		"the least chance":      {arm(func(a *events.Arm) { a.Permille = 1 }), 1},
		"the greatest chance":   {arm(func(a *events.Arm) { a.Permille = 999 }), 1},
		"a control that is all": {arm(func(a *events.Arm) { a.Arm, a.Permille = events.ControlArm, 1000 }), 0},
	} {
		x := started(plan())
		x.drawn("seen", events.Arm{Experiment: "x", Arm: events.ControlArm, Permille: 500, Unit: "seen"})
		x.add("run-seen", events.RunCancelled{})
		x.drawn("r", tt.arm)
		x.add("run-r", events.RunFinished{Outcome: events.Succeeded})
		if _, proof := x.state(t).expiry(); proof.Arms[0].Runs+proof.Arms[1].Runs != 1+tt.want {
			t.Errorf("%s: counted %+v, want %d more", name, proof.Arms, tt.want)
		}
	}
	early := &trials{now: began}
	early.planned("x", plan())
	early.draw(events.CandidateArm)
	early.add("experiment-x", events.ExperimentStarted{Share: 500, Level: .01})
	early.add("run-r1", events.RunFinished{Outcome: events.Succeeded})
	if _, proof := early.state(t).expiry(); proof.Arms[1].Runs != 0 || proof.From != 0 {
		t.Errorf("a run from before the start: %+v", proof)
	}
}

// alternate makes as many runs, every other one a candidate's, until something is wished. value tells how one went.
func (x *trials) alternate(t *testing.T, runs int, run func(x *trials, candidate bool)) (wish commands.Command, after int) {
	t.Helper()
	for i := range runs {
		run(x, i%2 == 1)
	}
	if wish = x.state(t).wish(); wish != nil {
		// Which run decided it stands in the proof.
		for i, f := range x.facts {
			if _, is := f.fact.(events.RunAssigned); is && uint64(i) < positionOf(wish) {
				after++
			}
		}
	}
	return wish, after
}

func positionOf(c commands.Command) uint64 {
	switch c := c.(type) {
	case commands.RollBackExperiment:
		return c.Proof.To
	case commands.PromoteExperiment:
		return c.Proof.To
	case commands.MoveExperiment:
		return c.Proof.To
	case commands.ExpireExperiment:
		return c.Proof.To
	}
	return math.MaxUint64
}

func armOf(candidate bool) string {
	if candidate {
		return events.CandidateArm
	}
	return events.ControlArm
}

// The guardrails hold what a change may cost and take, and no more than that.
func TestGuardrailsHoldByWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cost, time float64 // the candidate's, as a multiple of the others'
		want       string
	}{
		"as before":                {1, 1, ""},
		"as dear as it may be":     {1.25, 1, ""},
		"dearer than it may be":    {2.5, 1, "cost: its runs cost more than they may, a run of the candidate costs at most 25% more"},
		"as slow as it may be":     {1, 1.5, ""},
		"slower than it may be":    {1, 3.5, "time: its runs take longer than they may, a run of the candidate takes at most 50% longer"},
		"cheaper, and slower too":  {.2, 3.5, "time: its runs take longer than they may, a run of the candidate takes at most 50% longer"},
		"quicker, and dearer too":  {2.5, .2, "cost: its runs cost more than they may, a run of the candidate costs at most 25% more"},
		"cheaper, and quicker too": {.2, .2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wish, after := started(plan()).alternate(t, 700, func(x *trials, candidate bool) {
				cost, took := 1e6, 10.
				if candidate {
					cost, took = cost*tt.cost, took*tt.time
				}
				x.run(armOf(candidate), events.Nanos(cost), time.Duration(took*float64(time.Second)), true)
			})
			var got string
			if c, is := wish.(commands.RollBackExperiment); is {
				got = fmt.Sprintf("%s: %s, %s", c.Guardrail, c.Reason, c.Proof.Statistic)
				if c.Proof.LogE < c.Proof.Needed || math.Abs(c.Proof.Needed-math.Log(5/.025)) > .001 || after < 40 {
					t.Errorf("after %d runs by %+v", after, c.Proof)
				}
			} else if wish != nil {
				t.Fatalf("it wants %+v", wish)
			}
			if got != tt.want {
				t.Errorf("it is rolled back for %q, not %q", got, tt.want)
			}
		})
	}
}

// What costs nothing at first has no scale: it comes with what costs something.
func TestCostsBeginWithTheFirstThatIsSomething(t *testing.T) {
	t.Parallel()
	x := started(plan())
	for i := range 60 {
		x.run(armOf(i%2 == 1), 0, time.Second, true)
	}
	wish, _ := x.alternate(t, 500, func(x *trials, candidate bool) {
		x.run(armOf(candidate), map[bool]events.Nanos{false: 1e6, true: 5e6}[candidate], time.Second, true)
	})
	if c, is := wish.(commands.RollBackExperiment); !is || c.Guardrail != "cost" {
		t.Errorf("it wants %+v", wish)
	}
}

// What nobody knows is no small cost: the arm whose runs have no price is not the cheaper one, and they stand in the proof.
func TestWhatHasNoPriceIsNotCheap(t *testing.T) {
	t.Parallel()
	// The candidate is dear, and only every tenth of its runs says so.
	x := started(plan())
	n := 0
	wish, _ := x.alternate(t, 2500, func(x *trials, candidate bool) {
		if n++; candidate && n%20 != 0 {
			run := x.draw(events.CandidateArm)
			x.add("run-"+run, events.RunStepFinished{Unpriced: true})
			x.now = x.now.Add(time.Second)
			x.add("run-"+run, events.RunFinished{Outcome: events.Succeeded})
			return
		}
		x.run(armOf(candidate), map[bool]events.Nanos{false: 1e6, true: 9e6}[candidate], time.Second, true)
	})
	c, is := wish.(commands.RollBackExperiment)
	if !is || c.Guardrail != "cost" || c.Proof.Arms[1].UnpricedCalls == 0 || c.Proof.Arms[0].UnpricedCalls != 0 {
		t.Errorf("it wants %+v", wish)
	}
}

// failing is what is wanted of a candidate that fails.
func (x *trials) failing(t *testing.T) []managers.Want {
	x.alternate(t, 100, func(x *trials, candidate bool) { x.run(armOf(candidate), 1, time.Second, !candidate) })
	return x.state(t).process.Wants()[:1]
}

// Success is held to half of the false alarms, and a cancelled run tells nothing of it.
func TestAChangeThatFailsIsRolledBack(t *testing.T) {
	t.Parallel()
	fails := func(x *trials, candidate bool) { x.run(armOf(candidate), 1, time.Second, !candidate) }
	wish, _ := started(plan()).alternate(t, 100, fails)
	c, is := wish.(commands.RollBackExperiment)
	if !is || c.Guardrail != "success" || c.Reason != "its runs succeed less often" || math.Abs(c.Proof.Needed-math.Log(2/.025)) > .001 || c.Proof.Difference > -.9 {
		t.Errorf("it wants %+v", wish)
	}
	for _, w := range started(plan()).failing(t) {
		if w.ID != w.Command.About().ID {
			t.Errorf("the wish %T has an id of its own", w.Command)
		}
	}
	if c.Causation == uuid.Nil || c.Actor != "manager:experiment" || !c.At.After(began) {
		t.Errorf("it wants it as %+v", c.Meta)
	}
	wish, _ = started(plan()).alternate(t, 100, func(x *trials, candidate bool) {
		run := x.draw(armOf(candidate))
		if candidate {
			x.add("run-"+run, events.RunCancelled{})
		} else {
			x.add("run-"+run, events.RunFinished{Outcome: events.Succeeded})
		}
	})
	if _, is := wish.(commands.RollBackExperiment); is {
		t.Errorf("for cancelled runs it wants %+v", wish)
	}
}

// Runs that are lost on the way out of one arm make all comparison worthless.
func TestLostRunsStopAnExperiment(t *testing.T) {
	t.Parallel()
	x := started(plan())
	for range 60 {
		x.run(events.ControlArm, 1, time.Second, true)
	}
	if c, is := x.state(t).wish().(commands.StopExperiment); !is || !strings.HasPrefix(c.Reason, "the arms did not get the runs") || c.By != "manager:experiment" {
		t.Errorf("it wants %+v", x.state(t).wish())
	}
	few := started(plan())
	for range 6 {
		few.run(events.ControlArm, 1, time.Second, true)
	}
	if wish := few.state(t).wish(); wish != nil {
		t.Errorf("after six runs it wants %+v", wish)
	}
}

// A change goes from share to share by the candidate's runs, is promoted at the last one when it is proved, and ends when its runs
// are over.
func TestAChangeGoesItsSteps(t *testing.T) {
	t.Parallel()
	same := func(x *trials, candidate bool) { x.run(armOf(candidate), 1, time.Second, true) }
	better := func(x *trials, candidate bool) { x.run(armOf(candidate), 1, time.Second, candidate) }
	steps := plan(func(p *events.ExperimentPlan) { p.CanaryRuns = 10 })
	if wish, _ := started(steps).alternate(t, 19, same); wish != nil {
		t.Errorf("after nine runs of the candidate it wants %+v", wish)
	}
	if wish, after := started(steps).alternate(t, 20, same); wish.(commands.MoveExperiment).Share != 900 || after != 20 {
		t.Errorf("after ten runs of the candidate it wants %+v", wish)
	}
	// Another fact does not take back what was decided, nor decide it again.
	long := started(steps)
	first, _ := long.alternate(t, 20, same)
	if again, _ := long.alternate(t, 20, same); !reflect.DeepEqual(first, again) {
		t.Errorf("it wants %+v, and then %+v", first, again)
	}
	last := func(p events.ExperimentPlan) *trials {
		x := started(p)
		x.add("experiment-x", events.ExperimentMoved{Share: 900})
		return x
	}
	if wish, after := last(steps).alternate(t, 100, better); wish == nil || math.Abs(wish.(commands.PromoteExperiment).Proof.Needed-math.Log(100)) > 1e-3 || after < 8 {
		t.Errorf("proved at its last share after %d runs it wants %+v", after, wish)
	}
	if wish, _ := started(plan()).alternate(t, 100, better); wish != nil {
		t.Errorf("proved before its last share it wants %+v", wish)
	}
	short := plan(func(p *events.ExperimentPlan) { p.MaxRuns = 30 })
	if wish, _ := last(short).alternate(t, 29, same); wish != nil {
		t.Errorf("a run before its last one it wants %+v", wish)
	}
	if wish, _ := last(short).alternate(t, 30, same); wish == nil || wish.(commands.ExpireExperiment).Reason != "30 runs showed nothing that is sure" {
		t.Errorf("after its last run it wants %+v", wish)
	}
	// What is proved waits for a person, and is only watched.
	proved := last(short)
	proved.add("experiment-x", events.ExperimentProved{})
	if wish, _ := proved.alternate(t, 40, better); wish != nil {
		t.Errorf("proved already, it wants %+v", wish)
	}
	harmful := last(plan())
	harmful.add("experiment-x", events.ExperimentProved{})
	if wish, _ := harmful.alternate(t, 100, func(x *trials, candidate bool) { x.run(armOf(candidate), 1, time.Second, !candidate) }); wish == nil || wish.(commands.RollBackExperiment).Guardrail != "success" {
		t.Errorf("proved, and harmful after all, it wants %+v", wish)
	}
	// No share lies beyond what it may have by itself.
	bound := &trials{now: began}
	bound.add("experiment-x", events.ExperimentPlanned{Experiment: "x", Agent: "clerk", MaxShare: 899, Plan: steps})
	bound.add("experiment-x", events.ExperimentStarted{Share: 500, Level: .01})
	if wish, _ := bound.alternate(t, 40, same); wish != nil {
		t.Errorf("at the greatest share that it may have it wants %+v", wish)
	}
}

func TestExperimentsOfAnAgentTakeTurns(t *testing.T) {
	t.Parallel()
	start := func(id string) func(commands.Command) bool {
		return func(c commands.Command) bool { s, is := c.(commands.StartExperiment); return is && s.Experiment == id }
	}
	configure := func(id string) func(commands.Command) bool {
		return func(c commands.Command) bool {
			s, is := c.(commands.ConfigureAgent)
			return is && s.Agent == "clerk" && s.Config.Prompt == id && s.Only == events.ChangePrompt && s.Improvement == id
		}
	}
	x := &trials{now: began}
	x.planned("x", plan())
	x.planned("y", plan())
	wants := func(what ...func(commands.Command) bool) []managers.Want {
		t.Helper()
		got := x.state(t).process.Wants()
		if len(got) != len(what) {
			t.Fatalf("it wants %+v, not %d things", got, len(what))
		}
		for i, is := range what {
			if !is(got[i].Command) {
				t.Errorf("want %d is %+v", i, got[i])
			}
		}
		return got
	}
	first := wants(start("x"))[0]
	if !first.At.IsZero() {
		t.Errorf("the first one starts at %s", first.At)
	}
	x.add("experiment-x", events.ExperimentStarted{Share: 500, Level: .01})
	expire := func(commands.Command) bool { return true }
	ends := wants(expire)[0]
	if !ends.At.Equal(began.AddDate(0, 0, 30)) {
		t.Errorf("it ends at %s", ends.At)
	}
	x.now = began.Add(time.Hour)
	x.add("experiment-x", events.ExperimentPromoted{})
	// The next one waits a minute for what the last one changed.
	next := wants(configure("x"), start("y"))[1]
	if !next.At.Equal(x.now.Add(time.Minute)) {
		t.Errorf("the next one starts at %s", next.At)
	}
	level := next.Command.(commands.StartExperiment).Level
	if level <= first.Command.(commands.StartExperiment).Level*.8 {
		t.Errorf("what was found gives nothing back: level %v", level)
	}
	// Somebody else's configuration is no answer to that.
	x.add("agent-other", events.AgentConfigured{})
	wants(configure("x"), start("y"))
	x.add("agent-clerk", events.AgentConfigured{})
	if now := wants(start("y"))[0]; !now.At.IsZero() || now.ID == next.ID {
		t.Errorf("after the change the next one starts at %s as %s", now.At, now.ID)
	}
	x.add("experiment-y", events.ExperimentStarted{Share: 500, Level: .01})
	x.add("agent-other", events.AgentConfigured{})
	x.add("agent-other", events.AgentRetired{})
	wants(expire)
	x.planned("z", plan())
	x.add("agent-clerk", events.AgentRetired{})
	stopped := 0
	for _, w := range x.state(t).process.Wants() {
		if c, is := w.Command.(commands.StopExperiment); is && c.Reason == "the agent was retired" {
			stopped++
		}
	}
	if stopped != 2 {
		t.Errorf("of two experiments of a retired agent %d are stopped: %+v", stopped, x.state(t).process.Wants())
	}
}

// The end of its days is wanted anew behind each fact that counts: the proof is as of then.
func TestTheEndOfItsDaysTellsWhatWasCounted(t *testing.T) {
	t.Parallel()
	x := started(plan())
	first, _ := x.state(t).expiry()
	x.run(events.CandidateArm, 1, time.Second, true)
	second, proof := x.state(t).expiry()
	if first.ID == second.ID || proof.Arms[1].Runs != 1 || !second.At.Equal(first.At) {
		t.Errorf("it is wanted as %s and %s, by %+v", first.ID, second.ID, proof)
	}
	c := second.Command.(commands.ExpireExperiment)
	if c.Reason != "30 days showed nothing that is sure" || !c.At.Equal(second.At) {
		t.Errorf("it ends as %+v", c)
	}
}

// Proved, and let go on by a person, is one find and not two.
func TestAFindCountsOnce(t *testing.T) {
	t.Parallel()
	level := func(facts ...events.Event) float64 {
		x := started(plan())
		for _, f := range facts {
			x.add("experiment-x", f)
		}
		x.add("agent-clerk", events.AgentConfigured{})
		x.planned("y", plan())
		return x.state(t).wish().(commands.StartExperiment).Level
	}
	none := level(events.ExperimentStopped{})
	once := level(events.ExperimentPromoted{})
	if proved := level(events.ExperimentProved{}, events.ExperimentPromoted{}); proved != once || math.Abs(once-2*none) > 1e-4 {
		t.Errorf("level %v with nothing found, %v with one, %v with one that was proved before", none, once, proved)
	}
}

// Experiments of another workspace than the default one belong to it in all that is wanted of them.
func TestExperimentsStayInTheirWorkspace(t *testing.T) {
	t.Parallel()
	facts := []of{
		{stream: events.StreamName("experiment", "w", "x"), fact: events.ExperimentPlanned{Experiment: "x", Agent: "clerk", Plan: plan()}},
		{stream: events.StreamName("experiment", "w", "x"), fact: events.ExperimentStarted{Share: 500, Level: .01}},
		{stream: events.StreamName("agent", "w", "clerk"), fact: events.AgentRetired{}},
	}
	for i := range facts {
		for _, w := range fold(t, "experiment", "w", facts[:i+1]...).process.Wants() {
			if got := w.Command.About().Workspace; got != "w" {
				t.Errorf("after %s it wants %T in workspace %q", facts[i].fact.Kind(), w.Command, got)
			}
		}
	}
}
