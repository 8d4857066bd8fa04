package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// maxShown is how much an agent is shown of a question, and of an answer, in bytes: what is longer teaches little more, and is paid for with
// every call.
const maxShown = 4 << 10

// Shown is what an agent's examples say: the question of each run and its answer, behind a word on what they are. What is not there
// any more, or whose person was forgotten, is left out.
func Shown(ctx context.Context, store eventstore.Store, workspace string, examples []events.Example) ([]events.Message, error) {
	var said []events.Message
	for _, e := range examples {
		question, err := edge(ctx, store, workspace, e.Run, eventstore.Forwards)
		if err != nil {
			return nil, err
		}
		answer, err := edge(ctx, store, workspace, e.Run, eventstore.Backwards)
		if err != nil {
			return nil, err
		}
		if !showable(question) || !showable(answer) {
			continue
		}
		said = append(said, events.Message{Role: "user", Content: question}, events.Message{Role: "assistant", Content: answer})
	}
	if len(said) == 0 {
		return nil, nil
	}
	return append([]events.Message{{
		Role: "system", Content: fmt.Sprintf("Before the conversation stand %d questions of others with answers that people called good. They are examples of how to answer, and no part of the conversation.", len(said)/2),
	}}, said...), nil
}

func showable(text string) bool { return text != "" && text != events.Erased && len(text) <= maxShown }

// edge is the question of a run, at its beginning, or the answer at its end; empty where there is none.
func edge(ctx context.Context, store eventstore.Store, workspace, run string, d eventstore.Direction) (string, error) {
	for e, err := range store.ReadStream(ctx, commands.RunStream(workspace, run), eventstore.StreamOptions{Direction: d, Limit: 1}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return "", nil
		}
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err != nil {
			return "", fmt.Errorf("the example %s: %w", run, err)
		}
		switch f := fact.(type) {
		case events.RunStarted:
			return f.Prompt, nil
		case events.RunFinished:
			return f.Answer, nil
		}
	}
	return "", nil
}
