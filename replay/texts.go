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

// Texts gives a run's row its whole prompt and answer, of which the read models hold the beginnings, and its whole error. It reads the log
// where they may have been cut; where the log is gone it returns readmodel.ErrUnavailable. A run that has not ended by
// the row has no answer yet, whatever the log holds by now.
func Texts(ctx context.Context, store eventstore.Store, row *projections.RunRow) error {
	if projections.MayBeCut(row.Prompt) {
		if err := text(ctx, store, row, eventstore.Forwards); err != nil {
			return err
		}
	}
	if projections.MayBeCut(row.Answer) || projections.Excerpted(row.Error) {
		return text(ctx, store, row, eventstore.Backwards)
	}
	return nil
}

// text takes over the text of a run's first fact, or of its last one.
func text(ctx context.Context, store eventstore.Store, row *projections.RunRow, d eventstore.Direction) error {
	for e, err := range store.ReadStream(ctx, commands.RunStream(row.Workspace, row.Run), eventstore.StreamOptions{Direction: d, Limit: 1}) {
		if errors.Is(err, eventstore.ErrUnavailable) {
			err = fmt.Errorf("%w: %w", readmodel.ErrUnavailable, err)
		}
		if err != nil {
			return fmt.Errorf("the texts of run %s: %w", row.Run, err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			return fmt.Errorf("the texts of run %s: %w", row.Run, err)
		}
		switch f := fact.(type) {
		case events.RunStarted:
			row.Prompt = f.Prompt
		case events.RunFinished:
			row.Answer = f.Answer
		case events.RunFailed:
			row.Error = f.Error
		case events.RunCancelled:
			row.Error = f.Reason
		}
	}
	return nil
}

// Phrasing is what the record says that a run was to find words for, as the log has it.
func Phrasing(ctx context.Context, store eventstore.Store, workspace, run string) (events.Phrasing, error) {
	for e, err := range store.ReadStream(ctx, commands.RunStream(workspace, run), eventstore.StreamOptions{Limit: 1}) {
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err != nil {
			return events.Phrasing{}, fmt.Errorf("what run %s was to word: %w", run, err)
		}
		if started, is := fact.(events.RunStarted); is && started.Phrases != nil {
			return *started.Phrases, nil
		}
	}
	return events.Phrasing{}, fmt.Errorf("run %s was to word nothing", run)
}
