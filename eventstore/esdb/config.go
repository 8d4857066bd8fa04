package esdb

import (
	"context"
	"time"
)

// A Config tunes a store. Its zero value works.
type Config struct {
	// Timeout is how long one call may take. Default the URL's defaultDeadline, or 5 s.
	Timeout time.Duration
	// Search is how long the server may look for the log's events among those of others before it sends one. Default 24
	// times Timeout.
	Search time.Duration
	// Patience is how long a call is made again while no node answers, before it fails with ErrUnavailable: a quarter of it
	// where the log is opened. A subscription tries for ever. Default 20 s.
	Patience time.Duration
	// Remembered is how many event ids of streams appended to are kept in memory, about 50 bytes each. A stream that was
	// forgotten is read again before the next append to it. Default 262,144.
	Remembered int
	// Wait pauses between two attempts, and ends early with ctx's error. Default a timer.
	Wait func(ctx context.Context, d time.Duration) error
}

// The pauses between two attempts, the first and the longest. They double in between.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 2 * time.Second
)

func (c Config) filled(deadline *time.Duration) Config {
	if c.Timeout <= 0 && deadline != nil {
		c.Timeout = *deadline
	}
	if c.Timeout <= 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Search <= 0 {
		c.Search = 24 * c.Timeout
	}
	if c.Patience <= 0 {
		c.Patience = 20 * time.Second
	}
	if c.Remembered <= 0 {
		c.Remembered = 1 << 18
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	return c
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
