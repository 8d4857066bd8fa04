package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/virtuous6/virtuous6/eventstore"
)

// streams are what the clients of a history append to: few, so that they meet.
var streams = []string{"run-1", "run-2", "run-3"}

// The size of a history: enough that clients meet in every way, and little enough for two seconds on a slow disk.
const (
	historyClients    = 6
	historyOperations = 40 // of each client
)

// linearizable has clients work on a log at the same time, and checks what they were told against the contract.
func (s *suite) linearizable(t *testing.T, ctx context.Context, stores ...eventstore.Store) {
	s.recordAndCheck(t, ctx, nil, stores...)
}

// disturbed cuts the connections of a store while clients work on it.
func (s *suite) disturbed(t *testing.T, ctx context.Context, stores ...eventstore.Store) {
	s.recordAndCheck(t, ctx, func() { s.cut(t, stores[0]) }, stores...)
}

func (s *suite) recordAndCheck(t *testing.T, ctx context.Context, disturb func(), stores ...eventstore.Store) {
	h, err := record(ctx, 1, disturb, stores...)
	if err == nil {
		err = h.check(t.ArtifactDir)
	}
	if err != nil {
		t.Error(err)
	}
}

// record has clients do a random mix of operations, each on one of the stores, which are all on one empty log. The dice
// depend on seed alone. disturb, if any, is called from time to time, and may make the stores unavailable for a moment;
// at the end they must answer again.
func record(ctx context.Context, seed uint64, disturb func(), stores ...eventstore.Store) (*history, error) {
	h := &history{}
	errs := make([]error, historyClients)
	due := make(chan struct{}) // a disturbance, which is done in the caller's goroutine
	var working sync.WaitGroup
	for i := range historyClients {
		c := &client{
			number: i, history: h, store: stores[i%len(stores)],
			rng:  rand.New(rand.NewPCG(seed, uint64(i))), //nolint:gosec // chance that can be repeated
			seen: make(map[string]eventstore.Expected),
		}
		if disturb != nil {
			c.allowed = []error{eventstore.ErrUnavailable}
		}
		working.Go(func() {
			for k := range historyOperations {
				if disturb != nil && i == 0 && k%15 == 5 {
					select {
					case due <- struct{}{}:
					case <-ctx.Done():
					}
				}
				if err := c.next(ctx); err != nil {
					errs[i] = fmt.Errorf("client %d: %w", i, err)
					break
				}
			}
			c.unheard.Wait()
		})
	}
	go func() {
		defer close(due)
		working.Wait()
	}()
	for range due {
		disturb()
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return h, h.close(ctx, stores)
}

// client is one that uses the log, with what it remembers.
type client struct {
	number  int
	history *history
	store   eventstore.Store
	rng     *rand.Rand
	allowed []error                        // what an operation may fail with
	seen    map[string]eventstore.Expected // where it last saw a stream
	at      uint64                         // up to where it has read the log
	sent    []question                     // its appends
	unheard sync.WaitGroup                 // for replies that it does not wait for
}

// next does one operation.
func (c *client) next(ctx context.Context) error {
	switch n := c.rng.IntN(100); {
	case n < 45:
		return c.append(ctx)
	case n < 55 && len(c.sent) > 0: // a repeat, however long ago
		return c.ask(ctx, c.sent[c.rng.IntN(len(c.sent))])
	case n < 70:
		return c.ask(ctx, c.streamRead())
	case n < 87:
		return c.ask(ctx, c.logRead())
	case n < 95:
		return c.ask(ctx, question{verb: following, log: eventstore.ReadOptions{From: c.at}})
	}
	return c.ask(ctx, question{verb: heading})
}

// ask puts a question and learns from the reply.
func (c *client) ask(ctx context.Context, q question, allowed ...error) error {
	r, err := c.history.ask(ctx, c.number, c.store, q, append(allowed, c.allowed...)...)
	switch {
	case err != nil || r.lost:
		return err
	case r.conflict != nil:
		c.seen[q.stream] = r.conflict.Actual
	case q.verb == appending:
		c.seen[q.stream] = eventstore.Exactly(r.appended.Revision)
	case q.verb == readingStream && len(r.read) > 0:
		c.seen[q.stream] = eventstore.Exactly(max(r.read[0].Revision, r.read[len(r.read)-1].Revision))
	case (q.verb == readingLog || q.verb == following) && q.log.Direction == eventstore.Forwards && len(r.read) > 0:
		c.at = r.read[len(r.read)-1].Position // goes on behind it, and would miss for good what came later before it
	}
	return nil
}

// append sends something new. One in three replies is lost: the caller waits no longer, or does not listen. Half of
// those appends are sent again.
func (c *client) append(ctx context.Context) error {
	name := streams[c.rng.IntN(len(streams))]
	q := question{verb: appending, stream: name, batch: facts(fmt.Sprintf("c%d-%d", c.number, len(c.sent)), 1+c.rng.IntN(3))}
	switch c.rng.IntN(4) {
	case 0:
		q.expected = eventstore.Any
	case 1:
		q.expected = eventstore.Exists
	default:
		q.expected = eventstore.NoStream
		if at, ok := c.seen[name]; ok {
			q.expected = at
		}
	}
	c.sent = append(c.sent, q)
	switch c.rng.IntN(6) {
	case 0:
		if err := c.abandon(ctx, q); err != nil {
			return err
		}
	case 1:
		c.ignore(ctx, q)
	default:
		return c.ask(ctx, q)
	}
	if c.rng.IntN(2) == 0 {
		return c.ask(ctx, q)
	}
	return nil
}

// abandon cancels an append at some moment.
func (c *client) abandon(ctx context.Context, q question) error {
	short, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(time.Duration(c.rng.Int64N(int64(time.Millisecond))), cancel).Stop()
	return c.ask(short, q, context.Canceled)
}

// ignore hands an append over and never learns what became of it.
func (c *client) ignore(ctx context.Context, q question) {
	o := porcupine.Operation{ClientId: c.number, Input: q, Output: reply{lost: true}, Call: c.history.clock.Add(1)}
	wait := c.store.Submit(ctx, nil, q.stream, q.expected, q.batch)
	c.unheard.Go(func() { _, _ = wait() })
	c.history.add(o)
}

func (c *client) streamRead() question {
	q := question{verb: readingStream, stream: streams[c.rng.IntN(len(streams))]}
	switch c.rng.IntN(3) {
	case 0:
		q.within = eventstore.StreamOptions{Direction: eventstore.Backwards, Limit: 1 + c.rng.IntN(4)}
	case 1:
		from := c.rng.Uint64N(8)
		q.within = eventstore.StreamOptions{From: &from, Limit: c.rng.IntN(8)}
	}
	return q
}

func (c *client) logRead() question {
	q := question{verb: readingLog}
	switch c.rng.IntN(4) {
	case 0:
		q.log = eventstore.ReadOptions{Direction: eventstore.Backwards, Limit: 1 + c.rng.IntN(8)}
	case 1:
		q.log = eventstore.ReadOptions{From: c.at, Limit: 1 + c.rng.IntN(8)}
	case 2:
		q.log = eventstore.ReadOptions{From: c.at}
	}
	return q
}
