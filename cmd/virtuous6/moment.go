package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	sqlitemodels "github.com/virtuous6/virtuous6/readmodel/sqlite"
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
	return past, a.noteParked(ctx, past)
}

// scratch is an empty engine that is thrown away when it is closed.
func scratch(ctx context.Context) (readmodel.Engine, error) {
	dir, err := os.MkdirTemp("", "virtuous6-")
	if err != nil {
		return nil, fmt.Errorf("a folder for read models that are thrown away: %w", err)
	}
	engine, err := sqlitemodels.Open(ctx, filepath.Join(dir, "read-models.db"), sqlitemodels.Options{Scratch: true})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return thrownAway{engine, dir}, nil
}

// thrownAway is an engine in a folder that goes with it.
type thrownAway struct {
	readmodel.Engine
	dir string
}

// Close removes the folder, too.
func (e thrownAway) Close() error { return errors.Join(e.Engine.Close(), os.RemoveAll(e.dir)) }

// scratchModels are empty read models that are thrown away when the verb ends.
func (a *app) scratchModels(ctx context.Context) (*projections.Models, error) {
	engine, err := scratch(ctx)
	if err != nil {
		return nil, err
	}
	models, err := projections.Open(ctx, engine, readmodel.Options{SnapshotEvery: -1})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read models that are thrown away: %w", err), engine.Close())
	}
	a.closers = append(a.closers, models.Close)
	return models, nil
}
