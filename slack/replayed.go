package slack

import (
	"sync"
	"time"
)

// replayed remembers which deliveries were taken, so that one that comes again is only acknowledged. What it forgets, the
// commands' ids still know.
type replayed struct {
	now func() time.Time
	mu  sync.Mutex
	// seen are the deliveries of this span of time, before those of the last one.
	seen, before map[string]bool
	since        time.Time
}

// rememberFor is how long a delivery is remembered at least: Slack repeats for an hour.
const rememberFor = time.Hour

// maxRemembered bounds how many are remembered of a span.
const maxRemembered = 100_000

func newReplayed(now func() time.Time) *replayed {
	return &replayed{now: now, seen: map[string]bool{}, since: now()}
}

// first tells of a delivery that was not taken before, and takes it.
func (r *replayed) first(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now().Sub(r.since) > rememberFor || len(r.seen) >= maxRemembered {
		r.before, r.seen, r.since = r.seen, map[string]bool{}, r.now()
	}
	if r.seen[id] || r.before[id] {
		return false
	}
	r.seen[id] = true
	return true
}

// known tells of a delivery that was taken.
func (r *replayed) known(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[id] || r.before[id]
}

// forget lets go of a delivery that was not taken after all.
func (r *replayed) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, id)
	delete(r.before, id)
}
