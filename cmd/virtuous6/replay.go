package main

import (
	"context"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/orchestrator"
)

type replayVerb struct {
	JSON bool `name:"json" help:"Print one JSON value."`
}

// Help gives examples.
func (replayVerb) Help() string {
	return "The read models hold nothing that the log doesn't: they are rebuilt beside the live ones and swapped in, so that nobody " +
		"reads half of them.\n\nExample:\n  virtuous6 replay"
}

// Run rebuilds all read models.
func (v replayVerb) Run(ctx context.Context, a *app) error {
	if err := a.mustExist(); err != nil {
		return err
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	bar := a.progress("replay", int64(head), "events")
	started := a.clock()
	err = orchestrator.RebuildModels(ctx, a.store, a.models, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err != nil {
		return err
	}
	took := a.clock().Sub(started)
	digest, err := a.models.Digest(ctx)
	if err != nil {
		return err
	}
	perSecond := float64(head) / max(took.Seconds(), 1e-9)
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
