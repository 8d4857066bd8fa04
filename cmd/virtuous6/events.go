package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/replay"
)

type eventsVerb struct {
	JSON        bool     `name:"json" help:"Print one JSON value."`
	Limit       *count   `placeholder:"N" help:"Rows, 0 for all. Default: 50, and all with --json."`
	Stream      string   `help:"Only this stream, such as run-airline-0-1."`
	Kind        []string `help:"Only this kind, such as run.failed; give it again for more."`
	Correlation string   `help:"Only what belongs to this run, in whatever stream."`
	After       uint64   `help:"Only positions above this one."`
	Until       *uint64  `help:"Only positions up to this one."`
	Last        bool     `help:"The latest first."`
	pastFlag

	// cut is the revision at which a stream ends as of a time, for those that went on later.
	cut map[string]uint64
}

// Help gives examples.
func (eventsVerb) Help() string {
	return "Examples:\n  virtuous6 events --last --limit 10\n  virtuous6 events --kind feedback.given --json\n" +
		"  virtuous6 events --correlation airline-0-1 --limit 0"
}

// eventRow is an event as `events --json` shows it.
type eventRow struct {
	Position    uint64          `json:"position"`
	ID          uuid.UUID       `json:"id"`
	Stream      string          `json:"stream"`
	Revision    uint64          `json:"revision"`
	Kind        string          `json:"kind"`
	Version     int             `json:"version"`
	OccurredAt  time.Time       `json:"occurred_at"`
	RecordedAt  time.Time       `json:"recorded_at"`
	Causation   uuid.UUID       `json:"causation"`
	Correlation string          `json:"correlation"`
	Actor       string          `json:"actor"`
	Workspace   string          `json:"workspace"`
	Data        json.RawMessage `json:"data"`
}

// Run lists events.
func (v eventsVerb) Run(ctx context.Context, a *app) error {
	for _, kind := range v.Kind {
		if !slices.Contains(events.Known.Kinds(), kind) {
			return usage("--kind %s: there is no such kind; there are %s", kind, strings.Join(events.Known.Kinds(), ", "))
		}
	}
	if err := a.openStore(ctx, true); err != nil {
		return err
	}
	if v.AsOf.given {
		if err := v.lookBack(ctx, a); err != nil {
			return err
		}
	}
	if v.JSON {
		return v.printJSON(ctx, a)
	}
	var failed error
	err := table(a.out, "POSITION|OCCURRED|STREAM|REV|KIND|ACTOR|DATA", func(row func(...any)) {
		for e, err := range v.events(ctx, a.store) {
			if failed = err; err != nil {
				return
			}
			row(e.Position, when(e.OccurredAt), short(e.Stream, 44), e.Revision, e.Kind, short(e.Actor, 24), short(string(e.Data), 90))
		}
	})
	return errors.Join(failed, err)
}

// lookBack bounds what is listed by the moment that was given.
func (v *eventsVerb) lookBack(ctx context.Context, a *app) error {
	if v.AsOf.OccurredBy.IsZero() {
		head, err := a.store.Head(ctx)
		if err != nil {
			return err
		}
		if v.AsOf.Position > head {
			return fmt.Errorf("%w: it ends at position %d", replay.ErrBeyond, head)
		}
		if v.Until == nil || *v.Until > v.AsOf.Position {
			v.Until = &v.AsOf.Position
		}
		a.note("As of %s.", v.AsOf)
		return nil
	}
	v.cut = make(map[string]uint64)
	for e, err := range a.store.ReadAll(ctx, eventstore.ReadOptions{Brief: true, Dataless: events.Known.Kinds()}) {
		if err != nil {
			return err
		}
		if _, known := v.cut[e.Stream]; !known && e.OccurredAt.After(v.AsOf.OccurredBy) {
			v.cut[e.Stream] = e.Revision
		}
	}
	a.note("As of %s.", v.AsOf)
	return nil
}

// printJSON writes the list event by event: a log can be larger than the memory.
func (v eventsVerb) printJSON(ctx context.Context, a *app) error {
	out := bufio.NewWriter(a.out)
	separator := "["
	for e, err := range v.events(ctx, a.store) {
		if err != nil {
			return err
		}
		row, err := eventJSON(e)
		if err != nil {
			return err
		}
		_, _ = out.WriteString(separator + "\n  ") // the first failure stays, and Flush tells it
		_, _ = out.Write(row)
		separator = ","
	}
	if separator == "[" {
		_, _ = out.WriteString(separator)
	}
	_, _ = out.WriteString("\n]\n")
	return out.Flush()
}

func eventJSON(e events.Envelope) ([]byte, error) {
	row, err := json.Marshal(eventRow{
		Position: e.Position, ID: e.ID, Stream: e.Stream, Revision: e.Revision, Kind: e.Kind, Version: e.Version,
		OccurredAt: e.OccurredAt, RecordedAt: e.RecordedAt, Causation: e.Causation, Correlation: e.Correlation,
		Actor: e.Actor, Workspace: e.Workspace, Data: e.Data,
	})
	if err != nil {
		return nil, fmt.Errorf("event at position %d: %w", e.Position, err)
	}
	return row, nil
}

// events yields what the filters let through, up to the limit.
func (v eventsVerb) events(ctx context.Context, store eventstore.Store) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		left := rows(v.Limit, v.JSON, 50)
		for e, err := range v.source(ctx, store) {
			switch {
			case errors.Is(err, eventstore.ErrNoStream):
				return
			case err != nil:
				yield(e, err)
				return
			case v.passed(e):
				return
			case !v.wants(e):
				continue
			}
			if !yield(e, nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// source reads as little as the filters allow.
func (v eventsVerb) source(ctx context.Context, store eventstore.Store) iter.Seq2[events.Envelope, error] {
	if v.Stream != "" {
		return store.ReadStream(ctx, v.Stream, eventstore.StreamOptions{Direction: eventstore.Direction(v.Last)})
	}
	o := eventstore.ReadOptions{From: v.After, Direction: eventstore.Direction(v.Last), Kinds: v.Kind}
	if v.Last {
		o.From = 0
		if v.Until != nil && *v.Until < math.MaxUint64 {
			o.From = *v.Until + 1
		}
	}
	return store.ReadAll(ctx, o)
}

// passed tells that nothing wanted comes any more.
func (v eventsVerb) passed(e events.Envelope) bool {
	if v.Last {
		return e.Position <= v.After
	}
	return v.Until != nil && e.Position > *v.Until
}

func (v eventsVerb) wants(e events.Envelope) bool {
	cut, ends := v.cut[e.Stream]
	return e.Position > v.After &&
		(v.Until == nil || e.Position <= *v.Until) &&
		(!ends || e.Revision < cut) &&
		(len(v.Kind) == 0 || slices.Contains(v.Kind, e.Kind)) &&
		(v.Correlation == "" || e.Correlation == v.Correlation)
}
