package aggregates_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

func TestAgentsOfAGoalSpeakToOneAnother(t *testing.T) {
	t.Parallel()
	finding := begun("find", 1, "clerk")
	under := given(startedGoal, finding)
	ask := commands.AskAgent{Goal: "g", Asker: finding.Run, Turn: 2, Call: 1, From: "clerk", To: "boss", Text: "May I?", Agents: goalAgents}
	asks := func(change func(*commands.AskAgent)) commands.AskAgent {
		c := ask
		change(&c)
		return c
	}
	asked := events.GoalAgentAsked{Talk: 1, Task: "find", Asker: finding.Run, Turn: 2, Call: 1, From: "clerk", To: "boss", Text: "May I?", Run: "g.talk-1-1"}
	// boss asks writer before it answers.
	inner := events.GoalAgentAsked{Talk: 2, Task: "find", Asker: "g.talk-1-1", From: "boss", To: "writer", Text: "May she?", Run: "g.talk-2-1"}
	waits := given(under, asked)
	answer := commands.AnswerAgent{Goal: "g", Talk: 1, Run: "g.talk-1-1", Answer: "You may.", CostNanos: 3, UnpricedCalls: 1}
	answered := events.GoalAgentAnswered{Talk: 1, Asker: finding.Run, Run: "g.talk-1-1", Answer: "You may.", CostNanos: 3, UnpricedCalls: 1}
	noMoney := answer
	noMoney.Answer, noMoney.Error, noMoney.Failure = "", "no money", events.NoMoney
	later := answered
	later.Answer, later.Error, later.Next = "", "no money", "g.talk-1-2"
	again := answered
	again.Run = "g.talk-1-2"
	hand := commands.HandOver{Goal: "g", Run: finding.Run, From: "clerk", To: "writer", Text: "Half is found.", CostNanos: 4, Agents: goalAgents}
	handed := events.GoalTaskHandedOver{Talk: 1, Task: "find", Run: finding.Run, From: "clerk", To: "writer", Text: "Half is found.", CostNanos: 4}
	curt := createdGoal
	curt.Talks = 1
	once := []events.Event{curt, plannedGoal, events.GoalStarted{By: "user:anna"}, finding}
	scenarios{
		"agents may speak so often": {
			when: commands.CreateGoal{Goal: "g", Prompt: "x", Level: events.Tactical, Talks: 3}, then: []events.Event{events.GoalCreated{Goal: "g", Prompt: "x", Level: events.Tactical, Parallel: 8, Talks: 3}},
		},
		"they can't speak less than never": {when: commands.CreateGoal{Goal: "g", Prompt: "x", Level: events.Tactical, Talks: -1}, err: aggregates.ErrInvalid},
		"nor for ever":                     {when: commands.CreateGoal{Goal: "g", Prompt: "x", Level: events.Tactical, Talks: 1001}, err: aggregates.ErrInvalid},
		"one asks another":                 {given: under, when: ask, then: []events.Event{asked}},
		"who answers may ask": {given: waits, when: asks(func(c *commands.AskAgent) {
			c.Asker, c.Turn, c.Call, c.From, c.To, c.Text = "g.talk-1-1", 0, 0, "boss", "writer", "May she?"
		}), then: []events.Event{inner}},
		"an attempt that is none":      {given: startedGoal, when: ask, err: aggregates.ErrState},
		"an attempt that is over":      {given: given(under, events.GoalTaskFinished{Task: "find", Run: finding.Run}), when: ask, err: aggregates.ErrState},
		"itself":                       {given: under, when: asks(func(c *commands.AskAgent) { c.To = "clerk" }), err: aggregates.ErrInvalid},
		"nobody that is there":         {given: under, when: asks(func(c *commands.AskAgent) { c.To = "nobody" }), err: aggregates.ErrInvalid},
		"nothing":                      {given: under, when: asks(func(c *commands.AskAgent) { c.Text = "\n" }), err: aggregates.ErrInvalid},
		"the last word":                {given: once, when: ask, then: []events.Event{asked}},
		"one word too many":            {given: given(once, asked, answered), when: ask, err: aggregates.ErrState},
		"a hand-over too many":         {given: given(once, asked, answered), when: hand, err: aggregates.ErrState},
		"a hand-over counts":           {given: given(once, handed, begun("find", 2, "writer")), when: asks(func(c *commands.AskAgent) { c.Asker = "g.find.2" }), err: aggregates.ErrState},
		"it is answered":               {given: waits, when: answer, then: []events.Event{answered}},
		"it is answered once":          {given: given(waits, answered), when: answer, err: aggregates.ErrState},
		"nobody asked":                 {given: under, when: answer, err: aggregates.ErrState},
		"another run answers":          {given: waits, when: commands.AnswerAgent{Goal: "g", Talk: 1, Run: "g.talk-2-1"}, err: aggregates.ErrState},
		"no money for an answer":       {given: waits, when: noMoney, then: []events.Event{later, events.GoalPaused{By: "budget", Reason: "no money"}}},
		"no money, and paused already": {given: given(waits, events.GoalPaused{}), when: noMoney, then: []events.Event{later}},
		"it is asked anew then":        {given: given(waits, later), when: commands.AnswerAgent{Goal: "g", Talk: 1, Run: "g.talk-1-2", Answer: "You may.", CostNanos: 3, UnpricedCalls: 1}, then: []events.Event{again}},
		"the first try is over":        {given: given(waits, later), when: answer, err: aggregates.ErrState},
		// 100 less the 3 that the answer cost, over the four tasks.
		"what it costs is spent": {given: given(waits, answered), when: commands.StartTask{Goal: "g", Task: "check", Attempt: 1}, then: []events.Event{sharing(begun("check", 1, "clerk"), 32)}},
		"a task is handed over":  {given: under, when: hand, then: []events.Event{handed}},
		"it is handed over once": {given: given(under, handed), when: hand, err: aggregates.ErrState},
		"the other one goes on":  {given: given(under, handed), when: commands.StartTask{Goal: "g", Task: "find", Attempt: 2}, then: []events.Event{sharing(begun("find", 2, "writer"), 24)}},
		"it is no failure":       {given: given(under, handed, begun("find", 2, "writer")), when: commands.FailTask{Goal: "g", Task: "find", Run: "g.find.2", Reason: "no"}, then: []events.Event{events.GoalTaskFailed{Task: "find", Run: "g.find.2", Reason: "no", Next: events.TaskFails}, events.GoalTaskSkipped{Task: "write", Reason: "it needs find, which was not done"}, events.GoalTaskSkipped{Task: "send", Reason: "it needs write, which was not done"}}},
		"who is asked answers":   {given: waits, when: commands.HandOver{Goal: "g", Run: "g.talk-1-1", From: "boss", To: "writer", Text: "x", Agents: goalAgents}, err: aggregates.ErrState},
		"to nobody":              {given: under, when: commands.HandOver{Goal: "g", Run: finding.Run, From: "clerk", To: "nobody", Text: "x", Agents: goalAgents}, err: aggregates.ErrInvalid},
		"the goal has ended":     {given: given(under, events.GoalCancelled{}), when: ask, err: aggregates.ErrEnded},
	}.run(t)
}
