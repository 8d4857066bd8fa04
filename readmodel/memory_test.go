package readmodel_test

import (
	"context"
	"fmt"
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
