package projections_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

func TestTalks(t *testing.T) {
	t.Parallel()
	facts := append(shipping(),
		"goal-g", events.GoalAgentAsked{Talk: 1, Task: "check", Asker: "g.check.2", From: "boss", To: "clerk", Text: "Where?", Run: "g.talk-1-1"},
		"goal-g", events.GoalAgentAnswered{Talk: 1, Asker: "g.check.2", Run: "g.talk-1-1", Error: "no money", Next: "g.talk-1-2", CostNanos: 1},
		"goal-g", events.GoalAgentAnswered{Talk: 1, Asker: "g.check.2", Run: "g.talk-1-2", Answer: "There.", CostNanos: 2, UnpricedCalls: 1},
		"goal-g", events.GoalAgentAsked{Talk: 2, Task: "check", Asker: "g.check.2", From: "boss", To: "clerk", Text: "When?", Run: "g.talk-2-1"},
		"goal-g", events.GoalAgentAnswered{Talk: 2, Asker: "g.check.2", Run: "g.talk-2-1", Error: "it failed"},
		"goal-g", events.GoalTaskHandedOver{Talk: 3, Task: "check", Run: "g.check.2", From: "boss", To: "writer", Text: "Half.", CostNanos: 4},
		"goal-g", events.GoalAgentAsked{Talk: 4, Task: "find", Asker: "g.find.1", From: "clerk", To: "boss", Text: "Who?", Run: "g.talk-4-1"},
	)
	rows, err := folded(t, facts...).Talks(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "talks", rows, []projections.TalkRow{
		{
			Goal: "g", Talk: 1, Status: projections.TalkAnswered, Task: "check", Sender: "boss", Receiver: "clerk", Asker: "g.check.2", Run: "g.talk-1-2", SaidAt: minute(9), AnsweredAt: minute(11),
			Cost: events.Cost{CostNanos: 3, UnpricedCalls: 1}, Position: 12, Text: "Where?", Answer: "There.",
		},
		{
			Goal: "g", Talk: 2, Status: projections.TalkFailed, Task: "check", Sender: "boss", Receiver: "clerk", Asker: "g.check.2", Run: "g.talk-2-1", SaidAt: minute(12), AnsweredAt: minute(13),
			Position: 14, Text: "When?", Why: "it failed",
		},
		{Goal: "g", Talk: 3, Status: projections.TalkHandedOver, Task: "check", Sender: "boss", Receiver: "writer", Asker: "g.check.2", SaidAt: minute(14), Position: 15, Text: "Half."},
		{Goal: "g", Talk: 4, Status: projections.TalkWaits, Task: "find", Sender: "clerk", Receiver: "boss", Asker: "g.find.1", Run: "g.talk-4-1", SaidAt: minute(15), Position: 16, Text: "Who?"},
	})
	goal := goalRow(t, facts...)
	if check := goal.Tasks[1]; goal.Cost != (events.Cost{CostNanos: 17, UnpricedCalls: 6}) || check.Status != projections.TaskWaiting || check.Agent != "writer" || check.Cost != 6 {
		t.Errorf("the goal is %+v", goal)
	}
}

func TestAnAnswerToNoQuestionIsParked(t *testing.T) {
	t.Parallel()
	m := folded(t, append(shipping(), "goal-g", events.GoalAgentAnswered{Talk: 1, Answer: "There."})...)
	if parked, err := m.Parked(t.Context()); err != nil || len(parked) != 1 || parked[0].Projection != "talks" {
		t.Errorf("parked are %+v, %v", parked, err)
	}
}
