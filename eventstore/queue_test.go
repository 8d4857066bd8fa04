package eventstore

import (
	"context"
	"errors"
	"testing"
	"time"

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

// One that is withdrawn while it waits leaves a gap: what comes behind it in its chain must not be written.
func TestAWithdrawnRequestBreaksItsChain(t *testing.T) {
	t.Parallel()
	q, ctx := NewQueue(), t.Context()
	short, cancel := context.WithCancel(ctx)
	var chain Chain
	batch := []events.Envelope{{ID: events.NameID(time.Unix(0, 0), "a"), Kind: "run.started", Version: 1, OccurredAt: time.Unix(0, 0), Data: []byte("{}")}}
	first := q.Submit(short, &chain, "run-1", Any, batch)
	q.Submit(ctx, &chain, "run-2", Any, batch)
	q.Submit(ctx, nil, "run-3", Any, batch)
	cancel()
	if _, err := first(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	group := q.Take(nil)
	if len(group) != 2 || !group[0].Blocked() || group[1].Blocked() {
		t.Errorf("a group of %d, of which the first should be blocked, the second not", len(group))
	}
}

// A failure of a transaction that is tried again may turn out well.
func TestAChainMendsWhereItsRequestSucceedsAfterAll(t *testing.T) {
	t.Parallel()
	var chain Chain
	before, failing, behind := &Request{Chain: &chain}, &Request{Chain: &chain}, &Request{Chain: &chain}
	before.Settle(Appended{}, nil)
	failing.Settle(Appended{}, ErrUnavailable)
	if failing.Blocked() || !behind.Blocked() || !chain.Broken() {
		t.Error("only what is behind the failed one is blocked")
	}
	behind.Settle(Appended{}, ErrBroken)
	failing.Settle(Appended{}, nil)
	if behind.Blocked() || chain.Broken() {
		t.Error("nothing has failed any more")
	}
}
