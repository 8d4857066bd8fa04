package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Said is a line of a run's conversation: a message, or the failure of a step.
type Said struct {
	// Step is the step that it was said in, -1 where that is not known.
	Step int `json:"step"`
	events.Message
	// Error is why the step failed, or why a model gave no answer and another one was asked; Message is then empty.
	Error string `json:"error,omitempty"`
	// Unknown tells that nobody knows what became of the tool call that this answers.
	Unknown bool `json:"unknown,omitempty"`
}

// Messages is the conversation of a run, from the log: each message once, in the order in which it was said, and where
// steps failed. It is empty where the source recorded none.
func Messages(ctx context.Context, store eventstore.Store, row *projections.RunRow) ([]Said, error) {
	said := []Said{}
	for e, err := range store.ReadStream(ctx, commands.RunStream(row.Workspace, row.Run), eventstore.StreamOptions{}) {
		if errors.Is(err, eventstore.ErrUnavailable) {
			err = fmt.Errorf("%w: %w", readmodel.ErrUnavailable, err)
		}
		if err != nil {
			return nil, fmt.Errorf("the messages of run %s: %w", row.Run, err)
		}
		if e.Position > row.LastPosition {
			break // the row is of a moment before
		}
		fact, err := events.Decode(e)
		if err != nil {
			return nil, fmt.Errorf("the messages of run %s: %w", row.Run, err)
		}
		switch f := fact.(type) {
		case events.RunLLMCalled:
			step := -1
			if f.Step != nil {
				step = *f.Step
			}
			for _, m := range f.Asked {
				said = append(said, Said{Step: step, Message: m})
			}
			for _, failed := range f.Failed {
				said = append(said, Said{Step: step, Error: fmt.Sprintf("%s gave no answer: %s", failed.Model, failed.Error)})
			}
			for _, m := range f.Answered {
				said = append(said, Said{Step: step, Message: m})
			}
		case events.RunToolCalled:
			said = append(said, Said{Step: f.Step, Message: f.Result, Unknown: f.Unknown})
		case events.RunStepFinished:
			if f.Outcome == events.Failed {
				said = append(said, Said{Step: f.Step, Error: f.Error})
			}
		}
	}
	return said, nil
}
