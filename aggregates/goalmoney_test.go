package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// TestAGoalsMoneyIsDivided has three tasks of which the first is estimated at half of all.
func TestAGoalsMoneyIsDivided(t *testing.T) {
	t.Parallel()
	planned := func(tasks ...events.GoalTask) []events.Event {
		return []events.Event{createdGoal, events.GoalPlanned{Source: events.PlannedByPerson, Tasks: tasks}, events.GoalStarted{By: "b"}}
	}
	three := planned(
		events.GoalTask{Task: "a", Instruction: "a", EstimateNanos: 40, EstimateSeconds: 1},
		events.GoalTask{Task: "b", Instruction: "b", EstimateNanos: 20, EstimateSeconds: 9},
		events.GoalTask{Task: "c", Instruction: "c", EstimateNanos: 20, DependsOn: []string{"a", "b"}},
	)
	a, b, c := sharing(begun("a", 1, ""), 50), sharing(begun("b", 1, ""), 25), begun("c", 1, "")
	short := func(task string, spent, needs events.Nanos) events.GoalTaskShort {
		return events.GoalTaskShort{Task: task, Run: "g." + task + ".1", SpentNanos: spent, NeedsNanos: needs}
	}
	wish := func(s events.GoalTaskShort) commands.ShortTask {
		return commands.ShortTask{Goal: "g", Task: s.Task, Run: s.Run, SpentNanos: s.SpentNanos, NeedsNanos: s.NeedsNanos}
	}
	start := func(task string) commands.StartTask { return commands.StartTask{Goal: "g", Task: task, Attempt: 1} }
	allotted := func(task string, share events.Nanos) events.GoalTaskAllotted {
		return events.GoalTaskAllotted{Task: task, Run: "g." + task + ".1", ShareNanos: share}
	}
	both := given(three, a, b)
	finishA := commands.FinishTask{Goal: "g", Task: "a", Run: "g.a.1", CostNanos: 10}
	doneA := events.GoalTaskFinished{Task: "a", Run: "g.a.1", CostNanos: 10}
	paused := events.GoalPaused{By: "budget", Reason: "budget exhausted: 0.00000001 of 0.0000001 USD spent or set aside, and the next call of task b can cost 0.000000091"}
	scenarios{
		"by what it costs":              {given: three, when: start("a"), then: []events.Event{a}},
		"of what is not shared out yet": {given: given(three, a), when: start("b"), then: []events.Event{b}},
		"what is left over flows on": {
			given: given(both, doneA, events.GoalTaskFinished{Task: "b", Run: "g.b.1", CostNanos: 5}),
			when:  start("c"), then: []events.Event{sharing(c, 85)},
		},
		"by time where no cost is known": {
			given: planned(events.GoalTask{Task: "a", Instruction: "a", EstimateSeconds: 1}, events.GoalTask{Task: "b", Instruction: "b", EstimateSeconds: 3}),
			when:  start("a"), then: []events.Event{sharing(begun("a", 1, ""), 25)},
		},
		"a tool needs none": {
			given: planned(events.GoalTask{Task: "a", Tool: "clock", Agent: "clerk"}, events.GoalTask{Task: "b", Instruction: "b"}),
			when:  start("a"), then: []events.Event{begun("a", 1, "clerk")},
		},
		"one that needs more waits while others go on": {given: both, when: wish(short("b", 20, 40)), then: []events.Event{short("b", 20, 40)}},
		"what others left over is for it":              {given: given(both, short("b", 20, 40)), when: finishA, then: []events.Event{doneA, allotted("b", 52)}},
		"what comes later lends where all wait": {
			given: given(both, short("b", 20, 40)), when: wish(short("a", 50, 60)),
			then: []events.Event{short("a", 50, 60), allotted("a", 60), allotted("b", 40)},
		},
		"nothing is left for it": {given: given(both, short("b", 0, 91)), when: finishA, then: []events.Event{doneA, paused}},
		"more for all":           {given: given(both, short("b", 0, 91), doneA, paused), when: commands.LimitGoal{Goal: "g", By: "b", LimitNanos: 200}, then: []events.Event{events.GoalLimited{By: "b", LimitNanos: 200}, allotted("b", 115)}},
		"it has what it needs":   {given: both, when: wish(short("b", 0, 25)), err: aggregates.ErrState},
		"it waits already":       {given: given(both, short("b", 0, 30)), when: wish(short("b", 0, 30)), err: aggregates.ErrState},
	}.run(t)
}

func TestAPlanIsApproved(t *testing.T) {
	t.Parallel()
	const above = events.Nanos(50)
	asked := []events.Event{events.GoalCreated{Goal: "g", Prompt: "Ship it.", Level: events.Operational, Parallel: 8}, events.GoalPlanAsked{By: "b"}}
	limited := []events.Event{events.GoalCreated{Goal: "g", Prompt: "Ship it.", Level: events.Operational, Parallel: 8, LimitNanos: 40}, events.GoalPlanAsked{By: "b"}}
	plan := func(e *events.GoalEstimate) commands.PlanGoal {
		return commands.PlanGoal{Goal: "g", Source: events.PlannedByModel, Tasks: goalTasks, Agents: goalAgents, Estimate: e}
	}
	planned := func(e *events.GoalEstimate, approval string) events.GoalPlanned {
		return events.GoalPlanned{Source: events.PlannedByModel, Tasks: goalTasks, Estimate: e, Approval: approval}
	}
	cheap, dear, vague := &events.GoalEstimate{Tasks: 4, Known: 4, HighNanos: 50}, &events.GoalEstimate{Tasks: 4, Known: 4, HighNanos: 51}, &events.GoalEstimate{Tasks: 4, Known: 3, HighNanos: 1}
	costly := planned(dear, "it can cost 0.000000051 USD, and plans above 0.00000005 need approval")
	waiting := given(asked, costly, events.GoalStarted{By: "b"})
	all := scenarios{
		"a cheap one is not":           {given: asked, when: plan(cheap), then: []events.Event{planned(cheap, "")}},
		"a dear one is":                {given: asked, when: plan(dear), then: []events.Event{costly}},
		"one that nobody knows is":     {given: asked, when: plan(vague), then: []events.Event{planned(vague, "nobody knows what it costs, and plans above 0.00000005 USD need approval")}},
		"a limit bounds it":            {given: limited, when: plan(vague), then: []events.Event{planned(vague, "")}},
		"nothing is done before":       {given: waiting, when: commands.StartTask{Goal: "g", Task: "find", Attempt: 1}, err: aggregates.ErrState},
		"a person does":                {given: waiting, when: commands.ApproveGoal{Goal: "g", By: "b"}, then: []events.Event{events.GoalApproved{By: "b"}}},
		"then it is done":              {given: given(waiting, events.GoalApproved{By: "b"}), when: commands.StartTask{Goal: "g", Task: "find", Attempt: 1}, then: []events.Event{begun("find", 1, "clerk")}},
		"once":                         {given: given(waiting, events.GoalApproved{By: "b"}), when: commands.ApproveGoal{Goal: "g", By: "b"}, err: aggregates.ErrState},
		"only where somebody is asked": {given: startedGoal, when: commands.ApproveGoal{Goal: "g", By: "b"}, err: aggregates.ErrState},
	}
	for name, s := range all {
		s.policy = aggregates.Policy{GoalNanos: new(above)}
		all[name] = s
	}
	all.run(t)
}
