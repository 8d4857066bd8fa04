package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	sqlitemodels "github.com/virtuous6/virtuous6/projections/sqlite"
)

// moment is a point in history as it is given on the command line: a position, or a time in UTC.
type moment struct {
	orchestrator.Moment
	given bool
}

// The shapes of times that a moment may have. One without a clock is the start of its day.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// A log's times are Unix nanoseconds.
var firstTime, lastTime = time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64)

// UnmarshalText reads a moment.
func (m *moment) UnmarshalText(text []byte) error {
	if position, err := strconv.ParseUint(string(text), 10, 63); err == nil {
		*m = moment{Moment: orchestrator.Moment{Position: position}, given: true}
		return nil
	}
	for _, layout := range timeLayouts {
		if at, err := time.ParseInLocation(layout, string(text), time.UTC); err == nil {
			if at.Before(firstTime) || at.After(lastTime) {
				return fmt.Errorf("%q is none of the times that a log can hold, from 1678 to 2262", text)
			}
			*m = moment{Moment: orchestrator.Moment{OccurredBy: at.UTC()}, given: true}
			return nil
		}
	}
	return fmt.Errorf("%q is neither a position, such as 1200, nor a time in UTC, such as 2026-11-22 or 2026-11-22T18:00:00Z", text)
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
	empty, err := a.scratch(ctx)
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
	past, err := orchestrator.At(ctx, a.store, a.models, empty, at.AsOf.Moment, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, past.Close)
	a.note("As of %s.", at.AsOf)
	return past, a.noteParked(ctx, past)
}

// scratch is an empty engine that is thrown away when the verb ends.
func (a *app) scratch(ctx context.Context) (projections.Engine, error) {
	dir, err := os.MkdirTemp("", "virtuous6-")
	if err != nil {
		return nil, fmt.Errorf("a folder for read models that are thrown away: %w", err)
	}
	engine, err := sqlitemodels.Open(ctx, filepath.Join(dir, "read-models.db"), sqlitemodels.Options{Scratch: true})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	a.closers = append(a.closers, func() error { return os.RemoveAll(dir) })
	return engine, nil
}

// scratchModels are empty read models that are thrown away when the verb ends.
func (a *app) scratchModels(ctx context.Context) (*projections.Models, error) {
	engine, err := a.scratch(ctx)
	if err != nil {
		return nil, err
	}
	models, err := projections.Open(ctx, engine, projections.Options{SnapshotEvery: -1})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read models that are thrown away: %w", err), engine.Close())
	}
	a.closers = append(a.closers, models.Close)
	return models, nil
}
