package managers_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

func TestWhatAgentsAskOneAnotherIsAskedAndAnswered(t *testing.T) {
	t.Parallel()
	asks := func(talk int, asker, run string) of {
		return goalSays(events.GoalAgentAsked{Talk: talk, Task: "a", Asker: asker, From: "clerk", To: "writer", Text: "May I?", Run: run})
	}
	const asked = `run g.talk-1-1 by writer, task "answer" of shipping`
	under := append(diamond(begins("a", 1), runs("g.a.1")), asks(1, "g.a.1", "g.talk-1-1"))
	on := func(more ...of) []of { return append(append([]of{}, under...), more...) }
	answers := []of{runs("g.talk-1-1"), runSays("g.talk-1-1", events.RunStepFinished{CostNanos: 3}), runSays("g.talk-1-1", events.RunFinished{Answer: "You may."})}
	broke := []of{
		runs("g.talk-1-1"), runSays("g.talk-1-1", events.RunFailed{Error: "no money", Failure: events.NoMoney}),
		goalSays(events.GoalAgentAnswered{Talk: 1, Asker: "g.a.1", Run: "g.talk-1-1", Error: "no money", Next: "g.talk-1-2"}), goalSays(events.GoalPaused{}),
	}
	for name, tt := range map[string]struct {
		given []of
		want  []string
	}{
		"it is asked":                   {under, []string{asked}},
		"also while the goal is paused": {on(goalSays(events.GoalPaused{})), []string{asked}},
		"it thinks":                     {on(answers[0]), nil},
		"it has answered":               {on(answers...), []string{`g.talk-1-1 answers g.a.1: "You may." ""  for 3`}},
		"it fails":                      {on(answers[0], runSays("g.talk-1-1", events.RunFailed{Error: "no"})), []string{`g.talk-1-1 answers g.a.1: "" "no"  for 0`}},
		"the goal knows":                {on(append(answers, goalSays(events.GoalAgentAnswered{Talk: 1, Asker: "g.a.1", Run: "g.talk-1-1"}))...), nil},
		"no money":                      {on(broke...), nil},
		"there is money again":          {on(append(broke, goalSays(events.GoalResumed{}))...), []string{`run g.talk-1-2 by writer, task "answer" of shipping`}},
		"who asked is given up before":  {on(goalSays(events.GoalTaskSkipped{Task: "a"})), []string{"cancel g.a.1", `g.talk-1-1 answers g.a.1: "" "whoever asked does not wait any more"  for 0`, "attempt 1 at b", "attempt 1 at c"}},
		"who asked is given up":         {on(answers[0], goalSays(events.GoalTaskSkipped{Task: "a"})), []string{"cancel g.a.1", "cancel g.talk-1-1", "attempt 1 at b", "attempt 1 at c"}},
		"it begins when nobody waits": {on(
			goalSays(events.GoalTaskSkipped{Task: "a"}), runSays("g.a.1", events.RunCancelled{}), goalSays(events.GoalAgentAnswered{Talk: 1, Asker: "g.a.1", Run: "g.talk-1-1"}), answers[0],
		), []string{"cancel g.talk-1-1", "attempt 1 at b", "attempt 1 at c"}},
		"one that is asked asks":          {on(answers[0], asks(2, "g.talk-1-1", "g.talk-2-1")), []string{`run g.talk-2-1 by writer, task "answer" of shipping`}},
		"and nobody waits for the second": {on(answers[0], asks(2, "g.talk-1-1", "g.talk-2-1"), runs("g.talk-2-1"), goalSays(events.GoalTaskSkipped{Task: "a"})), []string{"cancel g.a.1", "cancel g.talk-1-1", "cancel g.talk-2-1", "attempt 1 at b", "attempt 1 at c"}},
		"the goal is given up":            {on(answers[0], goalSays(events.GoalCancelled{})), []string{"cancel g.a.1", "cancel g.talk-1-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := goalAfter(t, tt.given...).says(); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("it wants %q\nnot %q", got, tt.want)
			}
		})
	}
	prompt := goalAfter(t, append([]of{under[0], goalSays(events.GoalTold{Text: "Be polite."})}, under[1:]...)...).asked()
	for _, part := range []string{"May I?", "clerk asks you", "Ship it.", "To be heeded: Be polite."} {
		if !strings.Contains(prompt, part) {
			t.Errorf("%q is not in %q", part, prompt)
		}
	}
}

func TestATaskThatIsHandedOverGoesOnWithAnotherAgent(t *testing.T) {
	t.Parallel()
	handed := goalSays(events.GoalTaskHandedOver{Talk: 1, Task: "a", Run: "g.a.1", From: "clerk", To: "writer", Text: "Half of it is done."})
	over := diamond(begins("a", 1), runs("g.a.1"), handed)
	if got, want := goalAfter(t, over...).says(), []string{"attempt 2 at a"}; !reflect.DeepEqual(got, want) {
		t.Errorf("it wants %q, not %q: the first run is about to end by itself", got, want)
	}
	again := of{stream: "goal-g", fact: events.GoalTaskStarted{Task: "a", Attempt: 2, Run: "g.a.2", Agent: "writer"}}
	after := goalAfter(t, append(over, runSays("g.a.1", events.RunFinished{Answer: "handed over"}), again)...)
	if got, want := after.says(), []string{`run g.a.2 by writer, task "the first" of shipping`}; !reflect.DeepEqual(got, want) {
		t.Errorf("it wants %q, not %q", got, want)
	}
	if prompt := after.asked(); !strings.Contains(prompt, "clerk began this and hands it over to you") || !strings.Contains(prompt, "Half of it is done.") {
		t.Errorf("it is asked %q", prompt)
	}
}

// A run that asked other agents something goes on once all of them have answered, under an id of its own.
func TestARunWaitsForTheAnswersOfOtherAgents(t *testing.T) {
	t.Parallel()
	asked := func(talk int) of {
		return of{stream: "goal-g", run: "g.a.1", fact: events.GoalAgentAsked{Talk: talk, Asker: "g.a.1"}}
	}
	answered := func(talk int, next string) of {
		return of{stream: "goal-g", run: "g.a.1", fact: events.GoalAgentAnswered{Talk: talk, Asker: "g.a.1", Next: next}}
	}
	started := of{stream: "run-g.a.1", run: "g.a.1", fact: events.RunStarted{Run: "g.a.1", Goal: "g"}}
	wants := func(more ...of) []managers.Want {
		return fold(t, "run", "", append([]of{started}, more...)...).process.Wants()
	}
	first := wants()
	for name, c := range map[string]struct {
		given []of
		on    bool
	}{
		"asks":                    {[]of{asked(1)}, false},
		"asks two":                {[]of{asked(1), asked(2), answered(1, "")}, false},
		"is answered":             {[]of{asked(1), answered(1, "")}, true},
		"is answered by two":      {[]of{asked(1), asked(2), answered(2, ""), answered(1, "")}, true},
		"no money for the answer": {[]of{asked(1), answered(1, "g.talk-1-2")}, false},
	} {
		got := wants(c.given...)
		if len(first) != 1 || (len(got) == 1) != c.on || c.on && (got[0].ID == first[0].ID || got[0].Work.(managers.Turn).ID != first[0].Work.(managers.Turn).ID) {
			t.Errorf("%s: it wants %+v, at first %+v", name, got, first)
		}
	}
}
