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
	// Chain is nil where the request follows none.
	Chain *Chain

	// The writer fills these in by Settle, before Done.
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
	// requests, events and bytes are what the group so far has, last how many requests the one before had. They are the
	// writer's.
	requests, events, bytes, last int
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
	r.Chain.Break() // those behind it still wait, too
	return true
}

// Take waits for requests and moves those that wait into group, the first of a transaction. It returns none once the queue
// is closed and empty.
func (q *Queue) Take(group []*Request) []*Request {
	q.last, q.requests, q.events, q.bytes = q.requests, 0, 0, 0
	for {
		<-q.filled
		taken, closed := q.move(group)
		if len(taken) > len(group) || closed {
			return taken
		}
	}
}

// patience is how often More lets go of the processor for those whom it expects: a few microseconds where nobody else
// wants it.
const patience = 64

// More moves those that have come meanwhile behind a group, as long as there is room in a transaction. Where there are none
// it lets go of the processor: those who were just answered come back with their next ones at once, and would miss a
// group that was closed at the first of them. As many as the last time are waited for a little. One who appends alone
// brings nobody, and is not kept waiting.
func (q *Queue) More(group []*Request) []*Request {
	for tries := 0; ; tries++ {
		taken, _ := q.move(group)
		if len(taken) > len(group) || tries == patience || tries > 0 && q.requests >= q.last || max(q.requests, q.last) <= 1 {
			return taken
		}
		runtime.Gosched()
	}
}

// move moves what waits into a group, up to the group's bounds.
func (q *Queue) move(group []*Request) (_ []*Request, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.waiting) && q.requests < groupRequests && q.events < groupEvents && q.bytes < groupBytes {
		for i := range q.waiting[n].Batch {
			q.bytes += len(q.waiting[n].Batch[i].Data)
		}
		q.events += len(q.waiting[n].Batch)
		q.requests++
		n++
	}
	group = append(group, q.waiting[:n]...)
	q.waiting = slices.Delete(q.waiting, 0, n)
	if len(q.waiting) > 0 || q.closed {
		q.signal()
	}
	return group, q.closed
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
func (q *Queue) Submit(ctx context.Context, chain *Chain, stream string, expected Expected, batch []events.Envelope) (wait func() (Appended, error)) {
	fail := func(err error) func() (Appended, error) {
		chain.Break()
		return func() (Appended, error) { return Appended{}, err }
	}
	if err := Validate(stream, expected, batch); err != nil {
		return fail(err)
	}
	if err := ctx.Err(); err != nil {
		return fail(fmt.Errorf("append to %s: %w", stream, err))
	}
	r := &Request{Ctx: ctx, Stream: stream, Expected: expected, Batch: batch, Chain: chain, done: make(chan struct{})}
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
func (r *Request) Done() {
	if r.Err != nil {
		r.Chain.Break()
	}
	close(r.done)
}
