package esdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// Append implements eventstore.Store. Appends run side by side, except on one stream. A ctx that ends while the append
// is on its way, or ErrUnavailable, leaves open whether the events stand: append them again.
func (s *Store) Append(ctx context.Context, stream string, expected eventstore.Expected, batch []events.Envelope) (eventstore.Appended, error) {
	r, err := s.request(stream, expected, batch)
	if err != nil {
		return eventstore.Appended{}, err
	}
	if err := ctx.Err(); err != nil {
		return eventstore.Appended{}, fmt.Errorf("append to %s: %w", stream, err)
	}
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return eventstore.Appended{}, fmt.Errorf("append to %s: %w", stream, errClosed)
	case s.outstanding > 0:
		// Behind what was submitted, which may be the same caller's.
		s.enqueue(r)
		s.mu.Unlock()
		return s.await(ctx, r)
	}
	s.direct.Add(1)
	s.mu.Unlock()
	defer s.direct.Done()
	s.perform(ctx, r)
	return r.appended, r.err
}

// Submit implements eventstore.Store. Batches are sent one after the other, each when the one before it is answered:
// the server lays down no order for what is under way at the same time.
func (s *Store) Submit(ctx context.Context, chain *eventstore.Chain, stream string, expected eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	fail := func(err error) func() (eventstore.Appended, error) {
		chain.Break()
		return func() (eventstore.Appended, error) { return eventstore.Appended{}, err }
	}
	r, err := s.request(stream, expected, batch)
	if err != nil {
		return fail(err)
	}
	if err := ctx.Err(); err != nil {
		return fail(fmt.Errorf("append to %s: %w", stream, err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fail(fmt.Errorf("append to %s: %w", stream, errClosed))
	}
	r.chain = chain
	s.enqueue(r)
	return func() (eventstore.Appended, error) { return s.await(ctx, r) }
}

// enqueue needs the lock.
func (s *Store) enqueue(r *request) {
	s.outstanding++
	s.waiting = append(s.waiting, r)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// await withdraws a request whose ctx ends while it waits. One that is on its way is waited for: the next one's order
// depends on it.
func (s *Store) await(ctx context.Context, r *request) (eventstore.Appended, error) {
	select {
	case <-r.done:
	case <-ctx.Done():
		s.mu.Lock()
		i := slices.Index(s.waiting, r)
		if i >= 0 {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			s.outstanding--
			r.chain.Break()
		}
		s.mu.Unlock()
		if i >= 0 {
			return eventstore.Appended{}, fmt.Errorf("append to %s: %w", r.stream, ctx.Err())
		}
		<-r.done
	}
	return r.appended, r.err
}

// work appends what was submitted, until the store is closed and nothing waits.
func (s *Store) work() {
	for {
		s.mu.Lock()
		closed, r := s.closed, (*request)(nil)
		if len(s.waiting) > 0 {
			r = s.waiting[0]
			s.waiting[0] = nil
			s.waiting = s.waiting[1:]
		}
		s.mu.Unlock()
		switch {
		case r != nil:
			if r.chain.Broken() {
				r.err = fmt.Errorf("append to %s: %w", r.stream, eventstore.ErrBroken)
			} else if s.perform(context.WithoutCancel(s.appending), r); r.err != nil {
				r.chain.Break()
			}
			s.mu.Lock()
			s.outstanding--
			s.mu.Unlock()
			close(r.done)
		case closed:
			return
		default:
			<-s.wake
		}
	}
}

func (s *Store) perform(ctx context.Context, r *request) {
	ctx, cancel := bind(ctx, s.appending)
	defer cancel()
	a, err := s.append(ctx, r)
	var conflict *eventstore.ConflictError
	if err != nil && !errors.As(err, &conflict) {
		err = fmt.Errorf("append to %s: %w", r.stream, err)
	}
	r.appended, r.err = a, err
}
