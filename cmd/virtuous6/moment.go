package main

import (
	"context"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// moment is a point in history as it is given on the command line: a position, or a time in UTC.
type moment struct {
	replay.Moment
	given bool
}

// UnmarshalText reads a moment.
func (m *moment) UnmarshalText(text []byte) (err error) {
	m.given = true
	m.Moment, err = replay.ParseMoment(string(text))
	return err
}

// pastFlag is what every reading verb takes.
type pastFlag struct {
	AsOf moment `help:"Answer as of then. A position: what was known when the log ended there. A time (UTC): what had happened by then, of all that is known now." placeholder:"POSITION|TIME"`
}

// readAt is read, as of a moment if one is given.
func (a *app) readAt(ctx context.Context, at pastFlag) (projections.Reader, error) {
	if !at.AsOf.given {
		return a.read(ctx)
	}
	if _, err := a.readAll(ctx); err != nil {
		return nil, err
	}
	empty, err := scratch(ctx)
	if err != nil {
		return nil, err
	}
	total := int64(at.AsOf.Position)
	if !at.AsOf.OccurredBy.IsZero() {
		head, err := a.store.Head(ctx)
		if err != nil {
			return nil, err
		}
		total = int64(head)
	}
	bar := a.progress("look back", total, "events")
	past, err := replay.At(ctx, a.store, a.models, empty, at.AsOf.Moment, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, past.Close)
	a.note("As of %s.", at.AsOf)
	return past.In(a.flags.Workspace), a.noteParked(ctx, past)
}
