package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/readmodel"
)

// shortestLease leaves a driver on a busy machine time to renew it.
const shortestLease = 100 * time.Millisecond

// leaseTime is how long the lease of this process lasts: the flag's time, or the configured one.
func (a *app) leaseTime(flag *time.Duration) (time.Duration, error) {
	ttl := orchestrator.DefaultLease
	for _, d := range []*time.Duration{a.config.Lease, flag} {
		if d != nil {
			ttl = *d
		}
	}
	if ttl < shortestLease || ttl > readmodel.MaxLease {
		return 0, usage("--lease %s: give %s to %s", ttl, shortestLease, readmodel.MaxLease)
	}
	return ttl, nil
}

// drive runs what only one process at a time may do on this store: see orchestrator.Drive. verb tells other processes
// who they wait for.
func (a *app) drive(ctx context.Context, verb string, ttl time.Duration, log *slog.Logger, standby func(readmodel.Lease), run func(context.Context, *orchestrator.Lease) error) error {
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	return orchestrator.Drive(ctx, a.models, orchestrator.DriveConfig{
		Holder: fmt.Sprintf("%s, process %d on %s", verb, os.Getpid(), host), TTL: ttl, Clock: a.clock, OnStandby: standby, Log: log,
	}, run)
}
