package managers_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// book is a runbook in an order of its steps.
func book(from int, order ...string) events.RunbookSaved {
	b := events.RunbookSaved{Runbook: "refund", Workflow: "desk", Requester: "anna", From: from}
	for i, name := range order {
		step := events.RunbookStep{Name: name, Agent: "clerk", Instruction: "Do " + name + "."}
		if i > 0 {
			step.DependsOn = []int{i - 1}
		}
		b.Steps = append(b.Steps, step)
	}
	return b
}

func (c *campaign) save1(b events.RunbookSaved) {
	c.t.Helper()
	if err := c.dispatch(commands.SaveRunbook{Meta: c.meta(), Runbook: b.Runbook, Workflow: b.Workflow, Steps: b.Steps, Requester: b.Requester}); err != nil {
		c.t.Fatal(err)
	}
}

// planBook has a person plan an experiment on another order of the runbook's steps.
func (c *campaign) planBook(id string, change ...func(*commands.PlanExperiment)) {
	c.t.Helper()
	next := book(1, "look up", "pay")
	cmd := commands.PlanExperiment{Meta: c.meta(), Experiment: id, Change: events.ChangeRunbook, Book: &next, By: "user:anna"}
	for _, f := range change {
		f(&cmd)
	}
	if err := c.dispatch(cmd); err != nil {
		c.t.Fatal(err)
	}
}

// goal plans one by the runbook and has it done.
func (c *campaign) goal(r *rand.Rand, experiment string, old, next truth) {
	c.runs++
	name := fmt.Sprint("g", c.runs)
	arm, what := c.experiment(experiment).Draw(name), old
	if arm.Tried() {
		what = next
	}
	stream, id, began := commands.GoalStream("", name), events.NameID(c.now, name), c.now
	c.append(stream, id, "manager:goal", events.GoalPlanned{Source: events.PlannedByRunbook, Runbook: "refund", Arms: []events.Arm{arm}})
	c.append(stream, events.DeriveID(id, 1), "manager:goal", events.GoalTaskFinished{Task: "step-1", CostNanos: events.Nanos(what.cost * math.Exp(r.NormFloat64()/2))})
	c.now = c.now.Add(time.Duration(what.seconds * math.Exp(r.NormFloat64()/2) * float64(time.Second)))
	end := events.GoalFinished{Outcome: events.Failed}
	if r.Float64() < what.success {
		end.Outcome = events.Succeeded
	}
	c.append(stream, events.DeriveID(id, 2), "manager:goal", end)
	c.now = began.Add(time.Minute)
}

func booked(t *testing.T) *campaign {
	t.Helper()
	c := newCampaign(t, aggregates.Policy{})
	c.save1(book(0, "pay", "look up"))
	c.log = nil
	return c
}

func TestAVersionOfARunbookEndsAsItsGoalsTell(t *testing.T) {
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
		"better":   {with(func(t *truth) { t.success = .9 }), []string{"experiment.planned", "experiment.started", "experiment.moved", "experiment.promoted", "runbook.saved"}, 5000, ""},
		"worse":    {with(func(t *truth) { t.success = .2 }), []string{"experiment.planned", "experiment.started", "experiment.rolled_back"}, 800, "success"},
		"dear":     {with(func(t *truth) { t.cost *= 3 }), []string{"experiment.planned", "experiment.started", "experiment.rolled_back"}, 1500, "cost"},
		"slow":     {with(func(t *truth) { t.seconds *= 4 }), []string{"experiment.planned", "experiment.started", "experiment.rolled_back"}, 1500, "time"},
		"the same": {same, []string{"experiment.planned", "experiment.started", "experiment.moved", "experiment.expired"}, 3000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var quiet []events.Event
			for _, kills := range []bool{false, true} {
				c := booked(t)
				if kills {
					c.dies = rand.New(rand.NewPCG(4, 4))
				}
				c.planBook("x", func(p *commands.PlanExperiment) { p.Plan.MaxRuns = int64(tt.most) })
				r := rand.New(rand.NewPCG(7, 7))
				for !c.experiment("x").Over() {
					c.goal(r, "x", same, tt.next)
				}
				if kills {
					if !reflect.DeepEqual(quiet, c.log) {
						t.Errorf("undisturbed %q, killed %d times %q", kinds(quiet), c.killed, kinds(c.log))
					}
					continue
				}
				quiet = c.log
				got := kinds(c.log)
				if len(got) == len(tt.end)+1 && tt.wall != "" && got[2] == "experiment.moved" {
					got = append(got[:2:2], got[3:]...)
				}
				if !reflect.DeepEqual(got, tt.end) || c.runs > tt.most {
					t.Fatalf("got %q after %d goals, want %q", got, c.runs, tt.end)
				}
				if end, found := last[events.ExperimentRolledBack](c); found && (end.Guardrail != tt.wall || end.Proof.LogE < end.Proof.Needed || end.Proof.From == 0) {
					t.Errorf("rolled back for %q by %+v, want %q", end.Guardrail, end.Proof, tt.wall)
				}
				if end, found := last[events.ExperimentPromoted](c); found {
					want := book(1, "look up", "pay")
					want.Improvement, want.Proof = "x", &end.Proof
					if saved, _ := last[events.RunbookSaved](c); !reflect.DeepEqual(saved, want) || end.Proof.Low <= 0 {
						t.Errorf("saved %+v, want %+v", saved, want)
					}
				}
			}
		})
	}
}

// What one runbook is tried of stands in a line, and no agent's experiment waits for it; who saves the runbook meanwhile ends all of it.
func TestVersionsOfOneRunbookWaitForEachOther(t *testing.T) {
	t.Parallel()
	c := booked(t)
	c.planBook("x")
	c.planBook("y")
	c.plan("z", "refund") // an agent of the same name
	want := []string{"experiment.planned", "experiment.started", "experiment.planned", "experiment.planned", "experiment.started"}
	if got := kinds(c.log); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	c.log = nil
	c.save1(book(0, "pay", "look up", "mail"))
	want = []string{"runbook.saved", "experiment.stopped", "experiment.stopped"}
	if got := kinds(c.log); !reflect.DeepEqual(got, want) || c.experiment("z").Over() {
		t.Fatalf("got %q, want %q", got, want)
	}
	if end, _ := last[events.ExperimentStopped](c); !strings.Contains(end.Reason, "saved anew") {
		t.Errorf("it ended with %+v", end)
	}
}

// A goal counts once, from its plan to its end, with what it was told to have cost; one that is given up counts for neither, one that takes too long fails,
// and a run of a goal's name is none of it.
func TestAGoalCountsFromItsPlanToItsEnd(t *testing.T) {
	t.Parallel()
	c := booked(t)
	c.planBook("x", func(p *commands.PlanExperiment) { p.Plan.CanaryRuns, p.Plan.MaxRuns, p.Plan.Within = 4, 4, 60 })
	n := 0
	tell := func(goal string, fact events.Event) {
		n++
		c.append("goal-"+goal, events.NameID(c.now, fmt.Sprint(goal, n)), "manager:goal", fact)
	}
	draw := func(goal, arm string) {
		tell(goal, events.GoalPlanned{Arms: []events.Arm{{Experiment: "x", Arm: arm, Permille: map[string]int{"candidate": 50, "control": 950}[arm], Unit: goal}}})
	}
	draw("slow", events.ControlArm)
	draw("quick", events.CandidateArm)
	tell("quick", events.GoalTasksAssigned{CostNanos: 1})
	tell("quick", events.GoalTaskFailed{CostNanos: 10, UnpricedCalls: 2})
	tell("quick", events.GoalAgentAnswered{CostNanos: 100})
	tell("quick", events.GoalTaskHandedOver{CostNanos: 1000})
	tell("quick", events.GoalTaskFinished{CostNanos: 10_000})
	c.append("run-slow", events.NameID(c.now, "a run"), "agent:clerk", events.RunFinished{Outcome: events.Succeeded})
	c.now = c.now.Add(time.Second)
	tell("quick", events.GoalFinished{Outcome: events.Succeeded})
	draw("given up", events.ControlArm)
	tell("given up", events.GoalCancelled{By: "user:anna"})
	c.now = c.now.Add(2 * time.Minute)
	draw("fourth", events.ControlArm)
	tell("fourth", events.GoalFinished{Outcome: events.Failed})
	got, _ := last[events.ExperimentExpired](c)
	want := []events.ArmCount{
		{Arm: events.ControlArm, Runs: 3, Unrated: 1},
		{Arm: events.CandidateArm, Runs: 1, Succeeded: 1, CostNanos: 11_111, UnpricedCalls: 2, Milliseconds: 1000},
	}
	if !reflect.DeepEqual(got.Proof.Arms, want) {
		t.Errorf("counted %+v, want %+v", got.Proof.Arms, want)
	}
}

// Goals with what is tried cost no more in a month than the policy lets runs cost.
func TestGoalsWithWhatIsTriedCostNoMoreThanThePolicyLets(t *testing.T) {
	t.Parallel()
	c := booked(t)
	if err := c.dispatch(commands.SetPolicy{Meta: c.meta(), Policy: events.PolicySet{ExperimentNanos: 30e6}}); err != nil {
		t.Fatal(err)
	}
	c.planBook("x")
	r := rand.New(rand.NewPCG(3, 9))
	for !c.experiment("x").Over() {
		c.goal(r, "x", same, same)
	}
	if end, found := last[events.ExperimentStopped](c); !found || !strings.Contains(end.Reason, "the policy lets them cost $0.03") {
		t.Errorf("it ended with %+v", end)
	}
}

// A/A: of two versions that do the same none is kept, looked at after each goal.
func TestOfTwoVersionsThatDoTheSameNoneIsKept(t *testing.T) {
	t.Parallel()
	promoted := 0
	for i := range 20 {
		c := booked(t)
		r := rand.New(rand.NewPCG(11, uint64(i))) //nolint:gosec // a seed
		c.planBook("x", func(p *commands.PlanExperiment) {
			p.Plan.MaxRuns = 1000
			equal := book(1, "pay", "look up")
			p.Book = &equal
		})
		for !c.experiment("x").Over() {
			c.goal(r, "x", same, same)
		}
		if _, found := last[events.ExperimentPromoted](c); found {
			promoted++
		}
	}
	if promoted > 0 {
		t.Errorf("%d of 20 were kept", promoted)
	}
}
