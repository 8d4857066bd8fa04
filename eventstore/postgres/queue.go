package postgres

import (
	"context"
	"slices"
	"sync"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// The bounds of a group: how much one transaction takes in before those that wait are answered.
const (
	groupRequests = 1024
	groupEvents   = 8192
	groupBytes    = 16 << 20
)

// request is an append that waits for the writer. The writer owns it from take to done.
type request struct {
	ctx      context.Context
	stream   string
	expected eventstore.Expected
	batch    []events.Envelope

	appended eventstore.Appended
	err      error
	done     chan struct{}
}

// queue hands appends over to the writer, in the order they came. It grows with what is submitted and not yet written;
// who submits bounds it by waiting.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	closed  bool
	filled  chan struct{}
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// put is false once the queue is closed.
func (q *queue) put(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, r)
	q.signal()
	return true
}

// withdraw takes a request back, unless the writer has it already.
func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, r)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// take waits for requests and moves a group of them into group. It returns none once the queue is closed and empty.
func (q *queue) take(group []*request) []*request {
	for {
		<-q.filled
		q.mu.Lock()
		n, count, size := 0, 0, 0
		for n < len(q.waiting) && n < groupRequests && count < groupEvents && size < groupBytes {
			for i := range q.waiting[n].batch {
				size += len(q.waiting[n].batch[i].Data)
			}
			count += len(q.waiting[n].batch)
			n++
		}
		group = append(group, q.waiting[:n]...)
		q.waiting = slices.Delete(q.waiting, 0, n)
		if len(q.waiting) > 0 || q.closed {
			q.signal()
		}
		closed := q.closed
		q.mu.Unlock()
		if n > 0 || closed {
			return group
		}
	}
}

// close lets take drain what waits, and refuses more. It is false if the queue was closed before.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	q.signal()
	return true
}

func (q *queue) signal() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}
