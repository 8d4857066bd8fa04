package aggregates

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// talk is a question of an agent to another one that waits for its answer.
type talk struct {
	number, tries int
	task          string
	// asker is the run that waits, and run the one that answers.
	asker, run string
}

// speaks tells which task a run works on that may speak to other agents: an attempt under way, or an answer to one that waits.
func (s Goal) speaks(run string) (task string, attempt bool) {
	for _, t := range s.tasks {
		if run != "" && t.run == run && !t.ended() {
			return t.plan.Task, true
		}
	}
	if i := slices.IndexFunc(s.talks, func(k talk) bool { return k.run == run }); i >= 0 {
		return s.talks[i].task, false
	}
	return "", false
}

// maySpeak refuses what an agent would say to another one.
func (s Goal) maySpeak(from, to, text string, known []string) error {
	most := cmp.Or(s.Created.Talks, goalTalks)
	switch {
	case to == from:
		return fmt.Errorf("%w: you are %s yourself: name another agent", ErrInvalid, from)
	case !slices.Contains(known, to):
		return fmt.Errorf("%w: there is no agent %q that can be asked: there are %s", ErrInvalid, to, strings.Join(known, ", "))
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("%w: say what %s is to know", ErrInvalid, to)
	case s.talked >= most:
		return fmt.Errorf("%w: the agents of this goal have spoken to one another %d times, and may no more: go on with what you know", ErrState, most)
	}
	return nil
}

func askAgent(c commands.AskAgent, s Goal) ([]events.Goal, error) {
	task, _ := s.speaks(c.Asker)
	if task == "" {
		return nil, fmt.Errorf("%w: run %s does no task of goal %s", ErrState, c.Asker, c.Goal)
	}
	if err := s.maySpeak(c.From, c.To, c.Text, c.Agents); err != nil {
		return nil, err
	}
	n := s.talked + 1
	return []events.Goal{events.GoalAgentAsked{
		Talk: n, Task: task, Asker: c.Asker, Turn: c.Turn, Call: c.Call, From: c.From, To: c.To, Text: c.Text, Run: commands.TalkRun(s.Created.Goal, n, 1),
	}}, nil
}

// answerAgent tells whoever asked what came of it. Money that is missing is no answer: it is asked anew once the goal goes on.
func answerAgent(c commands.AnswerAgent, s Goal) ([]events.Goal, error) {
	i := slices.IndexFunc(s.talks, func(k talk) bool { return k.number == c.Talk && k.run == c.Run })
	if i < 0 {
		return nil, fmt.Errorf("%w: nobody waits for what run %s answers", ErrState, c.Run)
	}
	if err := checkCost(c.CostNanos, c.UnpricedCalls); err != nil {
		return nil, err
	}
	k := s.talks[i]
	fact := events.GoalAgentAnswered{Talk: k.number, Asker: k.asker, Run: k.run, Answer: c.Answer, Error: c.Error, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls}
	if c.Failure != events.NoMoney {
		return s.settled(fact), nil
	}
	fact.Next = commands.TalkRun(s.Created.Goal, k.number, k.tries+1)
	if s.Paused {
		return s.settled(fact), nil
	}
	return []events.Goal{fact, events.GoalPaused{By: "budget", Reason: c.Error}}, nil
}

func handOver(c commands.HandOver, s Goal) ([]events.Goal, error) {
	task, attempt := s.speaks(c.Run)
	switch {
	case task == "":
		return nil, fmt.Errorf("%w: run %s does no task of goal %s", ErrState, c.Run, c.Goal)
	case !attempt:
		return nil, fmt.Errorf("%w: you were asked by another agent, which waits for you: answer it", ErrState)
	}
	if err := s.maySpeak(c.From, c.To, c.Text, c.Agents); err != nil {
		return nil, err
	}
	if err := checkCost(c.CostNanos, c.UnpricedCalls); err != nil {
		return nil, err
	}
	return s.settled(events.GoalTaskHandedOver{
		Talk: s.talked + 1, Task: task, Run: c.Run, From: c.From, To: c.To, Text: c.Text, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls,
	}), nil
}

func (s Goal) asked(e events.GoalAgentAsked) Goal {
	s.talked = e.Talk
	s.talks = append(slices.Clip(s.talks), talk{number: e.Talk, tries: 1, task: e.Task, asker: e.Asker, run: e.Run})
	return s
}

func (s Goal) answered(e events.GoalAgentAnswered) Goal {
	s.spent, s.talks = events.Add(s.spent, e.CostNanos), slices.Clone(s.talks)
	i := slices.IndexFunc(s.talks, func(k talk) bool { return k.number == e.Talk })
	switch {
	case i < 0:
	case e.Next != "":
		s.talks[i].run, s.talks[i].tries = e.Next, s.talks[i].tries+1
	default:
		s.talks = slices.Delete(s.talks, i, i+1)
	}
	return s
}

func (s Goal) handedOver(e events.GoalTaskHandedOver) Goal {
	s.talked, s.spent = e.Talk, events.Add(s.spent, e.CostNanos)
	return s.with(e.Task, func(t *goalTask) { t.run, t.plan.Agent, t.escalated = "", e.To, false })
}
