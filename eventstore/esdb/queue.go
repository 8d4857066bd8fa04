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
	if s.closed {
		s.mu.Unlock()
		return eventstore.Appended{}, fmt.Errorf("append to %s: %w", stream, errClosed)
	}
	s.working.Add(1)
	s.mu.Unlock()
	defer s.working.Done()
	s.perform(ctx, r)
	return r.appended, r.err
}

// Submit implements eventstore.Store. The batches of a chain are sent one after the other, each when the one before it is
// answered: the server lays down no order for what is under way at the same time. So are those without a chain.
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
	waiting, walked := s.chains[chain]
	s.chains[chain] = append(waiting, r)
	if !walked {
		s.working.Go(func() { s.walk(chain) })
	}
	return func() (eventstore.Appended, error) { return s.await(ctx, r) }
}

// await withdraws a request whose ctx ends while it waits. One that is on its way is waited for: the next one's order
// depends on it.
func (s *Store) await(ctx context.Context, r *request) (eventstore.Appended, error) {
	select {
	case <-r.done:
	case <-ctx.Done():
		s.mu.Lock()
		waiting := s.chains[r.chain]
		i := slices.Index(waiting, r)
		if i >= 0 {
			s.chains[r.chain] = slices.Delete(waiting, i, i+1)
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

// walk appends what was submitted to a chain, until nothing waits there.
func (s *Store) walk(chain *eventstore.Chain) {
	for {
		s.mu.Lock()
		waiting := s.chains[chain]
		if len(waiting) == 0 {
			delete(s.chains, chain)
			s.mu.Unlock()
			return
		}
		r := waiting[0]
		waiting[0] = nil
		s.chains[chain] = waiting[1:]
		s.mu.Unlock()
		if chain.Broken() {
			r.err = fmt.Errorf("append to %s: %w", r.stream, eventstore.ErrBroken)
		} else if s.perform(context.WithoutCancel(s.appending), r); r.err != nil {
			chain.Break()
		}
		close(r.done)
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
