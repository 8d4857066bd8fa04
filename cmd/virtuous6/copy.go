package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/audit"
)

type copyVerb struct {
	From string `required:"" help:"The log to copy." placeholder:"URL" env:"VIRTUOUS6_COPY_FROM"`
	To   string `required:"" help:"The store to bring it into: empty, or holding the first part of it." placeholder:"URL" env:"VIRTUOUS6_COPY_TO"`
	JSON bool   `name:"json" help:"Print one JSON value."`
}

// Help tells what is kept.
func (copyVerb) Help() string {
	return "Copies all events in their order, under the same ids, and compares a digest over both logs at the end. A copy that was cut " +
		"off goes on where it was. Positions and recorded-at are the target's own; the read models are folded anew by the next verb.\n\n" +
		"Example:\n  virtuous6 copy --from sqlite:virtuous6.db --to postgres://virtuous6@localhost/virtuous6"
}

// Run copies.
func (v copyVerb) Run(ctx context.Context, a *app) (err error) {
	source, err := parseAddress("--from", v.From)
	if err != nil {
		return err
	}
	target, err := parseAddress("--to", v.To)
	if err != nil {
		return err
	}
	from, err := a.openLog(ctx, source, true)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := a.openLog(ctx, target, false)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	head, err := from.Head(ctx)
	if err != nil {
		return err
	}
	bar := a.progress("copy", int64(head), "events")
	started := a.clock()
	done, err := audit.Copy(ctx, from, to, func(at uint64) { bar.set(int64(at)) })
	bar.done()
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(done)
	}
	took := a.clock().Sub(started)
	_, err = fmt.Fprintf(a.out, "%d events copied, %d there already, in %s (%.0f events/s).\nBoth logs have the digest %s.\n", done.Events, done.Already,
		took.Round(time.Millisecond), float64(done.Events)/max(took.Seconds(), 1e-9), done.Digest)
	return err
}
