package main

import (
	"fmt"

	"github.com/gofrs/flock"
)

// lease is the right to drive live runs on a store: one process at a time has it, or two would ask the model twice. The
// system frees it when its holder dies.
type lease struct{ lock *flock.Flock }

// acquire tries to take the lease. It returns nil where another process has it.
func (a *app) acquire() (*lease, error) {
	path, _, err := a.storePath()
	if err != nil {
		return nil, err
	}
	lock := flock.New(path + ".lock")
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s.lock: %w", path, err)
	}
	if !got {
		return nil, nil
	}
	return &lease{lock}, nil
}

func (l *lease) release() error { return l.lock.Unlock() }
