package main

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

type eventsVerb struct {
	JSON        bool     `name:"json" help:"Print one JSON value."`
	Limit       int      `help:"Events, 0 for all." default:"50"`
	Stream      string   `help:"Only this stream, such as run-airline-0-1."`
	Kind        []string `help:"Only this kind, such as run.failed; give it again for more."`
	Correlation string   `help:"Only what belongs to this run, in whatever stream."`
	After       uint64   `help:"Only positions above this one."`
	Until       uint64   `help:"Only positions up to this one."`
	Last        bool     `help:"The latest first."`
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
	if err := a.mustExist(); err != nil {
		return err
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	rows := []eventRow{}
	for e, err := range v.source(ctx, a.store) {
		if errors.Is(err, eventstore.ErrNoStream) {
			break
		}
		if err != nil {
			return err
		}
		if v.passed(e) {
			break
		}
		if !v.wants(e) {
			continue
		}
		rows = append(rows, eventRow{
			Position: e.Position, ID: e.ID, Stream: e.Stream, Revision: e.Revision, Kind: e.Kind, Version: e.Version,
			OccurredAt: e.OccurredAt, RecordedAt: e.RecordedAt, Causation: e.Causation, Correlation: e.Correlation,
			Actor: e.Actor, Workspace: e.Workspace, Data: e.Data,
		})
		if len(rows) == v.Limit {
			break
		}
	}
	if v.JSON {
		return a.json(rows)
	}
	return table(a.out, "POSITION|OCCURRED|STREAM|REV|KIND|ACTOR|DATA", func(row func(...any)) {
		for _, e := range rows {
			row(e.Position, when(e.OccurredAt), short(e.Stream, 44), e.Revision, e.Kind, short(e.Actor, 24), short(string(e.Data), 90))
		}
	})
}

// source reads as little as the filters allow.
func (v eventsVerb) source(ctx context.Context, store eventstore.Store) iter.Seq2[events.Envelope, error] {
	if v.Stream != "" {
		return store.ReadStream(ctx, v.Stream, eventstore.StreamOptions{Direction: eventstore.Direction(v.Last)})
	}
	o := eventstore.ReadOptions{From: v.After, Direction: eventstore.Direction(v.Last), Kinds: v.Kind}
	if v.Last {
		o.From = 0
		if v.Until > 0 {
			o.From = v.Until + 1
		}
	}
	return store.ReadAll(ctx, o)
}

// passed tells that nothing wanted comes any more.
func (v eventsVerb) passed(e events.Envelope) bool {
	if v.Last {
		return e.Position <= v.After
	}
	return v.Until > 0 && e.Position > v.Until
}

func (v eventsVerb) wants(e events.Envelope) bool {
	return e.Position > v.After &&
		(v.Until == 0 || e.Position <= v.Until) &&
		(len(v.Kind) == 0 || slices.Contains(v.Kind, e.Kind)) &&
		(v.Correlation == "" || e.Correlation == v.Correlation)
}
