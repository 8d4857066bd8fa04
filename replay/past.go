package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Moment is a point to look at history from: a position in the log, or a time.
type Moment struct {
	// Position stands for what the system knew: the facts up to it, whenever they happened.
	Position uint64
	// OccurredBy, where it is not zero, stands for what had happened: the facts that occurred up to then, of all that is
	// known today, whenever they were recorded. A stream is cut at its first fact that occurred later, so that what is
	// left of it is a history.
	OccurredBy time.Time
}

// String tells what is looked at.
func (m Moment) String() string {
	if m.OccurredBy.IsZero() {
		return fmt.Sprintf("what was known at position %d", m.Position)
	}
	return "what had happened by " + m.OccurredBy.Format(time.RFC3339Nano) + ", of all that is known now"
}

// ErrMoment tells that a text names no moment.
var ErrMoment = errors.New("give a position, such as 1200, or a time in UTC, such as 2026-11-22 or 2026-11-22T18:00:00Z")

// The shapes of times that a moment may have. One without a clock is the start of its day.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// A log's times are Unix nanoseconds.
var firstTime, lastTime = time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)

// ParseMoment reads a moment: a position or a time. It returns ErrMoment for anything else.
func ParseMoment(text string) (Moment, error) {
	if position, err := strconv.ParseUint(text, 10, 63); err == nil {
		return Moment{Position: position}, nil
	}
	for _, layout := range timeLayouts {
		at, err := time.ParseInLocation(layout, text, time.UTC)
		switch {
		case err != nil:
		case at.Before(firstTime) || at.After(lastTime):
			return Moment{}, fmt.Errorf("%q is outside of what a log can hold, 1678 to 2262: %w", text, ErrMoment)
		default:
			return Moment{OccurredBy: at.UTC()}, nil
		}
	}
	return Moment{}, fmt.Errorf("%q is no moment: %w", text, ErrMoment)
}

// ErrBeyond tells that a moment lies behind the log's end.
var ErrBeyond = errors.New("the log does not reach there yet")

// At gives the read models of a moment, in an empty engine that they come to own. models are the live ones: it is reached from
// their last snapshot before which all facts belong to it. The caller closes what it gets. progress, if any, hears positions.
func At(ctx context.Context, store eventstore.Store, models *projections.Models, empty readmodel.Engine, m Moment, progress func(position uint64)) (*projections.Past, error) {
	w, err := wayTo(ctx, store, models, m)
	if err != nil {
		return nil, errors.Join(err, empty.Close())
	}
	past, err := models.Past(ctx, empty, w.from)
	if err != nil {
		return nil, err
	}
	if err := reach(ctx, store, past, m, w.to, progress); err != nil {
		return nil, errors.Join(fmt.Errorf("reach %s: %w", m, err), past.Close())
	}
	past.Rest()
	return past, nil
}

// way is where a moment lies in the log: all facts up to from belong to it, none behind to does.
type way struct{ from, to uint64 }

func wayTo(ctx context.Context, store eventstore.Store, models *projections.Models, m Moment) (way, error) {
	head, err := store.Head(ctx)
	if err != nil {
		return way{}, err
	}
	if m.Position > head {
		return way{}, fmt.Errorf("%w: it ends at position %d", ErrBeyond, head)
	}
	if m.OccurredBy.IsZero() {
		return way{m.Position, m.Position}, nil
	}
	s, err := models.Around(ctx, m.OccurredBy)
	if err != nil {
		return way{}, err
	}
	w := way{s.From, max(s.From, s.To)}
	// Of what the read models have not seen yet nobody has kept when it occurred.
	more, err := occurred(ctx, store, s.Known, head, m.OccurredBy)
	if more {
		w.to = head
	}
	return w, err
}

// occurred tells whether one of the facts between two positions had occurred by a time.
func occurred(ctx context.Context, store eventstore.Store, from, to uint64, at time.Time) (bool, error) {
	if from >= to {
		return false, nil
	}
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{From: from, Brief: true}) {
		switch {
		case err != nil:
			return false, err
		case e.Position > to:
			return false, nil
		case !e.OccurredAt.After(at):
			return true, nil
		}
	}
	return false, nil
}

// pastBatch is how much is folded at once on the way from a snapshot: it is never far.
const pastBatch = 8_192

func reach(ctx context.Context, store eventstore.Store, past *projections.Past, m Moment, to uint64, progress func(uint64)) error {
	from, err := past.Position(ctx)
	if err != nil {
		return err
	}
	if from == 0 {
		return build(ctx, store, past.Models, m, to, progress)
	}
	for batch, err := range m.batches(ctx, store, from, to, pastBatch) {
		if err != nil {
			return err
		}
		if err := past.Apply(ctx, from, batch); err != nil {
			return err
		}
		from = batch[len(batch)-1].Envelope.Position
		if progress != nil {
			progress(from)
		}
	}
	return nil
}

// Build replaces what read models hold by the state of a moment.
func Build(ctx context.Context, store eventstore.Store, models *readmodel.Models, m Moment, progress func(position uint64)) error {
	head, err := store.Head(ctx)
	if err != nil {
		return err
	}
	if m.Position > head {
		return fmt.Errorf("%w: it ends at position %d", ErrBeyond, head)
	}
	to := m.Position
	if !m.OccurredBy.IsZero() {
		to = logEnd
	}
	return build(ctx, store, models, m, to, progress)
}

// build is Build, of which nothing lies behind a position.
func build(ctx context.Context, store eventstore.Store, models *readmodel.Models, m Moment, to uint64, progress func(uint64)) error {
	first, err := firstID(ctx, store)
	if err != nil {
		return err
	}
	rebuild, err := models.BeginRebuild(ctx)
	if err != nil {
		return err
	}
	// From here on nobody takes them for live ones.
	if err := models.SetOrigin(ctx, readmodel.Origin{Log: first, Built: true}); err != nil {
		return errors.Join(err, rebuild.Discard(context.WithoutCancel(ctx)))
	}
	err = rebuild.Run(ctx, m.batches(ctx, store, 0, to, rebuildBatch), progress)
	if err == nil {
		err = rebuild.Replace(ctx)
	}
	if err != nil {
		_ = rebuild.Discard(context.WithoutCancel(ctx)) // the cause counts
	}
	return err
}

// batches are those of the log between two positions that belong to the moment.
func (m Moment) batches(ctx context.Context, store eventstore.Store, from, to uint64, size int) iter.Seq2[[]readmodel.Entry, error] {
	all := batches(ctx, store, from, to, size)
	if m.OccurredBy.IsZero() {
		return all
	}
	return occurredBy(all, m.OccurredBy)
}

// occurredBy yields of each stream what comes before its first fact that occurred after a time.
func occurredBy(log iter.Seq2[[]readmodel.Entry, error], at time.Time) iter.Seq2[[]readmodel.Entry, error] {
	return func(yield func([]readmodel.Entry, error) bool) {
		cut := make(map[string]struct{})
		for batch, err := range log {
			if err != nil {
				yield(nil, err)
				return
			}
			batch = slices.DeleteFunc(batch, func(e readmodel.Entry) bool {
				if _, gone := cut[e.Envelope.Stream]; gone {
					return true
				}
				if !e.Envelope.OccurredAt.After(at) {
					return false
				}
				cut[e.Envelope.Stream] = struct{}{}
				return true
			})
			if len(batch) > 0 && !yield(batch, nil) {
				return
			}
		}
	}
}
