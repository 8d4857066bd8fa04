package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

type replayVerb struct {
	ReadModels []string `arg:"" optional:"" help:"Rebuild only these, such as metrics or patterns." placeholder:"NAME"`
	To         moment   `help:"Build the state of then, into --into; the live read models stay as they are. With --analysts: where they stop." placeholder:"POSITION|TIME"`
	Into       string   `help:"Where that state is built: sqlite:PATH, or postgres://... with a search_path of its own." placeholder:"URL"`
	JSON       bool     `name:"json" help:"Print one JSON value."`
	rehearsalFlags
}

// Help gives examples.
func (replayVerb) Help() string {
	return "The read models hold nothing that the log doesn't: they are rebuilt beside the live ones and swapped in, so that nobody " +
		"reads half of them. A replay reads the log and nothing else: it asks no model, posts nothing and appends nothing.\n\n" + rehearsalHelp +
		"\n\nExamples:\n  virtuous6 replay\n  virtuous6 replay metrics patterns\n" +
		"  virtuous6 replay --to 2026-11-01 --into sqlite:november.db\n  virtuous6 replay --to 1200 --into sqlite:then.db\n" +
		"  virtuous6 replay --analysts\n  virtuous6 replay --analysts --from 2026-10-01 --to 2026-11-01 --every 24h --json"
}

// Run rebuilds read models.
func (v replayVerb) Run(ctx context.Context, a *app) error {
	if v.Analysts || v.given() {
		return v.rehearse(ctx, a)
	}
	if err := a.openStore(ctx, true); err != nil {
		return err
	}
	if v.To.given || v.Into != "" {
		return v.build(ctx, a)
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	bar := a.progress("replay", int64(head), "events")
	started := a.clock()
	log := &counting{Store: a.store}
	err = replay.RebuildModels(ctx, log, a.models, func(at uint64) { bar.set(int64(at)) }, v.ReadModels...)
	bar.done()
	if errors.Is(err, readmodel.ErrUnknownProjection) {
		return usage("%w; there are %s", err, strings.Join(a.models.Projections(), ", "))
	}
	if err != nil {
		return err
	}
	if err := a.noteParked(ctx, a.models); err != nil {
		return err
	}
	return v.report(ctx, a, a.models, log.read, a.clock().Sub(started))
}

// counting is a log that counts the events that a replay reads of it.
type counting struct {
	eventstore.Store
	read uint64
}

func (c *counting) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		for e, err := range c.Store.ReadAll(ctx, o) {
			if err == nil {
				c.read++
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// build builds the state of a moment in a place of its own.
func (v replayVerb) build(ctx context.Context, a *app) error {
	switch {
	case !v.To.given || v.Into == "":
		return usage("--to and --into go together: what is built, and where")
	case len(v.ReadModels) > 0:
		return usage("--to builds all read models: leave out %s", strings.Join(v.ReadModels, ", "))
	}
	at, err := parseModels("--into", v.Into)
	if err != nil {
		return err
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	if v.To.Position > head {
		return fmt.Errorf("%w: it ends at position %d", replay.ErrBeyond, head)
	}
	target, err := openModels(ctx, at, readmodel.Options{SnapshotEvery: -1})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, target.Close)
	switch err := replay.Vacant(ctx, target); {
	case errors.Is(err, replay.ErrLive):
		return usage("--into: %w", err)
	case err != nil:
		return err
	}
	bar := a.progress("replay", int64(head), "events")
	started := a.clock()
	log := &counting{Store: a.store}
	err = replay.Build(ctx, log, target.Models, v.To.Moment, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err != nil {
		return fmt.Errorf("build %s: %w", v.To, err)
	}
	a.note("Built %s.", v.To)
	return v.report(ctx, a, target, log.read, a.clock().Sub(started))
}

func (v replayVerb) report(ctx context.Context, a *app, models *projections.Models, read uint64, took time.Duration) error {
	digest, err := models.Digest(ctx)
	if err != nil {
		return err
	}
	perSecond := float64(read) / max(took.Seconds(), 1e-9)
	if v.JSON {
		return a.json(map[string]any{
			"position": digest.Position, "digest": digest.SHA256, "seconds": took.Seconds(), "events_per_second": perSecond, "tables": digest.Tables,
		})
	}
	fmt.Fprintf(a.out, "Replayed up to position %d in %s (%.0f events/s). Read models: %s\n", digest.Position, took.Round(time.Millisecond), perSecond, digest.SHA256)
	return table(a.out, "TABLE|ROWS|SHA-256", func(row func(...any)) {
		for _, t := range digest.Tables {
			row(t.Table, t.Rows, t.SHA256)
		}
	})
}
