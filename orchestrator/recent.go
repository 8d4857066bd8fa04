package orchestrator

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// recent keeps the values used last.
type recent[V any] struct {
	mu  sync.Mutex
	lru *simplelru.LRU[string, V]
}

func newRecent[V any](size int) *recent[V] {
	lru, err := simplelru.NewLRU[string, V](size, nil)
	if err != nil {
		panic("orchestrator: " + err.Error()) // the size is not positive
	}
	return &recent[V]{lru: lru}
}

func (r *recent[V]) get(key string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lru.Get(key)
}

// take gets a value that nobody else gets meanwhile.
func (r *recent[V]) take(key string) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.lru.Get(key)
	r.lru.Remove(key)
	return v, ok
}

func (r *recent[V]) keep(key string, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lru.Add(key, v)
}
