package replay

import (
	"context"
	"time"

	"github.com/virtuous6/virtuous6/projections"
)

// Reach waits until the read models, which somebody keeps up with the log, have seen a position.
func Reach(ctx context.Context, models projections.Reader, position uint64) error {
	for look := time.Millisecond; ; look = min(2*look, 100*time.Millisecond) {
		at, err := models.Position(ctx)
		if err != nil || at >= position {
			return err
		}
		wait := time.NewTimer(look)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-wait.C:
		}
	}
}
