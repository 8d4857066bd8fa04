package main

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/readmodel"
)

// farewell bounds what is done after the end, or after Ctrl-C. What is left is the next driver's.
const farewell = 5 * time.Second

// driving is a verb that drives live runs, where no other process does, until something has come about.
type driving struct {
	verb string
	// what it waits for, for the note that another process does it.
	what string
	// onText hears pieces of answers as they come. standby, if any, runs while another process drives, and begins hears that
	// this one does from now on.
	onText  func(run, text string)
	standby func(context.Context) error
	begins  func()
	// until returns once it has come about.
	until func(context.Context) error
	// left is done where whoever waits leaves first.
	left func() error
}

func (a *app) driveUntil(ctx context.Context, d driving) error {
	runner, model, err := a.runner(ctx)
	if err != nil {
		return err
	}
	box, err := a.toolbox()
	if err != nil {
		return err
	}
	ttl, err := a.leaseTime(nil)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: max(a.level(), slog.LevelWarn)}))
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, working := errgroup.WithContext(running)
	waiting, drives := context.WithCancel(working)
	defer drives()
	standby := func(driver readmodel.Lease) {
		a.note("%s drives this store: it takes the %s; this process takes over where that one falls silent", driver.Holder, d.what)
		if d.standby != nil {
			group.Go(func() error { return d.standby(waiting) })
		}
	}
	group.Go(func() error {
		return a.drive(working, d.verb, ttl, log, standby, func(ctx context.Context, lease *orchestrator.Lease) error {
			drives()
			if d.begins != nil {
				d.begins()
			}
			c := a.driving(runner, model, box, lease)
			c.Drain, c.OnText = farewell, d.onText
			return orchestrator.New(c).Run(ctx)
		})
	})
	group.Go(func() error {
		defer stop()
		return d.until(working)
	})
	group.Go(func() error {
		select {
		case <-working.Done():
			return nil
		case <-ctx.Done():
		}
		bound := time.AfterFunc(farewell, stop)
		defer bound.Stop()
		if err := d.left(); err != nil {
			return err
		}
		<-working.Done()
		return nil
	})
	return group.Wait()
}
