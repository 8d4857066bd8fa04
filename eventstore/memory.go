package eventstore

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

// Memory is the in-memory twin of the engines, for tests and for throw-away logs. It keeps the whole contract but
// durability.
type Memory struct {
	clock func() time.Time
	grown Broadcast

	mu sync.RWMutex
	// log[i] is at position i+1. What stands in it never changes, so that a reader may keep a part of it.
	log     []events.Envelope
	streams map[string][]int // indexes into log by revision
	ids     map[uuid.UUID]int
	closed  chan struct{}
}

var _ Store = (*Memory)(nil)

// NewMemory makes an empty log whose recorded-at comes from clock.
func NewMemory(clock func() time.Time) *Memory {
	return &Memory{
		clock:   clock,
		streams: make(map[string][]int),
		ids:     make(map[uuid.UUID]int),
		closed:  make(chan struct{}),
	}
}

var errClosed = fmt.Errorf("%w: it was closed", ErrUnavailable)

func (m *Memory) usable(ctx context.Context) error {
	select {
	case <-m.closed:
		return errClosed
	default:
		return ctx.Err()
	}
}

// Append implements Store.
func (m *Memory) Append(ctx context.Context, stream string, expected Expected, batch []events.Envelope) (Appended, error) {
	if err := Validate(stream, expected, batch); err != nil {
		return Appended{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return Appended{}, fmt.Errorf("append to %s: %w", stream, err)
	}
	at := m.streams[stream]
	conflict := &ConflictError{Stream: stream, Expected: expected, Actual: NoStream}
	if len(at) > 0 {
		conflict.Actual = Exactly(uint64(len(at) - 1))
	}
	switch last, known, err := m.repeated(stream, batch); {
	case err != nil:
		return Appended{}, err
	case known > 0 && last != nil:
		return Appended{Revision: last.Revision, Position: last.Position, Repeated: true}, nil
	case known > 0, !expected.Holds(conflict.Actual):
		return Appended{}, conflict
	}
	recorded := m.clock().UTC()
	for _, e := range batch {
		e.Stream, e.Revision, e.Position = stream, uint64(len(at)), uint64(len(m.log)+1)
		e.OccurredAt, e.RecordedAt = plain(e.OccurredAt), plain(recorded)
		e.Data = bytes.Clone(e.Data)
		m.ids[e.ID] = len(m.log)
		at = append(at, len(m.log))
		m.log = append(m.log, e)
	}
	if len(at) == 0 {
		return Appended{}, nil
	}
	if len(batch) > 0 {
		m.streams[stream] = at
		m.grown.Wake()
	}
	last := m.log[at[len(at)-1]]
	return Appended{Revision: last.Revision, Position: last.Position}, nil
}

// repeated counts the events of a batch that the log knows already. It returns the last of them where the whole batch
// stands in the stream in its order, and ErrTaken where one stands in another stream.
func (m *Memory) repeated(stream string, batch []events.Envelope) (last *events.Envelope, known int, err error) {
	ordered := true
	for i := range batch {
		at, ok := m.ids[batch[i].ID]
		if !ok {
			continue
		}
		e := &m.log[at]
		if e.Stream != stream {
			return nil, 0, fmt.Errorf("%w: append to %s: event %s stands in %s already", ErrTaken, stream, e.ID, e.Stream)
		}
		ordered = ordered && (last == nil || last.Revision < e.Revision)
		last, known = e, known+1
	}
	if known < len(batch) || !ordered {
		last = nil
	}
	return last, known, nil
}

// plain drops what a log does not keep of a time: the zone and the monotonic clock.
func plain(t time.Time) time.Time { return time.Unix(0, t.UnixNano()).UTC() }

// Submit implements Store. It appends at once.
func (m *Memory) Submit(ctx context.Context, chain *Chain, stream string, expected Expected, batch []events.Envelope) func() (Appended, error) {
	var appended Appended
	err := fmt.Errorf("append to %s: %w", stream, ErrBroken)
	if !chain.Broken() {
		if appended, err = m.Append(ctx, stream, expected, batch); err != nil {
			chain.Break()
		}
	}
	return func() (Appended, error) { return appended, err }
}

// ReadStream implements Store.
func (m *Memory) ReadStream(ctx context.Context, stream string, o StreamOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		m.mu.RLock()
		err, log, at := m.usable(ctx), m.log, m.streams[stream]
		m.mu.RUnlock()
		if err == nil && len(at) == 0 {
			err = ErrNoStream
		}
		if err != nil {
			yield(events.Envelope{}, fmt.Errorf("read %s: %w", stream, err))
			return
		}
		from, end := uint64(0), uint64(len(at))
		switch {
		case o.From != nil && o.Direction == Forwards:
			from = min(*o.From, end)
		case o.From != nil && *o.From < end:
			end = *o.From + 1
		}
		at = slices.Clone(at[from:end])
		if o.Direction == Backwards {
			slices.Reverse(at)
		}
		if o.Limit > 0 && len(at) > o.Limit {
			at = at[:o.Limit]
		}
		for _, i := range at {
			if err := m.usable(ctx); err != nil {
				yield(events.Envelope{}, fmt.Errorf("read %s: %w", stream, err))
				return
			}
			if !yield(owned(log[i]), nil) {
				return
			}
		}
	}
}

// ReadAll implements Store.
func (m *Memory) ReadAll(ctx context.Context, o ReadOptions) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		for at, given := o.From, 0; o.Limit <= 0 || given < o.Limit; {
			e, ok, err := m.next(ctx, at, o.Direction)
			if err != nil {
				yield(events.Envelope{}, fmt.Errorf("read the log: %w", err))
				return
			}
			if !ok {
				return
			}
			at = e.Position
			if len(o.Kinds) == 0 || slices.Contains(o.Kinds, e.Kind) {
				if !yield(e, nil) {
					return
				}
				given++
			}
			if at == 1 && o.Direction == Backwards {
				return
			}
		}
	}
}

// next is the event next to a position, or false at the end.
func (m *Memory) next(ctx context.Context, at uint64, d Direction) (events.Envelope, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.usable(ctx); err != nil {
		return events.Envelope{}, false, err
	}
	head := uint64(len(m.log))
	switch {
	case d == Forwards && at < head:
		return owned(m.log[at]), true, nil
	case d == Backwards && head > 0 && at != 1:
		if at == 0 || at > head {
			at = head + 1
		}
		return owned(m.log[at-2]), true, nil
	}
	return events.Envelope{}, false, nil
}

func owned(e events.Envelope) events.Envelope {
	e.Data = bytes.Clone(e.Data)
	return e
}

// Subscribe implements Store.
func (m *Memory) Subscribe(ctx context.Context, after uint64) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for at, told := after, false; ; {
			grown := m.grown.Next()
			e, ok, err := m.next(ctx, at, Forwards)
			switch {
			case err != nil:
				yield(Message{}, fmt.Errorf("subscribe: %w", err))
				return
			case ok:
				if !yield(Message{Event: e, Position: e.Position}, nil) {
					return
				}
				at, told = e.Position, false
				continue
			case !told:
				if !yield(Message{CaughtUp: true, Position: at}, nil) {
					return
				}
				told = true
			}
			select {
			case <-grown:
			case <-ctx.Done():
			case <-m.closed:
			}
		}
	}
}

// Counted implements the interface of that name.
func (m *Memory) Counted() {}

// Head implements Store.
func (m *Memory) Head(ctx context.Context) (uint64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.usable(ctx); err != nil {
		return 0, fmt.Errorf("head of the log: %w", err)
	}
	return uint64(len(m.log)), nil
}

// Close implements Store.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.closed:
		return errClosed
	default:
	}
	close(m.closed)
	return nil
}
