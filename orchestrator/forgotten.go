package orchestrator

import (
	"context"
	"sync"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// forgotten hears that people were forgotten: what is kept in mind of what they said is read anew then.
type forgotten struct {
	clock Clock

	mu sync.Mutex
	// n counts them, and last is when the latest one was heard of.
	n    int
	last time.Time
}

// unnoticed is how long a key may still be gone by once it is told that its person is forgotten: it is destroyed a moment later, and who reads
// remembers it for two seconds.
const unnoticed = 5 * time.Second

func (*forgotten) kinds() []string { return nil }

// start implements heard: nothing is in mind yet.
func (*forgotten) start(context.Context, *projections.Models) error { return nil }

// hear implements heard.
func (f *forgotten) hear(e *events.Envelope) {
	if e.Kind != (events.PersonErased{}).Kind() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n, f.last = f.n+1, f.clock()
}

// era is another one after each person who was forgotten, and once more when that can't go unnoticed any longer. What was read in one is not to be
// used in another. Who hears of nobody, since it keeps nothing in mind, has one.
func (f *forgotten) era() int {
	if f == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n > 0 && f.clock().Sub(f.last) < unnoticed {
		return 2*f.n - 1
	}
	return 2 * f.n
}

// noticing tells of an era in which who was forgotten may still be read.
func noticing(era int) bool { return era%2 == 1 }
