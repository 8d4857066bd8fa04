package readmodel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// clocked is an engine whose clock is set.
type clocked struct {
	readmodel.Engine
	now time.Time
}

type clockedTx struct {
	readmodel.Tx
	now time.Time
}

func (c *clocked) Update(ctx context.Context, f func(readmodel.Tx) error) error {
	return c.Engine.Update(ctx, func(tx readmodel.Tx) error { return f(clockedTx{tx, c.now}) })
}

func (tx clockedTx) Now() (time.Time, error) { return tx.now, nil }

func TestALeaseRunsByTheEnginesClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC)
	for _, c := range []struct {
		name string
		when time.Duration
		free bool
	}{
		{"at once", 0, false},
		{"just before its end", 10*time.Second - 1, false},
		{"at its end", 10 * time.Second, true},
		{"the clock was set back a little", -50 * time.Second, false},
		{"the clock was set back by more than any lease lasts", -50*time.Second - 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := &clocked{readmodel.NewMemory(), start}
			m, err := projections.Open(t.Context(), e, readmodel.Options{})
			if err != nil {
				t.Fatal(err)
			}
			first, err := m.Acquire(t.Context(), "driver", "anna", 10*time.Second)
			if err != nil || !first.Until.Equal(start.Add(10*time.Second)) {
				t.Fatalf("got %+v, %v", first, err)
			}
			e.now = start.Add(c.when)
			second, err := m.Acquire(t.Context(), "driver", "bert", 10*time.Second)
			switch {
			case c.free && (err != nil || second.Epoch != 2 || second.Holder != "bert"):
				t.Errorf("got %+v, %v", second, err)
			case !c.free && (!errors.Is(err, readmodel.ErrLeaseHeld) || second != first):
				t.Errorf("got %+v, %v, want the first one's", second, err)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
