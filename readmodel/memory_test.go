package readmodel_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
)

// handle is one of several openings of the same memory: closing it leaves the others open.
type handle struct {
	readmodel.Engine
	closed atomic.Bool
}

var errClosed = fmt.Errorf("%w: closed", readmodel.ErrUnavailable)

func (h *handle) Close() error {
	h.closed.Store(true)
	return nil
}

func (h *handle) Snapshot(ctx context.Context) (readmodel.Snapshot, error) {
	if h.closed.Load() {
		return nil, errClosed
	}
	return h.Engine.Snapshot(ctx)
}

func (h *handle) Update(ctx context.Context, f func(readmodel.Tx) error) error {
	if h.closed.Load() {
		return errClosed
	}
	return h.Engine.Update(ctx, f)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, 0, func(*testing.T) enginetest.Storage {
		e := readmodel.NewMemory()
		return func() readmodel.Engine { return &handle{Engine: e} }
	})
}

// TestABatchIsWrittenInPartsWhereItsRowsTakeTooMuch has a batch work on more than four times what the cache may take: the rows
// are written on the way, and are the same.
func TestABatchIsWrittenInPartsWhereItsRowsTakeTooMuch(t *testing.T) {
	t.Parallel()
	entries := enginetest.Simulated(3, 900)
	of := func(cacheBytes int) (writes int64, d readmodel.Digest) {
		e := &failing{Engine: readmodel.NewMemory()}
		m := opened(t, e, readmodel.Options{CacheBytes: cacheBytes, SnapshotEvery: -1})
		e.in.Store(1 << 30)
		for batch := range slices.Chunk(entries, 2_000) {
			if err := m.Apply(t.Context(), batch[0].Envelope.Position-1, batch); err != nil {
				t.Fatal(err)
			}
		}
		return 1<<30 - e.in.Load(), digest(t, m)
	}
	batches := int64(len(entries)+1_999) / 2_000
	whole, want := of(0)
	parts, got := of(1 << 10)
	if whole != batches || parts < 3*batches {
		t.Errorf("%d batches were written in %d parts, and with a small cache in %d", batches, whole, parts)
	}
	if got.SHA256 != want.SHA256 || got.Position != want.Position {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
