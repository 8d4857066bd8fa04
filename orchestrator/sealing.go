package orchestrator

import (
	"context"
	"time"

	"github.com/virtuous6/virtuous6/audit"
)

// sealChecks is how often in a Config.SealEvery it is looked whether audit.SealAfter events came.
const sealChecks = 10

// sealOnSchedule seals what came: where it is much at once and soon after, in any case every SealEvery.
func (o *Orchestrator) sealOnSchedule(ctx context.Context) error {
	ticker := time.NewTicker(max(o.c.SealEvery/sealChecks, 1))
	defer ticker.Stop()
	for check := 0; ; check++ {
		atLeast := audit.SealAfter
		if check > 0 && check%sealChecks == 0 {
			atLeast = 1
		}
		if _, err := audit.Seal(ctx, o.c.Store, o.c.Dispatch, o.c.Clock, atLeast); err != nil && ctx.Err() == nil {
			// What can't be sealed now must not take live runs down with it: it is tried again.
			o.c.Log.Error("the log can't be sealed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
