package eventstore

import "sync"

// Broadcast wakes everyone who waits, as engines need it for their subscriptions. It carries nothing: who is woken
// reads the log. The zero value works.
type Broadcast struct {
	mu   sync.Mutex
	next chan struct{}
}

// Next is closed by the first Wake after this call. Take it before reading, and no wake-up is missed.
func (b *Broadcast) Next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

// Wake wakes all who hold a channel of Next.
func (b *Broadcast) Wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}
