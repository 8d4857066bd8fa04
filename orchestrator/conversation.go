package orchestrator

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// conversation is a live run as the one who performs its next turn needs it.
type conversation struct {
	started  events.RunStarted
	messages []events.Message
	// turns counts the calls to the model that were recorded.
	turns int
	// steps counts the steps started; stepOf finds one by the id of the fact that started it; finished are those done.
	steps    int
	stepOf   map[uuid.UUID]int
	finished map[int]bool
	ended    bool
}

func loadConversation(ctx context.Context, store eventstore.Store, run string) (*conversation, error) {
	c := &conversation{stepOf: map[uuid.UUID]int{}, finished: map[int]bool{}}
	for e, err := range store.ReadStream(ctx, commands.RunStream(run), eventstore.StreamOptions{}) {
		if err != nil {
			return nil, fmt.Errorf("load run %s: %w", run, err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			return nil, fmt.Errorf("load run %s: %w", run, err)
		}
		f, ok := fact.(events.Run)
		if !ok {
			return nil, fmt.Errorf("load run %s: a fact %s stands in its stream", run, e.Kind)
		}
		c.evolve(e.ID, f)
	}
	return c, nil
}

func (c *conversation) evolve(id uuid.UUID, fact events.Run) {
	switch f := fact.(type) {
	case events.RunStarted:
		c.started = f
	case events.RunStepStarted:
		c.steps = f.Step + 1
		c.stepOf[id] = f.Step
	case events.RunStepFinished:
		c.finished[f.Step] = true
	case events.RunLLMCalled:
		c.turns++
		c.messages = append(append(c.messages, f.Asked...), f.Answered...)
	case events.RunFinished, events.RunFailed, events.RunCancelled:
		c.ended = true
	}
}

// pending are the tool calls of the last answer. What their tools returned is part of the next call to the model.
func (c *conversation) pending() []events.ToolCall {
	if len(c.messages) == 0 {
		return nil
	}
	return c.messages[len(c.messages)-1].ToolCalls
}
