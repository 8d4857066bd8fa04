package main

import (
	"context"
	"fmt"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5"
)

// lease is the right to drive live runs on a store: one process at a time has it, or two would ask the model twice. The
// system, or the database, frees it when its holder dies.
type lease struct{ release func() error }

// leaseKey is the advisory lock that stands for the lease in a PostgreSQL database: "v6 lease" in ASCII.
const leaseKey = 0x7636206c65617365

// acquire tries to take the lease of the configured store. It returns nil where another process has it.
func (a *app) acquire(ctx context.Context) (*lease, error) {
	log, err := a.log()
	if err != nil {
		return nil, err
	}
	at, err := a.readModels(log)
	if err != nil {
		return nil, err
	}
	// The log's engine keeps the lease where it can. Beside EventStoreDB, the read models' does.
	if log.engine != esdbEngine {
		at = log
	}
	if at.engine == postgresEngine {
		return acquirePostgres(ctx, at)
	}
	lock := flock.New(at.url + ".lock")
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s.lock: %w", at.url, err)
	}
	if !got {
		return nil, nil
	}
	return &lease{lock.Unlock}, nil
}

// acquirePostgres holds an advisory lock for as long as its connection lives.
func acquirePostgres(ctx context.Context, at address) (*lease, error) {
	conn, err := pgx.Connect(ctx, at.url)
	if err != nil {
		return nil, fmt.Errorf("take the lease in %s: %w", at, err)
	}
	var got bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(leaseKey)).Scan(&got); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("take the lease in %s: %w", at, err)
	}
	if !got {
		return nil, conn.Close(ctx)
	}
	return &lease{func() error { return conn.Close(context.WithoutCancel(ctx)) }}, nil
}
