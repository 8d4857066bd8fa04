package managers_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// of is a fact of a stream. It occurs so many minutes after the beginning as facts come before it, or at a time of its own.
type of struct {
	stream string
	fact   events.Event
	at     time.Time
	// run is the one that it belongs to, whatever stream it is in.
	run string
}

// fold folds facts of a workspace into the one process of a manager, which is written and read again between each two, as over
// a restart; of long histories between some. The first fact is the cause of the others.
func fold(t *testing.T, name, workspace string, facts ...of) history {
	t.Helper()
	h := history{t: t}
	for _, m := range managers.All(managers.Config{}) {
		if m.Name != name {
			continue
		}
		h.process = m.New()
		for i, f := range facts {
			at := f.at
			if at.IsZero() {
				at = began.Add(time.Duration(i) * time.Minute)
			}
			e := events.Envelope{
				ID: events.NameID(began, fmt.Sprint("fact ", i)), Stream: f.stream, Position: uint64(i) + 1, Kind: f.fact.Kind(), Workspace: workspace, //nolint:gosec // few
				OccurredAt: at, RecordedAt: at, Actor: "user:anna", Correlation: f.run, Causation: events.NameID(began, "fact 0"),
			}
			if key := m.Key(&e); !follows(m, e.Kind) || h.key != "" && h.key != key {
				t.Fatalf("%s of %s goes to %q", e.Kind, e.Stream, key)
			} else {
				h.key = key
			}
			h.process.Evolve(&e, f.fact)
			if i > 50 && i%97 != 0 && i < len(facts)-1 {
				continue
			}
			state, err := json.Marshal(h.process)
			if err != nil {
				t.Fatal(err)
			}
			h.process = m.New()
			if err := json.Unmarshal(state, h.process); err != nil {
				t.Fatal(err)
			}
		}
		h.over = h.process.Over()
		return h
	}
	t.Fatalf("there is no manager %q", name)
	return h
}

// goalAfter folds facts of the goal g.
func goalAfter(t *testing.T, facts ...of) history {
	t.Helper()
	return fold(t, "goal", "", facts...)
}

// says tells what is wanted, in short. No two wants may have one id.
func (h history) says() (says []string) {
	h.t.Helper()
	ids := map[string]bool{}
	for _, w := range h.process.Wants() {
		if ids[w.ID.String()] {
			h.t.Errorf("the id of %+v is another's too", w)
		}
		ids[w.ID.String()] = true
		if plan, is := w.Work.(managers.Plan); is {
			says = append(says, fmt.Sprintf("plan, round %d, asked %d, runbook %q %v: %q %q for %d", plan.Round, plan.Asked, plan.Runbook, plan.Slots, plan.Answer, plan.Failed, plan.Cost.CostNanos))
			continue
		}
		if assign, is := w.Work.(managers.Assign); is {
			tasks := make([]string, len(assign.Tasks))
			for i, t := range assign.Tasks {
				tasks[i] = t.Task
			}
			says = append(says, fmt.Sprintf("assign %v, asked in %q of %q: %q %q for %d", tasks, assign.Run, assign.Model, assign.Answer, assign.Failed, assign.Cost.CostNanos))
			continue
		}
		switch c := w.Command.(type) {
		case commands.SetBudget:
			says = append(says, fmt.Sprintf("budget %s %s %d, told of at %v", c.Budget, c.Period, c.LimitNanos, c.Marks))
		case commands.CancelRun:
			says = append(says, "cancel "+c.Run)
		case commands.StartRun:
			says = append(says, fmt.Sprintf("run %s by %s, task %q of %s", c.Run, c.Agent, c.Task, c.Workflow))
		case commands.StartTask:
			says = append(says, fmt.Sprintf("attempt %d at %s", c.Attempt, c.Task))
		case commands.FinishTask:
			says = append(says, fmt.Sprintf("%s is done for %s", c.Task, priced(c.CostNanos, c.UnpricedCalls)))
		case commands.FailTask:
			says = append(says, fmt.Sprintf("%s failed for %s: %s %s", c.Task, priced(c.CostNanos, c.UnpricedCalls), c.Reason, c.Failure))
		case commands.AnswerAgent:
			says = append(says, fmt.Sprintf("%s answers %s: %q %q %s for %s", c.Run, c.Correlation, c.Answer, c.Error, c.Failure, priced(c.CostNanos, c.UnpricedCalls)))
		default:
			says = append(says, fmt.Sprintf("%+v", w))
		}
	}
	return says
}

// asked is what the run is asked that is wanted first.
func (h history) asked() string {
	h.t.Helper()
	wants := h.process.Wants()
	if len(wants) == 0 {
		h.t.Fatal("it wants nothing")
	}
	c, is := wants[0].Command.(commands.StartRun)
	if !is {
		h.t.Fatalf("it wants %+v", wants[0])
	}
	return c.Prompt
}

func goalSays(fact events.Event) of { return of{stream: "goal-g", fact: fact} }

func runSays(run string, fact events.Event) of { return of{stream: "run-" + run, fact: fact} }

func begins(task string, attempt int) of {
	return goalSays(events.GoalTaskStarted{Task: task, Attempt: attempt, Run: fmt.Sprintf("g.%s.%d", task, attempt), Agent: "clerk"})
}

func runs(run string) of {
	return runSays(run, events.RunStarted{Run: run, Goal: "g"})
}

// diamond is a goal of four tasks that is under way: b and c need a, and d needs both.
func diamond(more ...of) []of {
	return append([]of{
		goalSays(events.GoalCreated{Goal: "g", Prompt: "Ship it.", Requester: "user:anna", Parallel: 2}),
		goalSays(events.GoalPlanned{Runbook: "shipping", Tasks: []events.GoalTask{
			{Task: "a", Agent: "clerk", Title: "the first", Instruction: "Do a."}, {Task: "b", Agent: "clerk", DependsOn: []string{"a"}}, {Task: "c", Agent: "clerk", DependsOn: []string{"a"}},
			{Task: "d", DependsOn: []string{"b", "c"}, Instruction: "Do d.", Agent: "writer"},
		}}),
		goalSays(events.GoalStarted{}),
	}, more...)
}

// through is the whole of an attempt that succeeds.
func through(task string, answer string) []of {
	run := "g." + task + ".1"
	return []of{begins(task, 1), runs(run), runSays(run, events.RunFinished{Answer: answer, Outcome: events.Succeeded}), goalSays(events.GoalTaskFinished{Task: task, Run: run})}
}

func priced(n events.Nanos, unpriced int64) string {
	return events.Cost{CostNanos: n, UnpricedCalls: unpriced}.Say(fmt.Sprint(int64(n)))
}

func TestAGoalWantsWhatIsNext(t *testing.T) {
	t.Parallel()
	nobodys := goalSays(events.GoalPlanned{Tasks: []events.GoalTask{
		{Task: "a"}, {Task: "b", Agent: "clerk", EstimateSeconds: 3}, {Task: "c", DependsOn: []string{"b"}}, {Task: "q", Question: "When?", DependsOn: []string{"c"}},
	}})
	whose := []of{
		runSays("g.assign", events.RunStarted{Run: "g.assign", Goal: "g"}), runSays("g.assign", events.RunAssigned{Agent: "assigner", Model: "small"}),
		runSays("g.assign", events.RunStepFinished{CostNanos: 7}), runSays("g.assign", events.RunFinished{Answer: "{}"}),
	}
	created := goalSays(events.GoalCreated{Goal: "g", Prompt: "Ship it.", Parallel: 2})
	limited := goalSays(events.GoalCreated{Goal: "g", Prompt: "Ship it.", Parallel: 2, LimitNanos: 500})
	asked := goalSays(events.GoalPlanAsked{Runbook: "shipping", Slots: map[string]string{"what": "it"}})
	join := func(parts ...[]of) (all []of) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	underWay := diamond(begins("a", 1), runs("g.a.1"))
	for name, tt := range map[string]struct {
		given []of
		want  []string
	}{
		"created":                      {[]of{created}, nil},
		"its limit first":              {[]of{limited, asked}, []string{"budget goal:g total 500, told of at [50 80]"}},
		"the limit is set":             {[]of{limited, asked, {stream: "budget-goal:g", fact: events.BudgetSet{Budget: "goal:g"}}}, []string{`plan, round 1, asked 0, runbook "shipping" map[what:it]: "" "" for 0`}},
		"a raised limit is set anew":   {[]of{limited, {stream: "budget-goal:g", fact: events.BudgetSet{Budget: "goal:g"}}, goalSays(events.GoalLimited{LimitNanos: 900})}, []string{"budget goal:g total 900, told of at [50 80]"}},
		"another budget is set":        {[]of{limited, {stream: "budget-g", fact: events.BudgetSet{Budget: "g"}}}, []string{"budget goal:g total 500, told of at [50 80]"}},
		"another one is set too":       {[]of{limited, {stream: "budget-goal:g", fact: events.BudgetSet{Budget: "goal:g"}}, {stream: "budget-g", fact: events.BudgetSet{Budget: "g"}}}, nil},
		"cancelled before its limit":   {[]of{limited, goalSays(events.GoalCancelled{})}, nil},
		"the plan's model is at it":    {[]of{created, asked, runs("g.plan-1-1")}, nil},
		"what is no plan's run":        {[]of{created, asked, runs("g.plan-1-2")}, []string{`plan, round 1, asked 0, runbook "shipping" map[what:it]: "" "" for 0`}},
		"a run that has another goal":  {[]of{created, asked, runSays("g.plan-1-1", events.RunStarted{Run: "g.plan-1-1", Goal: "h"})}, []string{`plan, round 1, asked 0, runbook "shipping" map[what:it]: "" "" for 0`}},
		"the plan's model has said it": {[]of{created, asked, runs("g.plan-1-1"), runSays("g.plan-1-1", events.RunStepFinished{CostNanos: 7}), runSays("g.plan-1-1", events.RunFinished{Answer: "So."})}, []string{`plan, round 1, asked 1, runbook "shipping" map[what:it]: "So." "" for 7`}},
		"both of its askings count": {[]of{
			created, asked, runs("g.plan-1-1"), runSays("g.plan-1-1", events.RunStepFinished{CostNanos: 7}), runSays("g.plan-1-1", events.RunFinished{Answer: "So."}),
			runs("g.plan-1-2"), runSays("g.plan-1-2", events.RunStepFinished{CostNanos: 5}), runSays("g.plan-1-2", events.RunFailed{Error: "no", Failure: events.NoMoney}),
		}, []string{`plan, round 1, asked 2, runbook "shipping" map[what:it]: "" "no" for 12`}},
		"asked for again": {[]of{created, asked, runs("g.plan-1-1"), runSays("g.plan-1-1", events.RunStepFinished{CostNanos: 7}), runSays("g.plan-1-1", events.RunCancelled{}), asked}, []string{`plan, round 2, asked 0, runbook "shipping" map[what:it]: "" "" for 0`}},
		"refused":         {[]of{created, asked, goalSays(events.GoalStarted{}), goalSays(events.GoalPlanRefused{})}, nil},
		"planned after a refusal, and not started anew": {[]of{
			created, asked, goalSays(events.GoalStarted{}), goalSays(events.GoalPlanRefused{}), asked, goalSays(events.GoalPlanned{Tasks: []events.GoalTask{{Task: "a", Agent: "clerk"}}}),
		}, nil},
		"planned, not started": {diamond()[:2], nil},
		"started":              {diamond(), []string{"attempt 1 at a"}},
		"paused":               {diamond(goalSays(events.GoalPaused{})), nil},
		"resumed":              {diamond(goalSays(events.GoalPaused{}), goalSays(events.GoalResumed{})), []string{"attempt 1 at a"}},
		"the attempt's run":    {diamond(begins("a", 1)), []string{`run g.a.1 by clerk, task "the first" of shipping`}},
		"the attempt is on":    {underWay, nil},
		"paused while one is on": {join(underWay, []of{goalSays(events.GoalPaused{}), runSays("g.a.1", events.RunStepFinished{CostNanos: 3}), runSays("g.a.1", events.RunFinished{Answer: "A"})}),
			[]string{"a is done for 3"}},
		"nobody knows what it cost": {join(underWay, []of{runSays("g.a.1", events.RunStepFinished{CostNanos: 3}), runSays("g.a.1", events.RunStepFinished{Unpriced: true}), runSays("g.a.1", events.RunFinished{Answer: "A"})}),
			[]string{"a is done for at least 3 (1 call without a price)"}},
		"it failed": {join(underWay, []of{runSays("g.a.1", events.RunStepFinished{CostNanos: 3}), runSays("g.a.1", events.RunFailed{Error: "no", Failure: events.NoMoney})}),
			[]string{"a failed for 3: no budget"}},
		"it was cancelled":            {join(underWay, []of{runSays("g.a.1", events.RunCancelled{Reason: "enough"})}), []string{"a failed for 0: enough "}},
		"it was cancelled by no word": {join(underWay, []of{runSays("g.a.1", events.RunCancelled{})}), []string{"a failed for 0: it was cancelled "}},
		"tried again":                 {join(underWay, []of{runSays("g.a.1", events.RunFailed{Error: "no"}), goalSays(events.GoalTaskFailed{Task: "a", Run: "g.a.1", Next: events.TaskRetried})}), []string{"attempt 2 at a"}},
		"failed for good":             {join(underWay, []of{runSays("g.a.1", events.RunFailed{Error: "no"}), goalSays(events.GoalTaskFailed{Task: "a", Run: "g.a.1", Next: events.TaskFails})}), []string{"attempt 1 at b", "attempt 1 at c"}},
		"skipped for good":            {join(underWay, []of{runSays("g.a.1", events.RunFailed{Error: "no"}), goalSays(events.GoalTaskFailed{Task: "a", Run: "g.a.1", Next: events.TaskSkipped})}), []string{"attempt 1 at b", "attempt 1 at c"}},
		"left out while under way":    {join(underWay, []of{goalSays(events.GoalTaskSkipped{Task: "a"})}), []string{"cancel g.a.1", "attempt 1 at b", "attempt 1 at c"}},
		"changed while under way":     {join(underWay, []of{goalSays(events.GoalTaskChanged{Task: "a", Agent: "x"})}), []string{"cancel g.a.1", "attempt 2 at a"}},
		"both next":                   {diamond(through("a", "A")...), []string{"attempt 1 at b", "attempt 1 at c"}},
		"one place is left": {[]of{
			created, goalSays(events.GoalStarted{}), goalSays(events.GoalPlanned{Tasks: []events.GoalTask{{Task: "a", Agent: "clerk"}, {Task: "b", Agent: "clerk"}, {Task: "c", Agent: "clerk"}}}), begins("b", 1), runs("g.b.1"),
		}, []string{"attempt 1 at a"}},
		"the last waits for both":        {join(diamond(through("a", "A")...), through("b", "B"), []of{begins("c", 1), runs("g.c.1")}), nil},
		"the last":                       {join(diamond(through("a", "A")...), through("c", "C"), through("b", "B")), []string{"attempt 1 at d"}},
		"cancelled":                      {join(underWay, []of{goalSays(events.GoalCancelled{})}), []string{"cancel g.a.1"}},
		"cancelled, its run too":         {join(underWay, []of{goalSays(events.GoalCancelled{}), runSays("g.a.1", events.RunCancelled{})}), nil},
		"cancelled before its run":       {diamond(begins("a", 1), goalSays(events.GoalCancelled{})), nil},
		"cancelled while planned":        {[]of{created, asked, runs("g.plan-1-1"), goalSays(events.GoalCancelled{})}, []string{"cancel g.plan-1-1"}},
		"another run of its name":        {diamond(runs("g.z.1"), runSays("g.z.1", events.RunStepFinished{})), []string{"attempt 1 at a"}},
		"nobody's":                       {[]of{created, goalSays(events.GoalStarted{}), nobodys}, []string{`assign [a c], asked in "" of "": "" "" for 0`}},
		"nobody's, before it is started": {[]of{created, nobodys}, []string{`assign [a c], asked in "" of "": "" "" for 0`}},
		"a model is asked whose":         {join([]of{created, goalSays(events.GoalStarted{}), nobodys}, whose[:2]), nil},
		"a model said whose":             {join([]of{created, goalSays(events.GoalStarted{}), nobodys}, whose), []string{`assign [a c], asked in "g.assign" of "small": "{}" "" for 7`}},
		"it was said whose": {join([]of{created, goalSays(events.GoalStarted{}), nobodys}, whose, []of{goalSays(events.GoalTasksAssigned{Tasks: []events.TaskAssignment{{Task: "a", Agent: "boss"}, {Task: "c"}}})}),
			[]string{"attempt 1 at b", "attempt 1 at a"}},
		"a person said whose meanwhile": {join([]of{created, goalSays(events.GoalStarted{}), nobodys}, whose[:2], []of{
			goalSays(events.GoalTaskChanged{Task: "a", Agent: "boss"}), goalSays(events.GoalTaskSkipped{Task: "c"}),
		}), []string{"cancel g.assign", "attempt 1 at b", "attempt 1 at a"}},
		"nobody's in a log of before": {[]of{created, goalSays(events.GoalStarted{}), nobodys, begins("a", 1), runs("g.a.1")}, []string{`assign [c], asked in "" of "": "" "" for 0`}},
		"a question waits for its answer": {[]of{
			created, goalSays(events.GoalStarted{}), goalSays(events.GoalPlanned{Tasks: []events.GoalTask{{Task: "q", Question: "When?"}, {Task: "a", Agent: "clerk", DependsOn: []string{"q"}}}}),
		}, nil},
		"a question was answered": {[]of{
			created, goalSays(events.GoalStarted{}), goalSays(events.GoalPlanned{Tasks: []events.GoalTask{{Task: "q", Question: "When?"}, {Task: "a", Agent: "clerk", DependsOn: []string{"q"}}}}),
			goalSays(events.GoalTaskAnswered{Task: "q", Answer: "Now."}),
		}, []string{"attempt 1 at a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := goalAfter(t, tt.given...).says(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("it wants %q\nnot %q", got, tt.want)
			}
		})
	}
}

// A want's id says which fact it goes back to: what was wanted before is wanted under the same id, a new attempt under another.
func TestAGoalsWantsKeepTheirIDs(t *testing.T) {
	t.Parallel()
	want := goalAfter(t, diamond()...).want()
	first := want.ID
	if about := want.Command.About(); about.ID != first || !about.At.Equal(began.Add(2*time.Minute)) {
		t.Errorf("the wish for it is %+v", about)
	}
	if again := goalAfter(t, diamond(goalSays(events.GoalTold{Text: "Hurry."}))...).want().ID; again != first {
		t.Error("the same attempt is wanted twice")
	}
	failed := []of{begins("a", 1), runs("g.a.1"), runSays("g.a.1", events.RunFailed{Error: "no"}), goalSays(events.GoalTaskFailed{Task: "a", Run: "g.a.1", Next: events.TaskRetried})}
	if next := goalAfter(t, diamond(failed...)...).want().ID; next == first {
		t.Error("another attempt has the id of the first")
	}
	planned := []of{diamond()[0], goalSays(events.GoalPlanAsked{})}
	once := goalAfter(t, planned...).want().ID
	twice := goalAfter(t, append(planned, runs("g.plan-1-1"), runSays("g.plan-1-1", events.RunFinished{Answer: "So."}))...).want().ID
	if once == twice {
		t.Error("what was made of the model's answer has the id of the asking")
	}
}

// The longest way left goes first: by seconds where each task has an estimate, by tasks elsewhere.
func TestTheLongestWayIsBegunFirst(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		seconds [4]int64
		want    []string
	}{
		"by tasks":                {[4]int64{0, 0, 0, 0}, []string{"attempt 1 at b", "attempt 1 at a"}},
		"by seconds":              {[4]int64{100, 1, 1, 1}, []string{"attempt 1 at a", "attempt 1 at b"}},
		"one has no estimate":     {[4]int64{100, 1, 0, 1}, []string{"attempt 1 at b", "attempt 1 at a"}},
		"the way adds up":         {[4]int64{100, 50, 30, 21}, []string{"attempt 1 at b", "attempt 1 at a"}},
		"as long: in their order": {[4]int64{101, 50, 30, 21}, []string{"attempt 1 at a", "attempt 1 at b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tasks := []events.GoalTask{{Task: "a", Agent: "clerk"}, {Task: "b", Agent: "clerk"}, {Task: "c", Agent: "clerk", DependsOn: []string{"b"}}, {Task: "d", Agent: "clerk", DependsOn: []string{"c"}}}
			for i := range tasks {
				tasks[i].EstimateSeconds = tt.seconds[i]
			}
			h := goalAfter(t, goalSays(events.GoalCreated{Goal: "g", Parallel: 2}), goalSays(events.GoalPlanned{Tasks: tasks}), goalSays(events.GoalStarted{}))
			if got := h.says(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("it wants %q, not %q", got, tt.want)
			}
		})
	}
}

// Who does a task is told its part, the goal, what came of those before it, what people said, and what went wrong before.
func TestATaskIsAskedWithWhatCameBefore(t *testing.T) {
	t.Parallel()
	facts := append(diamond(through("a", "forty-two")...), through("b", "the answer of b")...)
	facts = append(facts, begins("c", 1), runs("g.c.1"), runSays("g.c.1", events.RunFailed{Error: "lost"}),
		goalSays(events.GoalTaskFailed{Task: "c", Run: "g.c.1", Reason: "lost", Next: events.TaskSkipped}),
		goalSays(events.GoalTold{Text: "Be brief."}), goalSays(events.GoalTold{Text: "Be kind."}))
	want := "Do d.\n\nThis is a part of a larger goal: Ship it.\n\nAgents that work on it: clerk, writer\n\nThe result of \"b\":\nthe answer of b\n\nThere is no result of \"c\": lost\n\n" +
		"To be heeded: Be brief.\n\nTo be heeded: Be kind.\n"
	if got := goalAfter(t, append(facts, begins("d", 1))...).asked(); got != want {
		t.Errorf("it is asked %q\nnot %q", got, want)
	}
	again := append(facts, begins("d", 1), runs("g.d.1"), runSays("g.d.1", events.RunFailed{Error: "tired"}))
	retried := append(again, goalSays(events.GoalTaskFailed{Task: "d", Run: "g.d.1", Reason: "tired", Next: events.TaskRetried}), begins("d", 2))
	if got := goalAfter(t, retried...).asked(); got != want+"\nAn earlier attempt came to nothing: tired\n" {
		t.Errorf("after a failed attempt it is asked %q", got)
	}
	// That there was no money is none of the agent's business.
	waited := append(again[:len(again):len(again)], goalSays(events.GoalTaskFailed{Task: "d", Run: "g.d.1", Reason: "no money", Next: events.TaskWaits}), begins("d", 2))
	if got := goalAfter(t, waited...).asked(); got != want {
		t.Errorf("after it waited for money it is asked %q", got)
	}
	skipped := append(diamond(through("a", "A")...), goalSays(events.GoalTaskSkipped{Task: "b"}), goalSays(events.GoalTaskSkipped{Task: "c", Reason: "no need"}), begins("d", 1))
	if got := goalAfter(t, skipped...).asked(); !strings.Contains(got, `no result of "b": it was left out`) || !strings.Contains(got, `no result of "c": no need`) {
		t.Errorf("after two were left out it is asked %q", got)
	}
	changed := append(facts, goalSays(events.GoalTaskChanged{Task: "d", Instruction: "Do it well."}), begins("d", 1))
	if got := goalAfter(t, changed...).asked(); !strings.HasPrefix(got, "Do it well.\n") {
		t.Errorf("changed, it is asked %q", got)
	}
	titled := append(diamond(through("a", "forty-two")...), begins("b", 1))
	if got := goalAfter(t, titled...).asked(); !strings.Contains(got, "The result of \"the first\":\nforty-two\n") {
		t.Errorf("the result of a task with a title is told as %q", got)
	}
}

// A long result is cut where a character begins; what a model says as a plan is whole.
func TestALongResultIsCutBeforeItIsHandedOn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 10_000) // 20,000 bytes
	handed := goalAfter(t, append(diamond(through("a", "."+long)...), begins("b", 1))...).asked()
	if _, result, _ := strings.Cut(handed, "\".\n"); strings.Contains(handed, "\uFFFD") {
		t.Errorf("cut within a character: %q", result)
	}
	if n := strings.Count(handed, "é"); n != (16<<10)/2-1 || !strings.Contains(handed, "é\n… (cut)\n") {
		t.Errorf("%d characters are handed on", n)
	}
	short := strings.Repeat("x", 16<<10)
	if handed := goalAfter(t, append(diamond(through("a", short)...), begins("b", 1))...).asked(); !strings.Contains(handed, short+"\n") || strings.Contains(handed, "(cut)") {
		t.Error("what is as long as it may be is cut")
	}
	h := goalAfter(t, diamond()[0], goalSays(events.GoalPlanAsked{}), runs("g.plan-1-1"), runSays("g.plan-1-1", events.RunFinished{Answer: long}))
	if plan := h.want().Work.(managers.Plan); plan.Answer != long {
		t.Errorf("%d bytes of the plan's answer are left", len(plan.Answer))
	}
}

// Results that nobody needs any more are not kept.
func TestResultsAreKeptAsLongAsTheyAreNeeded(t *testing.T) {
	t.Parallel()
	remembers := func(h history, text string) bool {
		state, err := json.Marshal(h.process)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(state), text)
	}
	facts := append(diamond(through("a", "first result")...), through("b", "second result")...)
	if h := goalAfter(t, facts...); !remembers(h, "first result") || !remembers(h, "second result") {
		t.Error("c needs the first result, d the second one")
	}
	facts = append(facts, through("c", "third result")...)
	if h := goalAfter(t, facts...); remembers(h, "first result") || !remembers(h, "second result") {
		t.Error("the first result is needed by nobody any more, the second one by d")
	}
	failed := diamond(begins("a", 1), runs("g.a.1"), runSays("g.a.1", events.RunFailed{Error: "no"}), goalSays(events.GoalTaskFailed{Task: "a", Run: "g.a.1", Next: events.TaskRetried}))
	if remembers(goalAfter(t, failed...), "g.a.1") {
		t.Error("an attempt that the goal was told of is kept")
	}
	planned := goalSays(events.GoalPlanned{Tasks: []events.GoalTask{{Task: "a", Agent: "clerk"}, {Task: "b", Question: "Well?", DependsOn: []string{"a"}}}})
	asked := append([]of{diamond()[0], planned, goalSays(events.GoalStarted{})}, through("a", "first result")...)
	if h := goalAfter(t, append(asked, goalSays(events.GoalTaskAnswered{Task: "b", Answer: "Yes."}))...); remembers(h, "first result") {
		t.Error("the result that a question needed is kept after its answer")
	}
}

func TestAGoalIsOverWhenItsRunsAre(t *testing.T) {
	t.Parallel()
	underWay := diamond(begins("a", 1), runs("g.a.1"))
	for name, tt := range map[string]struct {
		given []of
		over  bool
	}{
		"under way":                        {underWay, false},
		"cancelled, a run under way":       {append(underWay[:len(underWay):len(underWay)], goalSays(events.GoalCancelled{})), false},
		"cancelled with its run":           {append(underWay[:len(underWay):len(underWay)], goalSays(events.GoalCancelled{}), runSays("g.a.1", events.RunCancelled{})), true},
		"cancelled before the run started": {diamond(begins("a", 1), goalSays(events.GoalCancelled{})), true},
		"finished":                         {diamond(goalSays(events.GoalFinished{})), true},
	} {
		if got := goalAfter(t, tt.given...).over; got != tt.over {
			t.Errorf("%s: over is %t", name, got)
		}
	}
}
