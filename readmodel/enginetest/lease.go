package enginetest

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

const (
	long = readmodel.MaxLease
	// short is over before the next transaction begins, or soon after.
	short = time.Nanosecond
)

func acquire(t fataler, m *projections.Models, holder string, ttl time.Duration) readmodel.Lease {
	t.Helper()
	for {
		l, err := m.Acquire(context.Background(), "driver", holder, ttl)
		if err == nil {
			return l
		}
		// One that is over soon is waited for.
		if !errors.Is(err, readmodel.ErrLeaseHeld) || time.Until(l.Until) > time.Second {
			t.Fatal(err)
		}
	}
}

func refused(t fataler, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatal("got", err, "want", want)
	}
}

// leases: a lease is its holder's until it is over or released, and each time it is acquired its epoch rises.
func leases(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	storage := fresh()
	a, b := open(t, storage()), open(t, storage())
	defer closing(t, a)
	defer closing(t, b)

	first := acquire(t, a, "anna", long)
	if first.Epoch != 1 || first.Holder != "anna" || first.Name != "driver" || time.Until(first.Until) < long/2 {
		t.Errorf("got %+v", first)
	}
	for _, holder := range []string{"bert", "anna"} {
		held, err := b.Acquire(ctx, "driver", holder, long)
		refused(t, err, readmodel.ErrLeaseHeld)
		if held.Holder != "anna" || held.Epoch != 1 || !held.Until.Equal(first.Until) {
			t.Errorf("the holder is told as %+v, want %+v", held, first)
		}
	}
	_, err := b.Acquire(ctx, "third", "bert", readmodel.MaxLease+1)
	refused(t, err, readmodel.ErrLeaseTime)
	// Another name is another lease, and a rebuild leaves them alone.
	if other, err := b.Acquire(ctx, "other", "bert", long); err != nil || other.Epoch != 1 {
		t.Errorf("got %+v, %v", other, err)
	}
	r := begin(t, b)
	ok(t, r.Swap(ctx, nil))
	renewed, err := a.Renew(ctx, first, short)
	ok(t, err)
	if renewed.Epoch != 1 || !renewed.Until.Before(first.Until) {
		t.Errorf("renewed to %+v", renewed)
	}
	// It is over, but nobody was quicker.
	_, err = a.Renew(ctx, renewed, short)
	ok(t, err)

	second := acquire(t, b, "bert", short)
	if second.Epoch != 2 {
		t.Errorf("got %+v, want epoch 2", second)
	}
	_, err = a.Renew(ctx, first, long)
	refused(t, err, readmodel.ErrFenced)
	third := acquire(t, b, "bert", long)
	if third.Epoch != 3 {
		t.Errorf("got %+v, want epoch 3", third)
	}
	_, err = b.Renew(ctx, second, long)
	refused(t, err, readmodel.ErrFenced)

	ok(t, b.Release(ctx, second)) // long gone: it changes nothing
	_, err = a.Acquire(ctx, "driver", "anna", long)
	refused(t, err, readmodel.ErrLeaseHeld)
	ok(t, b.Release(ctx, third))
	_, err = b.Renew(ctx, third, long)
	refused(t, err, readmodel.ErrFenced)
	if fourth := acquire(t, a, "anna", long); fourth.Epoch != 4 {
		t.Errorf("got %+v, want epoch 4", fourth)
	}
}

// fenced: who lost the lease writes nothing, and who has it goes on, over a swap too.
func fenced(t *testing.T, fresh func() Storage) {
	ctx := t.Context()
	entries := Simulated(31, 20)
	storage := fresh()
	a, b := open(t, storage()), open(t, storage())
	defer closing(t, a)
	defer closing(t, b)

	first := acquire(t, a, "anna", short)
	// It is over, but it is nobody else's.
	ok(t, a.ApplyUnder(ctx, first, 0, entries[:20]))
	second := acquire(t, b, "bert", long)
	before := digest(t, a)
	refused(t, a.ApplyUnder(ctx, first, 20, entries[20:40]), readmodel.ErrFenced)
	same(t, b, before)
	refused(t, b.ApplyUnder(ctx, second, 20, entries[20:50]), readmodel.ErrCheckpointMoved) // b doesn't know yet
	ok(t, b.ApplyUnder(ctx, second, 20, entries[20:50]))
	// The checkpoint moved, and the lease is gone: nothing is written whatever it tries.
	refused(t, a.ApplyUnder(ctx, first, 20, entries[20:60]), readmodel.ErrCheckpointMoved)
	refused(t, a.ApplyUnder(ctx, first, 50, entries[50:60]), readmodel.ErrFenced)
	// A command that catches up needs no lease, and a rebuild takes none away.
	apply(t, a, entries[50:60]...)
	r := begin(t, a)
	ok(t, r.Apply(ctx, 0, entries[:70]))
	ok(t, r.Swap(ctx, func(uint64) iter.Seq2[[]readmodel.Entry, error] {
		return func(func([]readmodel.Entry, error) bool) {}
	}))
	refused(t, a.ApplyUnder(ctx, first, 70, entries[70:80]), readmodel.ErrFenced)
	refused(t, b.ApplyUnder(ctx, second, 50, entries[50:80]), readmodel.ErrCheckpointMoved)
	ok(t, b.ApplyUnder(ctx, second, 70, entries[70:]))
	same(t, b, digest(t, twin(t, entries)))
	// A lease that nobody ever had fences, too.
	more := entries[len(entries)-1]
	more.Envelope.Position++
	refused(t, b.ApplyUnder(ctx, readmodel.Lease{Name: "unheard of", Epoch: 1}, uint64(len(entries)), []readmodel.Entry{more}), readmodel.ErrFenced)
}

// leaseRace: of many that try at once exactly one gets a lease, and the others learn who.
func leaseRace(t *testing.T, fresh func() Storage) {
	storage := fresh()
	var won atomic.Int64
	var winner, told sync.Map
	var all sync.WaitGroup
	for _, holder := range []string{"anna", "bert", "carl", "dora"} {
		m := open(t, storage())
		defer closing(t, m)
		all.Go(func() {
			l, err := m.Acquire(context.Background(), "driver", holder, long)
			switch {
			case err == nil:
				won.Add(1)
				winner.Store(l.Holder, true)
			case errors.Is(err, readmodel.ErrLeaseHeld):
				told.Store(l.Holder, true)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	told.Range(func(holder, _ any) bool {
		if _, right := winner.Load(holder); !right {
			t.Errorf("one was told that %v has it", holder)
		}
		return true
	})
	if won.Load() != 1 {
		t.Errorf("%d got it, want one", won.Load())
	}
}
