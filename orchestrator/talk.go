package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/replay"
)

// errUnanswered tells why another agent's answer is not there.
var errUnanswered = errors.New("it gave no answer")

// speaks tells that a call is one by which an agent of a goal speaks to another one.
func (t *turn) speaks(call events.ToolCall) bool {
	return t.conversation.started.Goal != "" && (call.Name == agents.AskAgent || call.Name == agents.HandOver)
}

// askAgents asks other agents what the last answer wants to know of them. It returns errSuspended until all of them have answered:
// as with approvals, the other calls of the answer wait as well.
func (t *turn) askAgents(ctx context.Context) error {
	c := t.conversation
	t.heard = map[int]agents.Done{}
	var asks []commands.Command
	refused := func(place int, err error) { t.heard[place] = t.runner.Refused(c.calls[place], err.Error()) }
	for i, call := range c.calls {
		if _, known := c.results[i]; known || call.Name != agents.AskAgent || !t.speaks(call) || t.refusal(i, call) != "" {
			continue
		}
		ask, err := t.question(ctx, i, call)
		if err == nil {
			err = t.agents.Would(ctx, ask)
		}
		switch {
		case errors.Is(err, errSaid) || aggregates.Refused(err):
			refused(i, err)
		case err != nil:
			return err
		default:
			asks = append(asks, ask)
		}
	}
	for len(asks) > 0 {
		_, err := t.dispatch(ctx, asks...)
		if err == nil {
			break
		}
		if !aggregates.Refused(err) {
			return err
		}
		last := len(asks) - 1 // together they are more than may be said
		refused(asks[last].(commands.AskAgent).Call, err)
		asks = asks[:last]
	}
	waits := false
	for _, ask := range asks {
		place := ask.(commands.AskAgent).Call
		answer, there, err := t.answered(ctx, place)
		if err != nil {
			return err
		}
		waits = waits || !there
		t.heard[place] = answer
	}
	if waits {
		return errSuspended
	}
	return nil
}

// errSaid tells that what a model said to another agent can't be read.
var errSaid = errors.New("nothing was said to another agent")

// question is the wish to ask another agent, the same whenever this very call is made.
func (t *turn) question(ctx context.Context, place int, call events.ToolCall) (ask commands.AskAgent, err error) {
	said, err := agents.ReadSaid(call.Arguments)
	if err != nil {
		return ask, fmt.Errorf("%w: %w", errSaid, err)
	}
	others, err := t.others(ctx)
	if err != nil {
		return ask, err
	}
	ask = commands.AskAgent{
		Meta: t.meta(0, t.clock()), Goal: t.conversation.started.Goal, Asker: t.wish.Run, Turn: t.wish.Turn, Call: place,
		From: t.agent, To: said.Agent, Text: said.Text, Agents: others,
	}
	ask.ID = t.nameID(fmt.Sprintf("question of call %d", place))
	return ask, nil
}

// answered looks for what came of a question that was asked.
func (t *turn) answered(ctx context.Context, place int) (done agents.Done, there bool, err error) {
	found := map[int]events.GoalAgentAnswered{}
	stream := commands.GoalStream(t.wish.Workspace, t.conversation.started.Goal)
	for e, err := range t.store.ReadStream(ctx, stream, eventstore.StreamOptions{Direction: eventstore.Backwards}) {
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err != nil {
			return done, false, fmt.Errorf("load %s: %w", stream, err)
		}
		switch f := fact.(type) {
		case events.GoalAgentAnswered:
			if f.Next == "" {
				found[f.Talk] = f
			}
		case events.GoalAgentAsked:
			if f.Asker != t.wish.Run || f.Turn != t.wish.Turn || f.Call != place {
				continue
			}
			answer, there := found[f.Talk]
			call := t.conversation.calls[place]
			if answer.Error != "" {
				return t.runner.Refused(call, fmt.Sprintf("%s: %s", errUnanswered, answer.Error)), there, nil
			}
			return t.runner.Answered(call, answer.Answer), there, nil
		}
	}
	return done, false, nil
}

// handOver gives the run's task to another agent. The run ends once that is recorded.
func (t *turn) handOver(ctx context.Context, place int, call events.ToolCall) (agents.Done, error) {
	said, err := agents.ReadSaid(call.Arguments)
	if err != nil {
		return t.runner.Refused(call, err.Error()), nil
	}
	others, err := t.others(ctx)
	if err != nil {
		return agents.Done{}, err
	}
	cost := t.conversation.cost
	hand := commands.HandOver{
		Meta: t.meta(0, t.clock()), Goal: t.conversation.started.Goal, Run: t.wish.Run, From: t.agent, To: said.Agent, Text: said.Text,
		CostNanos: cost.CostNanos, UnpricedCalls: cost.UnpricedCalls, Agents: others,
	}
	hand.ID = t.nameID(fmt.Sprintf("hand-over of call %d", place))
	switch _, err := t.dispatch(ctx, hand); {
	case aggregates.Refused(err):
		return t.runner.Refused(call, err.Error()), nil
	case err != nil:
		return agents.Done{}, err
	}
	return t.runner.Answered(call, fmt.Sprintf("handed over to %s: %s", said.Agent, said.Text)), nil
}

// others are the agents that this one can speak to: those that were there when the run began.
func (t *turn) others(ctx context.Context) ([]string, error) {
	if err := replay.Reach(ctx, t.models, t.conversation.position); err != nil {
		return nil, err
	}
	known, err := Askable(ctx, t.models.In(t.wish.Workspace))
	return slices.DeleteFunc(known, func(name string) bool { return name == t.agent }), err
}

// says performs a call by which the agent speaks to another one. What it asked was asked before, and is answered by now.
func (t *turn) says(ctx context.Context, place int, call events.ToolCall) (agents.Done, error) {
	if call.Name == agents.HandOver {
		return t.handOver(ctx, place, call)
	}
	if done, there := t.heard[place]; there {
		return done, nil
	}
	return t.runner.Refused(call, errUnanswered.Error()), nil
}

// handedOver is what a run ends with whose task was given to another agent.
func (t *turn) handedOver() (result string, is bool) {
	for place, call := range t.conversation.calls {
		if call.Name != agents.HandOver || !t.speaks(call) {
			continue
		}
		told, known := t.conversation.results[place]
		if _, failed := agents.FailedCall(told.Content); known && !failed {
			return told.Content, true
		}
	}
	return "", false
}
