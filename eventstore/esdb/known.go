package esdb

import (
	"container/list"
	"context"
	"sync"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/eventstore"
)

// known is what is remembered of a stream: which ids stand where, up to the last revision that was seen. Streams only
// grow, so none of it ever turns false. It may only be too little, and the server tells by refusing an append that
// expects the last revision.
type known struct {
	name string
	// read tells that the stream was read at least once, or that it was made here.
	read      bool
	last      eventstore.Expected // a revision, or NoStream
	revisions map[uuid.UUID]uint64

	// turn holds one token: who has it appends to the stream, and may use the fields above.
	turn chan struct{}
	// The fields below belong to the memory.
	holders int
	counted int
	place   *list.Element
}

// find tells how many of ids stand in the stream, whether each is behind the one before it, and where the last is.
func (k *known) find(ids []uuid.UUID) (standing int, ordered bool, last uint64) {
	ordered = true
	for _, id := range ids {
		r, ok := k.revisions[id]
		if !ok {
			continue
		}
		ordered = ordered && (standing == 0 || last < r)
		last = r
		standing++
	}
	return standing, ordered, last
}

// learn takes in that an event stands at a revision.
func (k *known) learn(id uuid.UUID, revision uint64) {
	k.revisions[id] = revision
	k.last = max(k.last, eventstore.Exactly(revision))
}

func (k *known) forget() {
	k.last = eventstore.NoStream
	clear(k.revisions)
}

// memory holds what is known of the streams that were used last, up to a number of ids.
type memory struct {
	mu      sync.Mutex
	streams map[string]*known
	recent  *list.List // of *known, the one used last in front
	ids     int
	limit   int
}

func newMemory(limit int) *memory {
	return &memory{streams: make(map[string]*known), recent: list.New(), limit: limit}
}

// take waits for the turn on a stream. Whoever took gives back.
func (m *memory) take(ctx context.Context, name string) (*known, error) {
	m.mu.Lock()
	k := m.streams[name]
	if k == nil {
		k = &known{name: name, last: eventstore.NoStream, revisions: make(map[uuid.UUID]uint64), turn: make(chan struct{}, 1)}
		k.place, k.counted = m.recent.PushFront(k), 1
		m.streams[name] = k
		m.ids++
	}
	m.recent.MoveToFront(k.place)
	k.holders++
	m.mu.Unlock()
	select {
	case k.turn <- struct{}{}:
		return k, nil
	case <-ctx.Done():
		m.mu.Lock()
		k.holders--
		m.mu.Unlock()
		return nil, ctx.Err()
	}
}

// give ends a turn, and forgets the streams that were not used for longest where there is too much.
func (m *memory) give(k *known) {
	size := len(k.revisions) + 1
	m.mu.Lock()
	defer m.mu.Unlock()
	<-k.turn
	k.holders--
	m.ids += size - k.counted
	k.counted = size
	for at := m.recent.Back(); at != nil && m.ids > m.limit; {
		old, next := at.Value.(*known), at.Prev()
		if old.holders == 0 {
			m.recent.Remove(at)
			delete(m.streams, old.name)
			m.ids -= old.counted
		}
		at = next
	}
}
