package sqlite

import "time"

// A Config tunes a store. Its zero value works.
type Config struct {
	// Now is the clock of recorded-at. Default time.Now.
	Now func() time.Time
	// BusyTimeout is how long to wait for a lock that another connection holds. Default 10 s.
	BusyTimeout time.Duration
	// Poll is how often a subscription that has caught up looks for what other processes appended. Appends of this
	// process wake it at once. Default 25 ms.
	Poll time.Duration
	// Ticker makes the ticks of Poll, and the function that ends them. Default time.NewTicker.
	Ticker func(time.Duration) (<-chan time.Time, func())
	// Readers is the greatest number of connections that read at the same time. Default 4.
	Readers int
	// KeepSchema has Open refuse a file with tables of an older version, instead of bringing them up to date.
	KeepSchema bool
	// Existing has Open return ErrNoLog where there is none, instead of making one.
	Existing bool
}

func (c Config) filled() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.BusyTimeout <= 0 {
		c.BusyTimeout = 10 * time.Second
	}
	if c.Poll <= 0 {
		c.Poll = 25 * time.Millisecond
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
