package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// What can be wrong with read models that a log is to be folded into.
var (
	// ErrOtherLog tells that they are another log's.
	ErrOtherLog = errors.New("the read models are those of another log: name other ones with --read-models, or rebuild them from this log with `virtuous6 replay`")
	// ErrAhead tells that they hold more than the log does, as after an older backup of it was restored.
	ErrAhead = errors.New("the read models hold what came after the log's end: the log was restored from an older backup, or is another one; put the right log back, or keep this one and rebuild the read models with `virtuous6 replay`")
	// ErrReplaced tells that they have seen a fact that the log does not have there.
	ErrReplaced = errors.New("the log is not the one that the read models were folded from: an older backup of it was restored, or it was written anew; put the right log back, or keep this one and rebuild the read models with `virtuous6 replay`")
	// ErrBuilt tells that they show one moment, for good.
	ErrBuilt = errors.New("the read models were built as of a moment by `virtuous6 replay --into`: name other ones with --read-models, or rebuild them with `virtuous6 replay`")
	// ErrLive tells that read models which go on with their log are in the way.
	ErrLive = errors.New("a log's live read models are there; name another place")
)

// Belong checks that read models are those of a log, as far as they have seen it, and notes it where that is not known yet.
// Read models of another version are not looked at: they are rebuilt before they are read. It returns ErrOtherLog,
// ErrAhead, ErrReplaced or ErrBuilt where they are not.
func Belong(ctx context.Context, store eventstore.Store, models *projections.Models) error {
	err := belong(ctx, store, models)
	if errors.Is(err, readmodel.ErrOutdated) {
		return nil
	}
	return err
}

func belong(ctx context.Context, store eventstore.Store, models *projections.Models) error {
	// The position is read before the head: the log only grows.
	position, err := models.Position(ctx)
	if err != nil {
		return err
	}
	origin, err := models.Origin(ctx)
	if err != nil {
		return err
	}
	mark, err := models.Mark(ctx)
	if err != nil {
		return err
	}
	first, err := firstID(ctx, store)
	if err != nil {
		return err
	}
	head, err := store.Head(ctx)
	switch {
	case err != nil:
		return err
	case origin.Built:
		return ErrBuilt
	case origin.Log != "" && first != "" && origin.Log != first:
		return ErrOtherLog
	case position > head:
		return fmt.Errorf("%w (they are at position %d, the log ends at %d)", ErrAhead, position, head)
	case mark.Stream != "":
		if err := has(ctx, store, mark); err != nil {
			return err
		}
	}
	if origin.Log == "" && first != "" {
		return models.SetOrigin(ctx, readmodel.Origin{Log: first})
	}
	return nil
}

// foreign tells of read models that can't go on with a log, by what Belong said.
func foreign(err error) bool {
	return errors.Is(err, ErrOtherLog) || errors.Is(err, ErrAhead) || errors.Is(err, ErrReplaced) || errors.Is(err, ErrBuilt)
}

// has checks that a log has the fact that read models have seen last.
func has(ctx context.Context, store eventstore.Store, mark readmodel.Mark) error {
	for e, err := range store.ReadStream(ctx, mark.Stream, eventstore.StreamOptions{From: &mark.Revision, Limit: 1}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			break
		}
		if err != nil {
			return err
		}
		if readmodel.MarkOf(&e) == mark {
			return nil
		}
	}
	return fmt.Errorf("%w (%s, revision %d, is not at position %d any more)", ErrReplaced, mark.Stream, mark.Revision, mark.Position)
}

// firstID is the id of a log's first event, empty where there is none.
func firstID(ctx context.Context, store eventstore.Store) (string, error) {
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{Limit: 1}) {
		if err != nil {
			return "", err
		}
		return e.ID.String(), nil
	}
	return "", nil
}

// Vacant checks that the state of a moment may be built into read models: nobody's live ones are there.
func Vacant(ctx context.Context, models *projections.Models) error {
	position, err := models.Position(ctx)
	if errors.Is(err, readmodel.ErrOutdated) {
		return ErrLive // they can't tell
	}
	if err != nil {
		return err
	}
	origin, err := models.Origin(ctx)
	if err == nil && !origin.Built && (position > 0 || origin.Log != "") {
		err = ErrLive
	}
	return err
}
