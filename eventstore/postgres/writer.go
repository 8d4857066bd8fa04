package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/virtuous6/virtuous6/eventstore"
)

// The writer's bounds.
const (
	// cachedStreams is how many streams it remembers the end of: about 16 MB.
	cachedStreams = 1 << 16
	// chunkRows and chunkBytes are what one insert takes in, unless a single event is larger.
	chunkRows  = 4096
	chunkBytes = 4 << 20
	// stall is how long the server waits for a chunk before it ends the transaction, and with it the append lock of a
	// client that hangs. Longer ones get as much for every chunkBytes: a line needs to carry .8 MiB a second.
	stall = 5 * time.Second
	// guessBytes is what is sent in one piece together with the request for the lock: what the kernel takes over at
	// once, so that a client that hangs while it sends keeps no lock.
	guessBytes = 128 << 10
	// again is how long to wait before the next try where the server is gone.
	again = 50 * time.Millisecond
)

// writer is the store's only connection that appends, owned by one goroutine. It puts the appends that wait into one
// transaction, so that they share the price of making it durable. Each transaction holds the append lock until it has
// become visible, so that positions become visible in their order, whichever process appends.
type writer struct {
	where  string
	config Config
	stall  time.Duration
	dial   func(context.Context) (*pgconn.PgConn, error)
	queue  *eventstore.Queue
	grown  *eventstore.Broadcast
	notify func()

	session *session // nil where there is no connection
	plan    plan
	// What is known of the log. It holds as long as head is still the log's head, since nothing in the log changes;
	// another process that appended moves the head, and then all is forgotten. -1: nothing is known.
	head    int64
	streams map[string]tail
	// shared tells that another process appended lately, so that to guess is of no use.
	shared bool
}

// run writes groups until the queue is closed and empty.
func (w *writer) run() {
	w.forget()
	for group := w.queue.Take(nil); len(group) > 0; group = w.queue.Take(group[:0]) {
		for n := 0; n < len(group); {
			n = len(group)
			group = w.queue.More(group)
		}
		before := w.head
		w.settle(group)
		if w.head != before {
			w.grown.Wake()
			w.notify()
		}
		for i, r := range group {
			r.Done()
			group[i] = nil
		}
	}
	w.hangUp()
}

func (w *writer) forget() { w.head, w.streams = -1, make(map[string]tail) }

func (w *writer) hangUp() {
	if w.session != nil {
		w.session.close()
		w.session = nil
	}
}

// settle answers every request of a group. A transaction whose end is not known, because the connection was cut, is
// done again on a new connection. That is safe, and tells how it ended: it begins with the append lock, so that what
// the cut connection began has ended by then or will find the log's head moved, and it reads which ids stand.
func (w *writer) settle(group []*eventstore.Request) {
	ctx, cancel := context.WithTimeout(context.Background(), w.config.Patience)
	defer cancel()
	err := w.transact(ctx, group)
	for tries := 0; err != nil && passing(err) && ctx.Err() == nil; tries++ {
		if tries > 0 { // a cut connection is replaced at once; a server that is gone needs time
			pause(ctx, again)
		}
		if group = abandon(group); len(group) == 0 {
			return
		}
		err = w.transact(ctx, group)
	}
	switch {
	case err == nil:
	case alone(err) && len(group) > 1: // one of them broke it for all
		for i := range group {
			w.settle(group[i : i+1])
		}
	default:
		err = explain(w.where, err)
		for _, r := range group {
			r.Settle(eventstore.Appended{}, fmt.Errorf("append to %s: %w", r.Stream, err))
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// abandon answers those whose callers wait no longer, and returns the others.
func abandon(group []*eventstore.Request) []*eventstore.Request {
	left := make([]*eventstore.Request, 0, len(group))
	for _, r := range group {
		if err := r.Ctx.Err(); err != nil {
			r.Settle(eventstore.Appended{}, fmt.Errorf("append to %s: the connection was lost, and it may stand or not: %w", r.Stream, err))
			continue
		}
		left = append(left, r)
	}
	return left
}

// transact answers each request of a group in one transaction. After an error the connection is given up: what was
// under way on it ends with it.
func (w *writer) transact(ctx context.Context, group []*eventstore.Request) (err error) {
	defer func() {
		if err != nil {
			w.forget()
			w.hangUp()
		}
	}()
	if w.session == nil {
		conn, err := w.dial(ctx)
		if err != nil {
			return err
		}
		if w.session, err = newSession(ctx, conn, w.config.Patience, w.stall); err != nil {
			return errors.Join(err, conn.Close(ctx))
		}
	}
	if len(w.streams) > cachedStreams {
		w.forget()
	}
	if held, err := w.guess(ctx, group); held || err != nil {
		return err
	}
	return w.look(ctx, group)
}

// guess appends in one round trip on what the writer remembers, and on what is likely: that ids which were never seen
// here are new, and that so are streams. The insert checks all of it, and inserts nothing where it is not so: guess is
// then false, and nothing was answered. What is to be refused is never guessed.
func (w *writer) guess(ctx context.Context, group []*eventstore.Request) (held bool, err error) {
	if w.head < 0 || w.shared {
		return false, nil
	}
	w.plan.reset(w.head, w.streams)
	for _, r := range group {
		if len(r.Batch) == 0 || r.Blocked() {
			return false, nil
		}
		a, err := w.plan.decide(r)
		if err != nil {
			return false, nil
		}
		r.Settle(a, nil)
	}
	if len(w.plan.rows) > chunkRows || w.plan.size > guessBytes {
		return false, nil
	}
	added, err := w.session.insertIf(ctx, &w.plan, w.config.Now().UnixNano())
	if err != nil || added != int64(len(w.plan.rows)) {
		return false, err
	}
	w.learn()
	return true, nil
}

// look appends in two round trips: it takes the lock and reads what the group needs to know, decides, and inserts.
func (w *writer) look(ctx context.Context, group []*eventstore.Request) error {
	head, err := w.session.begin(ctx, group, w.streams, &w.plan)
	if err != nil {
		return err
	}
	w.shared = w.head >= 0 && w.head != head
	if w.head != head {
		w.forget()
		w.head = head
	}
	for name, t := range w.plan.tails {
		w.streams[name] = t
	}
	clear(w.plan.tails)
	w.plan.head, w.plan.known = head, w.streams
	for _, r := range group {
		if r.Blocked() {
			r.Settle(eventstore.Appended{}, fmt.Errorf("append to %s: %w", r.Stream, eventstore.ErrBroken))
			continue
		}
		r.Settle(w.plan.decide(r))
	}
	if err := w.session.finish(ctx, &w.plan, w.config.Now().UnixNano()); err != nil {
		return err
	}
	w.learn()
	return nil
}

// learn takes over what a plan has made of the log.
func (w *writer) learn() {
	w.head += int64(len(w.plan.rows))
	for name, t := range w.plan.tails {
		w.streams[name] = t
	}
}
