package postgres

import "time"

// A Config tunes a store. Its zero value works.
type Config struct {
	// Now is the clock of recorded-at. Default time.Now.
	Now func() time.Time
	// Patience is how long an append waits for what keeps it: another process's append, a slow line, or a server that is
	// gone and may come back. Appends that are written together share it. A read waits twice as long for its next page. Default 15 s.
	Patience time.Duration
	// Poll is how often a subscription that has caught up looks at the log although nobody woke it, and how often it
	// tries again where the server is gone. NOTIFY wakes it at once. Default 1 s.
	Poll time.Duration
	// Ticker makes the ticks of Poll, and the function that ends them. Default time.NewTicker.
	Ticker func(time.Duration) (<-chan time.Time, func())
	// Readers is the greatest number of connections that read at the same time. A store has two more: the one that
	// appends, and, once Subscribe was called, the one that listens. Default 4.
	Readers int
	// KeepSchema has Open refuse a log with tables of an older version, instead of bringing them up to date.
	KeepSchema bool
	// Existing has Open return ErrNoLog where there is none, instead of making its tables.
	Existing bool
}

func (c Config) filled() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Patience <= 0 {
		c.Patience = 15 * time.Second
	}
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	if c.Ticker == nil {
		c.Ticker = func(d time.Duration) (<-chan time.Time, func()) {
			t := time.NewTicker(d)
			return t.C, t.Stop
		}
	}
	if c.Readers <= 0 {
		c.Readers = 4
	}
	return c
}
