package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// conversation is a live run as the one who performs its next turn needs it.
type conversation struct {
	// next is the revision of the run's next fact.
	next uint64
	// position is that of its first fact.
	position uint64
	started  events.RunStarted
	assigned *events.RunAssigned
	messages []events.Message
	// turns counts the calls to the model that were recorded, and steps the steps started.
	turns, steps int
	// calls are those of the last answer; begun are the steps that they were begun in, and results what came back, both by
	// the call's place.
	calls   []events.ToolCall
	begun   map[int]int
	results map[int]events.Message
	// fixes are those that were told of with the results of the last answer's calls, by the call's place; fixedAt those before, by the place
	// of the result among the messages.
	fixes, fixedAt map[int]string
	// approvals are those that were asked for of the last answer's calls, by the call's place.
	approvals map[int]*asked
	// chat is the step of a call to the model that was begun and has no answer, -1 where there is none.
	chat  int
	ended bool
	// draft is the step that has a specialist's prompt drafted and has no draft, -1 where there is none, and drafted what came of one.
	draft   int
	drafted *events.RunSpecialistDrafted
	// invalid is why the last answer did not satisfy the agent's schema, and repaired that one was asked for anew.
	invalid  string
	repaired bool
	// suspensions counts how often it had to wait for a budget, and cuts how often its call was cut off since the last answer.
	suspensions, cuts int
	// cost is what its calls cost, and share what they may before it has to wait for more of its goal's money, 0 for no bound.
	cost  events.Cost
	share events.Nanos
	// said is what earlier runs of its conversation hold, once that was read, and era is when it was.
	said []events.Message
	era  int
}

// asked is an approval and, once there is one, its answer.
type asked struct {
	events.RunApprovalAsked
	answer events.RunApprovalAnswered
}

func newConversation() *conversation {
	return &conversation{chat: -1, draft: -1, begun: map[int]int{}, results: map[int]events.Message{}, approvals: map[int]*asked{}, fixes: map[int]string{}, fixedAt: map[int]string{}}
}

// read goes on behind the last fact that was read.
func (c *conversation) read(ctx context.Context, store eventstore.Store, workspace, run string) error {
	return c.follow(ctx, store, workspace, run, func(events.Envelope, events.Run) bool { return true })
}

// follow is read, and shows each fact before it counts, until next does not want it.
func (c *conversation) follow(ctx context.Context, store eventstore.Store, workspace, run string, next func(events.Envelope, events.Run) bool) error {
	stream := commands.RunStream(workspace, run)
	for e, err := range store.ReadStream(ctx, stream, eventstore.StreamOptions{From: &c.next}) {
		if errors.Is(err, eventstore.ErrNoStream) && c.next > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load run %s: %w", run, err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			return fmt.Errorf("load run %s: %w", run, err)
		}
		f, ok := fact.(events.Run)
		if !ok {
			return fmt.Errorf("load run %s: a fact %s stands in its stream", run, e.Kind)
		}
		if !next(e, f) {
			return nil
		}
		c.evolve(f)
		if c.next == 0 {
			c.position = e.Position
		}
		c.next = e.Revision + 1
	}
	return nil
}

func (c *conversation) evolve(fact events.Run) {
	switch f := fact.(type) {
	case events.RunStarted:
		c.started, c.share = f, f.ShareNanos
		if f.Tool != "" {
			c.calls = []events.ToolCall{{ID: "call", Name: f.Tool, Arguments: f.Params}}
		}
	case events.RunAssigned:
		c.assigned = &f
	case events.RunStepStarted:
		c.steps = f.Step + 1
		switch {
		case f.Type == events.ChatStep && f.Name == draftStep:
			c.draft = f.Step
		case f.Type == events.ChatStep:
			c.chat = f.Step
		case f.Call != nil:
			c.begun[*f.Call] = f.Step
		}
	case events.RunStepFinished:
		c.cost = c.cost.Plus(f.Cost())
		if f.Step == c.chat {
			c.chat = -1
			c.cuts++
		}
	case events.RunSpecialistDrafted:
		c.draft, c.drafted = -1, &f
	case events.RunToolCalled:
		c.results[f.Call] = f.Result
	case events.RunLLMCalled:
		c.turns++
		c.chat, c.cuts = -1, 0
		c.invalid, c.repaired = f.Invalid, c.repaired || f.Invalid != ""
		c.fixedAt = c.fixed()
		c.messages = append(append(c.messages, c.told()...), f.Asked...)
		c.messages = append(c.messages, f.Answered...)
		c.calls, c.begun, c.results, c.approvals, c.fixes = nil, map[int]int{}, map[int]events.Message{}, map[int]*asked{}, map[int]string{}
		if n := len(f.Answered); n > 0 {
			c.calls = f.Answered[n-1].ToolCalls
		}
	case events.RunApprovalAsked:
		c.approvals[f.Call] = &asked{RunApprovalAsked: f}
	case events.RunApprovalAnswered:
		for _, a := range c.approvals {
			if a.Approval == f.Approval {
				a.answer = f
			}
		}
	case events.RunSuspended:
		c.suspensions++
	case events.RunResumed:
		c.share = max(c.share, f.ShareNanos)
	case events.RunFixKnown:
		for call, step := range c.begun {
			if f.Told && step == f.Step {
				c.fixes[call] = f.Fix
			}
		}
	case events.RunSkillLoaded:
	case events.RunFinished, events.RunFailed, events.RunCancelled:
		c.ended = true
	}
}

// told are the results of the last answer's calls, in the order of the calls.
func (c *conversation) told() []events.Message {
	var told []events.Message
	for _, call := range slices.Sorted(maps.Keys(c.results)) {
		told = append(told, c.results[call])
	}
	return told
}

// fixed are the fixes that were told of with results, by the place of each among the messages and the latest results.
func (c *conversation) fixed() map[int]string {
	fixed := maps.Clone(c.fixedAt)
	for i, call := range slices.Sorted(maps.Keys(c.results)) {
		if name, ok := c.fixes[call]; ok {
			fixed[len(c.messages)+i] = name
		}
	}
	return fixed
}
