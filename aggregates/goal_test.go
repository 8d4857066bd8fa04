package aggregates_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

var (
	createdGoal = events.GoalCreated{Goal: "g", Prompt: "Ship it.", Level: events.Operational, LimitNanos: 100, Parallel: 8}
	// find and check come before write; check is tried twice, then by boss, and then left out.
	goalTasks = []events.GoalTask{
		{Task: "find", Instruction: "Find it.", Agent: "clerk"},
		{Task: "check", Instruction: "Check it.", Agent: "clerk", Retries: 1, Escalate: "boss", OnFailure: events.SkipTask},
		{Task: "write", Instruction: "Write it.", Agent: "writer", DependsOn: []string{"find", "check"}},
		{Task: "send", Instruction: "Send it.", Agent: "clerk", DependsOn: []string{"write"}},
	}
	goalAgents  = []string{"clerk", "writer", "boss"}
	plannedGoal = events.GoalPlanned{Source: events.PlannedByModel, Tasks: goalTasks}
	startedGoal = []events.Event{createdGoal, plannedGoal, events.GoalStarted{By: "user:anna"}}
)

func begun(task string, attempt int, agent string) events.GoalTaskStarted {
	return events.GoalTaskStarted{Task: task, Attempt: attempt, Run: commands.GoalRun("g", task, attempt), Agent: agent}
}

// sharing is an attempt that begins with a share of the goal's money.
func sharing(begun events.GoalTaskStarted, share events.Nanos) events.GoalTaskStarted {
	begun.ShareNanos = share
	return begun
}

func given(facts []events.Event, more ...events.Event) []events.Event {
	return append(append([]events.Event{}, facts...), more...)
}

func plan(change func(tasks []events.GoalTask)) commands.PlanGoal {
	tasks := append([]events.GoalTask{}, goalTasks...)
	change(tasks)
	return commands.PlanGoal{Goal: "g", Source: events.PlannedByModel, Tasks: tasks, Agents: goalAgents}
}

func TestGoal(t *testing.T) {
	t.Parallel()
	create := commands.CreateGoal{Goal: "g", Prompt: "Ship it.", Level: events.Operational, LimitNanos: 100}
	created, asked := []events.Event{createdGoal}, []events.Event{createdGoal, events.GoalPlanAsked{By: "user:anna"}}
	scenarios{
		"is created":                 {when: create, then: []events.Event{createdGoal}},
		"is created once":            {given: created, when: create, err: aggregates.ErrExists},
		"has a name for runs":        {when: commands.CreateGoal{Goal: "a.b", Prompt: "x", Level: events.Tactical}, err: aggregates.ErrInvalid},
		"says something":             {when: commands.CreateGoal{Goal: "g", Prompt: " ", Level: events.Tactical}, err: aggregates.ErrInvalid},
		"has a level":                {when: commands.CreateGoal{Goal: "g", Prompt: "x", Level: "vague"}, err: aggregates.ErrInvalid},
		"is no part of itself":       {when: commands.CreateGoal{Goal: "g", Prompt: "x", Level: events.Tactical, Parent: "g"}, err: aggregates.ErrInvalid},
		"has a limit":                {when: commands.CreateGoal{Goal: "g", Prompt: "x", Level: events.Tactical, LimitNanos: -1}, err: aggregates.ErrInvalid},
		"must be there":              {when: commands.StartGoal{Goal: "g"}, err: aggregates.ErrMissing},
		"is to be planned":           {given: created, when: commands.AskPlan{Goal: "g", By: "user:anna", Runbook: "r"}, then: []events.Event{events.GoalPlanAsked{By: "user:anna", Runbook: "r"}}},
		"is being planned":           {given: asked, when: commands.AskPlan{Goal: "g", By: "user:bert"}},
		"is planned already":         {given: startedGoal, when: commands.AskPlan{Goal: "g"}, err: aggregates.ErrExists},
		"is planned":                 {given: asked, when: plan(func([]events.GoalTask) {}), then: []events.Event{plannedGoal}},
		"is planned once":            {given: startedGoal, when: plan(func([]events.GoalTask) {}), err: aggregates.ErrExists},
		"a plan has a maker":         {given: asked, when: commands.PlanGoal{Goal: "g", Source: "chance", Tasks: goalTasks, Agents: goalAgents}, err: aggregates.ErrInvalid},
		"a plan has tasks":           {given: asked, when: commands.PlanGoal{Goal: "g", Source: events.PlannedByModel, Agents: goalAgents}, err: aggregates.ErrInvalid},
		"a plan in a circle":         {given: asked, when: plan(func(p []events.GoalTask) { p[0].DependsOn = []string{"send"} }), err: aggregates.ErrInvalid},
		"a task that needs itself":   {given: asked, when: plan(func(p []events.GoalTask) { p[0].DependsOn = []string{"find"} }), err: aggregates.ErrInvalid},
		"a task that is not there":   {given: asked, when: plan(func(p []events.GoalTask) { p[0].DependsOn = []string{"x"} }), err: aggregates.ErrInvalid},
		"an agent that is unknown":   {given: asked, when: plan(func(p []events.GoalTask) { p[0].Agent = "nobody" }), err: aggregates.ErrInvalid},
		"an unknown agent to help":   {given: asked, when: plan(func(p []events.GoalTask) { p[0].Escalate = "nobody" }), err: aggregates.ErrInvalid},
		"two tasks of a name":        {given: asked, when: plan(func(p []events.GoalTask) { p[1].Task = "find" }), err: aggregates.ErrInvalid},
		"a task with a bad name":     {given: asked, when: plan(func(p []events.GoalTask) { p[3].Task = "a.b" }), err: aggregates.ErrInvalid},
		"a task without a word":      {given: asked, when: plan(func(p []events.GoalTask) { p[0].Instruction = "" }), err: aggregates.ErrInvalid},
		"a task for ever":            {given: asked, when: plan(func(p []events.GoalTask) { p[0].Retries = 11 }), err: aggregates.ErrInvalid},
		"a plan beyond the budget":   {given: asked, when: plan(func(p []events.GoalTask) { p[0].EstimateNanos, p[1].EstimateNanos = 60, 41 }), err: aggregates.ErrBudget},
		"no plan":                    {given: asked, when: commands.RefusePlan{Goal: "g", Reason: "no"}, then: []events.Event{events.GoalPlanRefused{Reason: "no"}}},
		"no plan was asked for":      {given: created, when: commands.RefusePlan{Goal: "g", Reason: "no"}, err: aggregates.ErrState},
		"is started, and planned":    {given: created, when: commands.StartGoal{Goal: "g", By: "user:anna"}, then: []events.Event{events.GoalPlanAsked{By: "user:anna"}, events.GoalStarted{By: "user:anna"}}},
		"is started again":           {given: startedGoal, when: commands.StartGoal{Goal: "g", By: "user:anna"}},
		"is started anew":            {given: given(asked, events.GoalStarted{}, events.GoalPlanRefused{}), when: commands.StartGoal{Goal: "g", By: "b"}, then: []events.Event{events.GoalPlanAsked{By: "b"}, events.GoalStarted{By: "b"}}},
		"is paused":                  {given: startedGoal, when: commands.PauseGoal{Goal: "g", By: "b", Reason: "r"}, then: []events.Event{events.GoalPaused{By: "b", Reason: "r"}}},
		"is paused already":          {given: given(startedGoal, events.GoalPaused{}), when: commands.PauseGoal{Goal: "g"}},
		"is resumed":                 {given: given(startedGoal, events.GoalPaused{}), when: commands.ResumeGoal{Goal: "g", By: "b"}, then: []events.Event{events.GoalResumed{By: "b"}}},
		"is not paused":              {given: startedGoal, when: commands.ResumeGoal{Goal: "g"}},
		"may cost more":              {given: startedGoal, when: commands.LimitGoal{Goal: "g", By: "b", LimitNanos: 200}, then: []events.Event{events.GoalLimited{By: "b", LimitNanos: 200}}},
		"of two at once one decides": {given: append(append([]events.Event{}, startedGoal...), events.GoalLimited{By: "b", LimitNanos: 200}), when: commands.LimitGoal{Goal: "g", By: "c", LimitNanos: 150, Was: 100}, err: aggregates.ErrState},
		"may cost nothing":           {given: startedGoal, when: commands.LimitGoal{Goal: "g", LimitNanos: 0}, err: aggregates.ErrInvalid},
		"is given up":                {given: startedGoal, when: commands.CancelGoal{Goal: "g", By: "b"}, then: []events.Event{events.GoalCancelled{By: "b"}}},
		"is given up once":           {given: given(startedGoal, events.GoalCancelled{}), when: commands.CancelGoal{Goal: "g"}, err: aggregates.ErrEnded},
		"has ended":                  {given: given(startedGoal, events.GoalFinished{}), when: commands.PauseGoal{Goal: "g"}, err: aggregates.ErrEnded},
		"was planned by no command":  {given: asked, when: commands.PlanGoal{Goal: "g", Source: events.PlannedByModel, Tasks: goalTasks, Agents: goalAgents, CostNanos: -1}, err: aggregates.ErrInvalid},
	}.run(t)
}

func TestAGoalIsSteered(t *testing.T) {
	t.Parallel()
	finding := begun("find", 1, "clerk")
	under := given(startedGoal, finding)
	asking := []events.Event{createdGoal, events.GoalPlanned{Source: events.PlannedByRunbook, Tasks: []events.GoalTask{
		{Task: "ask", Question: "Which colour?"}, {Task: "paint", Instruction: "Paint it.", Agent: "clerk", DependsOn: []string{"ask"}}, {Task: "send", Tool: "mail", Params: "{}", Agent: "clerk"},
	}}, events.GoalStarted{By: "user:anna"}}
	answered := events.GoalTaskAnswered{Task: "ask", By: "b", Answer: "Blue."}
	changed := events.GoalTaskChanged{Task: "find", By: "b", Instruction: "Find all.", Agent: "writer"}
	change := commands.ChangeTask{Goal: "g", Task: "find", By: "b", Instruction: "Find all.", Agent: "writer", Agents: goalAgents}
	scenarios{
		"is told":                         {given: under, when: commands.TellGoal{Goal: "g", By: "b", Text: "Be short."}, then: []events.Event{events.GoalTold{By: "b", Text: "Be short."}}},
		"is told nothing":                 {given: under, when: commands.TellGoal{Goal: "g", Text: " "}, err: aggregates.ErrInvalid},
		"a task is changed":               {given: under, when: change, then: []events.Event{changed}},
		"an attempt was given up":         {given: given(under, changed), when: commands.FinishTask{Goal: "g", Task: "find", Run: finding.Run}, err: aggregates.ErrState},
		"another attempt":                 {given: given(under, changed), when: commands.StartTask{Goal: "g", Task: "find", Attempt: 2}, then: []events.Event{sharing(begun("find", 2, "writer"), 25)}},
		"a change to nobody":              {given: under, when: commands.ChangeTask{Goal: "g", Task: "find", Agent: "nobody", Agents: goalAgents}, err: aggregates.ErrInvalid},
		"a change of nothing":             {given: under, when: commands.ChangeTask{Goal: "g", Task: "find", Agents: goalAgents}, err: aggregates.ErrInvalid},
		"a change of what is done":        {given: given(under, events.GoalTaskFinished{Task: "find", Run: finding.Run}), when: change, err: aggregates.ErrEnded},
		"a tool has no other words":       {given: asking, when: commands.ChangeTask{Goal: "g", Task: "send", Instruction: "x"}, err: aggregates.ErrState},
		"a question has no other words":   {given: asking, when: commands.ChangeTask{Goal: "g", Task: "ask", Instruction: "x"}, err: aggregates.ErrState},
		"a question is asked of no agent": {given: asking, when: commands.StartTask{Goal: "g", Task: "ask", Attempt: 1}, err: aggregates.ErrState},
		"a question is waited for":        {given: asking, when: commands.StartTask{Goal: "g", Task: "paint", Attempt: 1}, err: aggregates.ErrState},
		"a question is answered":          {given: asking, when: commands.AnswerTask{Goal: "g", Task: "ask", By: "b", Answer: "Blue."}, then: []events.Event{answered}},
		"it is answered once":             {given: given(asking, answered), when: commands.AnswerTask{Goal: "g", Task: "ask", Answer: "Red."}, err: aggregates.ErrEnded},
		"it goes on then":                 {given: given(asking, answered), when: commands.StartTask{Goal: "g", Task: "paint", Attempt: 1}, then: []events.Event{sharing(begun("paint", 1, "clerk"), 100)}},
		"an empty answer":                 {given: asking, when: commands.AnswerTask{Goal: "g", Task: "ask", Answer: " "}, err: aggregates.ErrInvalid},
		"what is no question":             {given: asking, when: commands.AnswerTask{Goal: "g", Task: "paint", Answer: "x"}, err: aggregates.ErrState},
		"the last answer ends it": {
			given: []events.Event{createdGoal, events.GoalPlanned{Source: events.PlannedByRunbook, Tasks: []events.GoalTask{{Task: "ask", Question: "Which?"}}}, events.GoalStarted{By: "b"}},
			when:  commands.AnswerTask{Goal: "g", Task: "ask", By: "b", Answer: "Blue."}, then: []events.Event{answered, events.GoalFinished{Outcome: events.Succeeded}},
		},
		"a question with a tool": {
			given: []events.Event{createdGoal, events.GoalPlanAsked{By: "b"}}, err: aggregates.ErrInvalid,
			when: commands.PlanGoal{Goal: "g", Source: events.PlannedByRunbook, Agents: goalAgents, Tasks: []events.GoalTask{{Task: "ask", Question: "Which?", Tool: "mail"}}},
		},
	}.run(t)
}

func TestGoalTask(t *testing.T) {
	t.Parallel()
	finding, checking := begun("find", 1, "clerk"), begun("check", 1, "clerk")
	under := given(startedGoal, finding, checking)
	done := func(task string) events.Event {
		return events.GoalTaskFinished{Task: task, Run: commands.GoalRun("g", task, 1)}
	}
	failed := func(task string, attempt int, next events.AfterFailure) events.GoalTaskFailed {
		return events.GoalTaskFailed{Task: task, Run: commands.GoalRun("g", task, attempt), Reason: "no", Next: next}
	}
	fail := func(task string, attempt int) commands.FailTask {
		return commands.FailTask{Goal: "g", Task: task, Run: commands.GoalRun("g", task, attempt), Reason: "no"}
	}
	finish := commands.FinishTask{Goal: "g", Task: "find", Run: "g.find.1", CostNanos: 3, UnpricedCalls: 1}
	scenarios{
		"begins":                     {given: startedGoal, when: commands.StartTask{Goal: "g", Task: "find", Attempt: 1}, then: []events.Event{sharing(finding, 25)}},
		"begins once":                {given: under, when: commands.StartTask{Goal: "g", Task: "find", Attempt: 1}, err: aggregates.ErrState},
		"begins once at a time":      {given: under, when: commands.StartTask{Goal: "g", Task: "find", Attempt: 2}, err: aggregates.ErrState},
		"begins when it is ready":    {given: given(under, done("find")), when: commands.StartTask{Goal: "g", Task: "write", Attempt: 1}, err: aggregates.ErrState},
		"is ready":                   {given: given(under, done("find"), done("check")), when: commands.StartTask{Goal: "g", Task: "write", Attempt: 1}, then: []events.Event{sharing(begun("write", 1, "writer"), 50)}},
		"does not begin in a pause":  {given: given(startedGoal, events.GoalPaused{}), when: commands.StartTask{Goal: "g", Task: "find", Attempt: 1}, err: aggregates.ErrState},
		"does not begin by itself":   {given: []events.Event{createdGoal, plannedGoal}, when: commands.StartTask{Goal: "g", Task: "find", Attempt: 1}, err: aggregates.ErrState},
		"is not there":               {given: startedGoal, when: commands.StartTask{Goal: "g", Task: "x", Attempt: 1}, err: aggregates.ErrMissing},
		"is done":                    {given: under, when: finish, then: []events.Event{events.GoalTaskFinished{Task: "find", Run: "g.find.1", CostNanos: 3, UnpricedCalls: 1}}},
		"is done once":               {given: given(under, done("find")), when: finish, err: aggregates.ErrEnded},
		"is not done by another run": {given: under, when: commands.FinishTask{Goal: "g", Task: "find", Run: "g.find.2"}, err: aggregates.ErrState},
		"the last one ends the goal": {
			given: given(under, done("find"), done("check"), begun("write", 1, "writer"), done("write"), begun("send", 1, "clerk")),
			when:  commands.FinishTask{Goal: "g", Task: "send", Run: "g.send.1"},
			then:  []events.Event{events.GoalTaskFinished{Task: "send", Run: "g.send.1"}, events.GoalFinished{Outcome: events.Succeeded}},
		},
		"fails for good, and what needs it is skipped": {given: given(under, done("check")), when: fail("find", 1), then: []events.Event{
			failed("find", 1, events.TaskFails), events.GoalTaskSkipped{Task: "write", Reason: "it needs find, which was not done"},
			events.GoalTaskSkipped{Task: "send", Reason: "it needs write, which was not done"}, events.GoalFinished{Outcome: events.Failed, Reason: "failed for good: find"},
		}},
		"fails for good, and others go on": {given: under, when: fail("find", 1), then: []events.Event{
			failed("find", 1, events.TaskFails), events.GoalTaskSkipped{Task: "write", Reason: "it needs find, which was not done"},
			events.GoalTaskSkipped{Task: "send", Reason: "it needs write, which was not done"},
		}},
		"is tried again":  {given: under, when: fail("check", 1), then: []events.Event{failed("check", 1, events.TaskRetried)}},
		"is handed up":    {given: given(under, failed("check", 1, events.TaskRetried), begun("check", 2, "clerk")), when: fail("check", 2), then: []events.Event{failed("check", 2, events.TaskEscalated)}},
		"was handed up":   {given: given(under, failed("check", 1, events.TaskRetried), begun("check", 2, "clerk"), failed("check", 2, events.TaskEscalated)), when: commands.StartTask{Goal: "g", Task: "check", Attempt: 3}, then: []events.Event{sharing(begun("check", 3, "boss"), 33)}},
		"is left out":     {given: given(under, failed("check", 1, events.TaskRetried), begun("check", 2, "clerk"), failed("check", 2, events.TaskEscalated), begun("check", 3, "boss")), when: fail("check", 3), then: []events.Event{failed("check", 3, events.TaskSkipped)}},
		"was left out":    {given: given(under, done("find"), failed("check", 3, events.TaskSkipped)), when: commands.StartTask{Goal: "g", Task: "write", Attempt: 1}, then: []events.Event{sharing(begun("write", 1, "writer"), 50)}},
		"waits for money": {given: under, when: commands.FailTask{Goal: "g", Task: "find", Run: "g.find.1", Reason: "no", Failure: events.NoMoney}, then: []events.Event{failed("find", 1, events.TaskWaits), events.GoalPaused{By: "budget", Reason: "no"}}},
		"two wait for it": {given: given(under, failed("find", 1, events.TaskWaits), events.GoalPaused{}), when: commands.FailTask{Goal: "g", Task: "check", Run: "g.check.1", Reason: "no", Failure: events.NoMoney}, then: []events.Event{failed("check", 1, events.TaskWaits)}},
		"waiting is no failure": {
			given: given(under, failed("check", 1, events.TaskWaits), begun("check", 2, "clerk")), when: fail("check", 2), then: []events.Event{failed("check", 2, events.TaskRetried)},
		},
		"is left out by a person": {given: under, when: commands.SkipTask{Goal: "g", Task: "check", By: "b", Reason: "r"}, then: []events.Event{events.GoalTaskSkipped{Task: "check", By: "b", Reason: "r"}}},
	}.run(t)
}

// goalHistory is what the history of a goal is held to.
type goalHistory struct {
	asked, planned, started, paused bool
	tasks                           map[string]events.GoalTask
	limit, spent                    events.Nanos
	shares                          map[string]events.Nanos
	under                           map[string]string
	over                            map[string]bool
	talked                          int
	assigned                        bool
}

// takes holds a fact to those before it, and tells whether it ends the goal.
func (g *goalHistory) takes(t *rapid.T, e events.Goal) (ended bool) {
	switch e := e.(type) {
	case events.GoalCreated:
		g.limit, g.shares = e.LimitNanos, map[string]events.Nanos{}
	case events.GoalPlanAsked:
		if g.asked || g.planned {
			t.Fatal("a plan is asked for twice")
		}
		g.asked = true
	case events.GoalPlanRefused:
		g.asked, g.started, g.spent = false, false, g.spent+e.CostNanos
	case events.GoalPlanned:
		g.planned, g.tasks, g.under, g.over = true, map[string]events.GoalTask{}, map[string]string{}, map[string]bool{}
		for _, task := range e.Tasks {
			g.tasks[task.Task] = task
		}
	case events.GoalStarted:
		g.started = true
	case events.GoalApproved:
	case events.GoalTaskShort:
		if g.under[e.Task] != e.Run {
			t.Fatalf("%s waits for money, and %q is under way", e.Run, g.under[e.Task])
		}
		g.shares[e.Task] = e.SpentNanos
	case events.GoalTaskAllotted:
		g.shares[e.Task] = e.ShareNanos
		g.within(t)
	case events.GoalTaskStarted:
		for _, on := range g.tasks[e.Task].DependsOn {
			if !g.over[on] {
				t.Fatalf("%s begins, and %s is not over", e.Task, on)
			}
		}
		if g.under[e.Task] != "" || g.over[e.Task] || !g.started || g.paused {
			t.Fatalf("%s begins where it must not", e.Task)
		}
		g.under[e.Task], g.shares[e.Task] = e.Run, e.ShareNanos
	case events.GoalTaskFinished:
		if g.under[e.Task] != e.Run {
			t.Fatalf("%s is done by %s, and %q is under way", e.Task, e.Run, g.under[e.Task])
		}
		g.under[e.Task], g.over[e.Task], g.spent = "", true, g.spent+e.CostNanos
		delete(g.shares, e.Task)
	case events.GoalTaskFailed:
		if g.under[e.Task] != e.Run {
			t.Fatalf("%s fails by %s, and %q is under way", e.Task, e.Run, g.under[e.Task])
		}
		g.under[e.Task], g.over[e.Task], g.spent = "", e.Next == events.TaskFails || e.Next == events.TaskSkipped, g.spent+e.CostNanos
		delete(g.shares, e.Task)
	case events.GoalTaskSkipped:
		if g.over[e.Task] {
			t.Fatalf("%s is over, and skipped", e.Task)
		}
		g.under[e.Task], g.over[e.Task] = "", true
		delete(g.shares, e.Task)
	case events.GoalAgentAsked:
		if g.under[e.Task] == "" || e.Talk != g.talked+1 {
			t.Fatalf("%s asks for %s, talk %d behind %d", e.Asker, e.Task, e.Talk, g.talked)
		}
		g.talked++
	case events.GoalAgentAnswered:
		// What is said between agents is in nobody's share: the budget holds it.
		g.limit, g.spent = g.limit+e.CostNanos, g.spent+e.CostNanos
	case events.GoalTasksAssigned:
		for _, a := range e.Tasks {
			if task := g.tasks[a.Task]; task.Agent != "" || g.over[a.Task] || g.assigned {
				t.Fatalf("%s is given to %q, and is %+v", a.Task, a.Agent, task)
			}
		}
		// Nothing is under way when it is asked who does what.
		g.assigned, g.limit, g.spent = true, g.limit+e.CostNanos, g.spent+e.CostNanos
	case events.GoalTaskHandedOver:
		if g.under[e.Task] != e.Run {
			t.Fatalf("%s is handed over by %s, and %q is under way", e.Task, e.Run, g.under[e.Task])
		}
		g.talked, g.under[e.Task], g.spent = g.talked+1, "", g.spent+e.CostNanos
		delete(g.shares, e.Task)
	case events.GoalPaused:
		g.paused = true
	case events.GoalResumed:
		g.paused = false
	case events.GoalLimited:
		g.limit = e.LimitNanos
	case events.GoalCancelled:
		return true
	case events.GoalFinished:
		for task := range g.tasks {
			if !g.over[task] {
				t.Fatalf("the goal ends, and %s is not over", task)
			}
		}
		return true
	}
	return false
}

// within tells that what is spent and the shares of what is under way stay within the limit.
func (g *goalHistory) within(t *rapid.T) {
	sum := g.spent
	for _, share := range g.shares {
		sum += share
	}
	if sum > g.limit {
		t.Fatalf("%d are spent or shared out, of %d", sum, g.limit)
	}
}

// goalOpening gets a goal under way, its plan drawn like any other.
func goalOpening(t *rapid.T) []commands.Command {
	return []commands.Command{
		commands.CreateGoal{Goal: "g", Prompt: "Ship it.", Level: events.Tactical, LimitNanos: pick[events.Nanos](t, "limit", 0, 20, 100)},
		goalPlan(t), commands.StartGoal{Goal: "g", By: "user:anna"},
		commands.StartTask{Goal: "g", Task: "a", Attempt: 1}, commands.StartTask{Goal: "g", Task: "b", Attempt: 1},
	}
}

func goalPlan(t *rapid.T) commands.Command {
	return commands.PlanGoal{Goal: "g", Source: events.PlannedByModel, Agents: []string{"clerk"}, Tasks: []events.GoalTask{
		{Task: "a", Instruction: "a", Agent: "clerk", Retries: pick(t, "retries", 0, 1), EstimateNanos: pick[events.Nanos](t, "estimate", 0, 11)},
		{Task: "b", Instruction: "b", Agent: "clerk", DependsOn: pick(t, "on", nil, []string{}, []string{"a"}, []string{"b"}), OnFailure: pick(t, "policy", "", events.SkipTask)},
		{Task: "c", Instruction: "c", Agent: pick(t, "doer", "clerk", ""), DependsOn: []string{"b"}, Escalate: pick(t, "boss", "", "clerk", "nobody")},
	}}
}

func goalWish(t *rapid.T) commands.Command {
	task := pick(t, "task", "a", "b", "c")
	attempt := pick(t, "attempt", 1, 1, 2, 3)
	run := commands.GoalRun("g", task, attempt)
	wish := pick(t, "wish", "create", "ask", "plan", "plan", "start", "task", "task", "task", "task", "finish", "finish", "finish", "fail", "fail", "short", "short", "short", "skip", "pause", "resume", "limit", "refuse", "cancel", "agent", "agent", "answer", "answer", "hand", "assign")
	switch wish {
	case "create":
		return commands.CreateGoal{Goal: "g", Prompt: pick(t, "prompt", "Ship it.", "Ship it.", ""), Level: events.Tactical, LimitNanos: pick[events.Nanos](t, "limit", 0, 10)}
	case "ask":
		return commands.AskPlan{Goal: "g", By: "user:anna"}
	case "plan":
		return goalPlan(t)
	case "start":
		return commands.StartGoal{Goal: "g", By: "user:anna"}
	case "task":
		return commands.StartTask{Goal: "g", Task: task, Attempt: attempt}
	case "finish":
		return commands.FinishTask{Goal: "g", Task: task, Run: run, CostNanos: pick[events.Nanos](t, "cost", 0, 5, -1)}
	case "fail":
		return commands.FailTask{Goal: "g", Task: task, Run: run, Reason: text(t), Failure: pick(t, "failure", "", "", events.NoMoney)}
	case "short":
		spent := pick[events.Nanos](t, "spent", 0, 1, 3, 20)
		return commands.ShortTask{Goal: "g", Task: task, Run: run, SpentNanos: spent, NeedsNanos: spent + pick[events.Nanos](t, "needs", 3, 9, 40)}
	case "skip":
		return commands.SkipTask{Goal: "g", Task: task, By: "user:anna"}
	case "pause":
		return commands.PauseGoal{Goal: "g", By: "user:anna"}
	case "resume":
		return commands.ResumeGoal{Goal: "g", By: "user:anna"}
	case "limit":
		return commands.LimitGoal{Goal: "g", By: "user:anna", LimitNanos: pick[events.Nanos](t, "limit", 0, 10, 20)}
	case "agent":
		return commands.AskAgent{Goal: "g", Asker: run, From: "clerk", To: pick(t, "to", "boss", "boss", "clerk"), Text: text(t), Agents: []string{"clerk", "boss"}}
	case "answer":
		n := rapid.IntRange(1, 3).Draw(t, "talk")
		return commands.AnswerAgent{
			Goal: "g", Talk: n, Run: commands.TalkRun("g", n, pick(t, "try", 1, 1, 2)), Answer: "yes", Failure: pick(t, "failure", "", "", events.NoMoney), CostNanos: pick[events.Nanos](t, "cost", 0, 1),
		}
	case "assign":
		return commands.AssignTasks{
			Goal: "g", Agents: []string{"clerk"}, CostNanos: pick[events.Nanos](t, "cost", 0, 2),
			Tasks: []events.TaskAssignment{{Task: task, Agent: pick(t, "to", "clerk", "clerk", "nobody", ""), AssignedBy: pick(t, "by", events.AssignedByModel, events.AssignedByWords)}},
		}
	case "hand":
		return commands.HandOver{Goal: "g", Run: run, From: "clerk", To: "boss", Text: "go on", Agents: []string{"boss"}, CostNanos: pick[events.Nanos](t, "cost", 0, 1)}
	case "refuse":
		return commands.RefusePlan{Goal: "g", Reason: "no"}
	}
	if !rapid.Bool().Draw(t, "really") { // most histories should go on
		return commands.PauseGoal{Goal: "g"}
	}
	return commands.CancelGoal{Goal: "g", By: "user:anna"}
}
