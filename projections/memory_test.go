package projections_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/projections/enginetest"
)

// handle is one of several openings of the same memory: closing it leaves the others open.
type handle struct {
	projections.Engine
	closed atomic.Bool
}

var errClosed = fmt.Errorf("%w: closed", projections.ErrUnavailable)

func (h *handle) Close() error {
	h.closed.Store(true)
	return nil
}

func (h *handle) Snapshot(ctx context.Context) (projections.Snapshot, error) {
	if h.closed.Load() {
		return nil, errClosed
	}
	return h.Engine.Snapshot(ctx)
}

func (h *handle) Update(ctx context.Context, f func(projections.Tx) error) error {
	if h.closed.Load() {
		return errClosed
	}
	return h.Engine.Update(ctx, f)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, 0, func(*testing.T) enginetest.Storage {
		e := projections.NewMemory()
		return func() projections.Engine { return &handle{Engine: e} }
	})
}
