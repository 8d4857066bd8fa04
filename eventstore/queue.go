package eventstore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/virtuous6/virtuous6/events"
)

// The bounds of a group: how much one transaction takes in before those that wait are answered.
const (
	groupRequests = 1024
	groupEvents   = 8192
	groupBytes    = 16 << 20
)

// Request is an append that waits for the writer. The writer owns it from Take to Done.
type Request struct {
	// Ctx is the one that waits, for an engine that must know whether it still does.
	Ctx      context.Context
	Stream   string
	Expected Expected
	Batch    []events.Envelope

	// The writer fills these in before Done.
	Appended Appended
	Err      error
	done     chan struct{}
}

// Queue hands appends over to the writer, in the order they came. It grows with what is submitted and not yet written;
// who submits bounds it by waiting.
type Queue struct {
	mu      sync.Mutex
	waiting []*Request
	closed  bool
	filled  chan struct{}
	// last is how many requests the last group had. It is the writer's.
	last int
}

// NewQueue is an open, empty queue.
func NewQueue() *Queue { return &Queue{filled: make(chan struct{}, 1)} }

// put is false once the queue is closed.
func (q *Queue) put(r *Request) bool {
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
func (q *Queue) withdraw(r *Request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, r)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// Take waits for requests and moves a group of them into group. It returns none once the queue is closed and empty.
func (q *Queue) Take(group []*Request) []*Request {
	for {
		<-q.filled
		q.gather()
		q.mu.Lock()
		n, count, size := 0, 0, 0
		for n < len(q.waiting) && n < groupRequests && count < groupEvents && size < groupBytes {
			for i := range q.waiting[n].Batch {
				size += len(q.waiting[n].Batch[i].Data)
			}
			count += len(q.waiting[n].Batch)
			n++
		}
		group = append(group, q.waiting[:n]...)
		q.last = n
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

// gather lets go of the processor as long as that brings more requests. Those who were just answered come back with
// their next ones at once, and would miss a group that was closed at the first of them: groups would be half as large. One
// who appends alone brings nobody.
func (q *Queue) gather() {
	for last := -1; ; runtime.Gosched() {
		q.mu.Lock()
		n := len(q.waiting)
		q.mu.Unlock()
		if n == last || n >= groupRequests || n <= 1 && q.last <= 1 {
			return
		}
		last = n
	}
}

// Close lets Take drain what waits, and refuses more. It is false if the queue was closed before.
func (q *Queue) Close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	q.signal()
	return true
}

func (q *Queue) signal() {
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// Submit validates an append and hands it over. wait gives its outcome, and withdraws it where ctx ends while it still
// waits for the writer.
func (q *Queue) Submit(ctx context.Context, stream string, expected Expected, batch []events.Envelope) (wait func() (Appended, error)) {
	fail := func(err error) func() (Appended, error) {
		return func() (Appended, error) { return Appended{}, err }
	}
	if err := Validate(stream, expected, batch); err != nil {
		return fail(err)
	}
	if err := ctx.Err(); err != nil {
		return fail(fmt.Errorf("append to %s: %w", stream, err))
	}
	r := &Request{Ctx: ctx, Stream: stream, Expected: expected, Batch: batch, done: make(chan struct{})}
	if !q.put(r) {
		return fail(fmt.Errorf("append to %s: %w: it was closed", stream, ErrUnavailable))
	}
	return func() (Appended, error) {
		select {
		case <-r.done:
		case <-ctx.Done():
			if q.withdraw(r) {
				return Appended{}, fmt.Errorf("append to %s: %w", stream, ctx.Err())
			}
			<-r.done
		}
		return r.Appended, r.Err
	}
}

// Done tells the one who waits that the request is answered.
func (r *Request) Done() { close(r.done) }
