package veil

import (
	"context"
	"sync"
	"time"
)

// Memory keeps keys until the process ends.
type Memory struct {
	mu     sync.Mutex
	people []Person
}

// Of implements Keys.
func (m *Memory) Of(_ context.Context, fresh Person) (Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.people {
		if p.Name == fresh.Name {
			return p, nil
		}
	}
	m.people = append(m.people, fresh)
	return fresh, nil
}

// Person implements Keys.
func (m *Memory) Person(_ context.Context, id string) (Person, error) {
	return m.find(func(p Person) bool { return p.ID == id })
}

// Named implements Keys.
func (m *Memory) Named(_ context.Context, name string) (Person, error) {
	return m.find(func(p Person) bool { return p.Name == name && name != "" })
}

func (m *Memory) find(is func(Person) bool) (Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.people {
		if is(p) {
			return p, nil
		}
	}
	return Person{}, ErrNoPerson
}

// All implements Keys.
func (m *Memory) All(context.Context) ([]Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Person(nil), m.people...), nil
}

// Erase implements Keys.
func (m *Memory) Erase(_ context.Context, id string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, p := range m.people {
		if p.ID == id && p.Key != nil {
			m.people[i] = Person{ID: id, Since: p.Since, Erased: at.UTC().Truncate(time.Second)}
			return nil
		}
		if p.ID == id {
			return nil
		}
	}
	return ErrNoPerson
}

// Close implements Keys.
func (m *Memory) Close() error { return nil }
