package orchestrator

import (
	"context"
	"errors"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// heard is what is known by the log and not by the read models, which may be behind: what a person set before a run was asked
// for holds for that run.
type heard interface {
	// kinds are the facts that tell of it.
	kinds() []string
	// start takes in what the read models have seen.
	start(ctx context.Context, models *projections.Models) error
	// hear takes in a fact of the log, of any kind.
	hear(e *events.Envelope)
}

// load takes in what there was at a position: what the read models have seen, and the log from there on.
func load(ctx context.Context, store eventstore.Store, models *projections.Models, head uint64, all []heard) error {
	var kinds []string
	for _, h := range all {
		kinds = append(kinds, h.kinds()...)
	}
	// The position comes first: what is folded meanwhile is heard again.
	from, err := models.Position(ctx)
	switch {
	case errors.Is(err, readmodel.ErrOutdated):
		from = 0
	case err != nil:
		return err
	default:
		for _, h := range all {
			if err := h.start(ctx, models); err != nil {
				return err
			}
		}
	}
	if from >= head {
		return nil
	}
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{From: from, Kinds: kinds}) {
		if err != nil {
			return err
		}
		if e.Position > head {
			break
		}
		for _, h := range all {
			h.hear(&e)
		}
	}
	return nil
}
