package main

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

type doctorVerb struct {
	JSON bool `name:"json" help:"Print one JSON value."`
}

// Help tells what parked means.
func (doctorVerb) Help() string {
	return "Tells how far the read models are, who drives live runs, and which streams are parked: a fact that this version can't read, or that a read " +
		"model can't fold, parks its stream for that read model, and everything else goes on. Nothing is dropped: the facts stay in " +
		"the log. After an upgrade or a fix, `virtuous6 retry` takes the parked streams up again. Exit code 1 where anything is " +
		"wrong.\n\nExample:\n  virtuous6 doctor"
}

// diagnosis is what `doctor --json` prints.
type diagnosis struct {
	OK                 bool   `json:"ok"`
	Position           uint64 `json:"position"`
	ReadModelsPosition uint64 `json:"read_models_position"`
	// Driver is who drives live runs, empty where nobody does.
	Driver string                `json:"driver"`
	Parked []readmodel.ParkedRow `json:"parked"`
}

// Run looks at the store and tells what is wrong with it.
func (v doctorVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAll(ctx)
	if err != nil {
		return err
	}
	var d diagnosis
	if d.Position, err = a.store.Head(ctx); err != nil {
		return err
	}
	if d.ReadModelsPosition, err = reader.Position(ctx); err != nil {
		return err
	}
	driver, err := a.models.Lease(ctx, orchestrator.DriverLease)
	if err != nil {
		return err
	}
	d.Driver = driver.Holder
	parked, err := reader.Parked(ctx)
	if err != nil {
		return err
	}
	d.Parked = limited(parked, 0)
	d.OK = len(d.Parked) == 0
	if v.JSON {
		err = a.json(d)
	} else {
		err = v.tell(a, d)
	}
	if err == nil && !d.OK {
		return errSaid
	}
	return err
}

func (v doctorVerb) tell(a *app, d diagnosis) error {
	fmt.Fprintf(a.out, "The log is at position %d, the read models at %d.\n", d.Position, d.ReadModelsPosition)
	if d.Driver == "" {
		fmt.Fprintln(a.out, "Nobody drives live runs: `virtuous6 serve` does.")
	} else {
		fmt.Fprintf(a.out, "Live runs are driven by %s.\n", d.Driver)
	}
	if d.OK {
		_, err := fmt.Fprintln(a.out, "No stream is parked.")
		return err
	}
	fmt.Fprintln(a.out, "Parked streams. Once what the reason says is done, `virtuous6 retry` takes them up again.")
	a.listParked(d.Parked)
	return nil
}

func (a *app) listParked(parked []readmodel.ParkedRow) {
	for _, p := range parked {
		readModel := p.Projection + " only"
		if p.Projection == readmodel.Everything {
			readModel = "all read models"
		}
		fmt.Fprintf(a.out, "\n%s, for %s, from position %d on (%s version %d, facts that wait: %d)\n  %s\n", oneLine(p.Stream), readModel,
			p.Position, oneLine(p.Kind), p.Version, p.Waiting, oneLine(p.Reason))
	}
}

// noteParked says on standard error that what is shown leaves something out.
func (a *app) noteParked(ctx context.Context, reader projections.Reader) error {
	parked, err := reader.Parked(ctx)
	if err != nil || len(parked) == 0 {
		return err
	}
	streams := map[string]bool{}
	for _, p := range parked {
		streams[p.Stream] = true
	}
	a.note("Parked streams, which are not in this from some fact on: %d. See `virtuous6 doctor`.", len(streams))
	return nil
}

type retryVerb struct {
	JSON bool `name:"json" help:"Print one JSON value."`
}

// Help tells when to retry.
func (retryVerb) Help() string {
	return "Rebuilds the read models that streams are parked for, beside the live ones, and swaps them in. What this version still " +
		"can't read stays parked; exit code 1 then.\n\nExample:\n  virtuous6 doctor\n  virtuous6 retry"
}

// Run takes parked streams up again.
func (v retryVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAll(ctx)
	if err != nil {
		return err
	}
	before, err := reader.Parked(ctx)
	if err != nil {
		return err
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	bar := a.progress("retry", int64(head), "events")
	err = replay.Retry(ctx, a.store, a.models, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err != nil {
		return err
	}
	after, err := reader.Parked(ctx)
	if err != nil {
		return err
	}
	still := make(map[[2]string]bool, len(after))
	for _, p := range after {
		still[[2]string{p.Projection, p.Stream}] = true
	}
	resumed := []readmodel.ParkedRow{}
	for _, p := range before {
		if !still[[2]string{p.Projection, p.Stream}] {
			resumed = append(resumed, p)
		}
	}
	switch {
	case v.JSON:
		err = a.json(map[string]any{"resumed": resumed, "parked": limited(after, 0)})
	case len(before) == 0:
		_, err = fmt.Fprintln(a.out, "No stream is parked.")
	default:
		fmt.Fprintf(a.out, "%d resumed, %d still parked.\n", len(resumed), len(after))
		if len(after) > 0 {
			a.listParked(after)
		}
	}
	if err == nil && len(after) > 0 {
		return errSaid
	}
	return err
}
