package eventstore

import (
	"testing"

	"github.com/virtuous6/virtuous6/events"
)

// What waits goes into one transaction, as far as that has room.
func TestQueueGroups(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		requests, events, bytes int // of each request
		want                    []int
	}{
		"all that wait":     {requests: 40, events: 2, bytes: 10, want: []int{40}},
		"requests":          {requests: groupRequests + 3, events: 1, bytes: 1, want: []int{groupRequests, 3}},
		"events":            {requests: 10, events: groupEvents / 4, bytes: 1, want: []int{4, 4, 2}},
		"bytes":             {requests: 5, events: 2, bytes: groupBytes / 4, want: []int{2, 2, 1}},
		"one that is large": {requests: 2, events: 1, bytes: 2 * groupBytes, want: []int{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := NewQueue()
			data := make([]byte, c.bytes)
			for range c.requests {
				batch := make([]events.Envelope, c.events)
				for i := range batch {
					batch[i].Data = data
				}
				q.put(&Request{Batch: batch})
			}
			q.Close()
			for _, want := range append(c.want, 0) {
				if group := q.More(q.Take(nil)); len(group) != want {
					t.Fatalf("got a group of %d, want %v in turn", len(group), c.want)
				}
			}
		})
	}
}
