package orchestrator

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Away tells of a failure that it may pass by itself: a server that is gone, a disk that is full.
func Away(err error) bool {
	return errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, readmodel.ErrUnavailable)
}

// The waits between tries of what is away.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
)

// patiently does something again for as long as what it needs is away, or the lease is over by this process's clock: that ends
// ctx soon, or the clock was set and it is not. Either way nothing has failed. It returns the last error where ctx is done.
func patiently(ctx context.Context, log *slog.Logger, what string, f func() error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := f()
		if !Away(err) && !errors.Is(err, ErrLeaseLost) || ctx.Err() != nil {
			if pause > firstPause && err == nil {
				log.Info("the store answers again", "waited", what)
			}
			return err
		}
		if pause == firstPause {
			log.Warn("the store does not answer: nothing is lost, it is tried again until it does", "waits", what, "error", err)
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
}

// patient carries out commands again while the store is away: what was paid for is not thrown away. Each command's id
// is given, so that one that stood after all is a repeat.
func patient(dispatch commands.Dispatch, log *slog.Logger) commands.Dispatch {
	return func(ctx context.Context, cmds ...commands.Command) (receipt commands.Receipt, err error) {
		err = patiently(ctx, log, "recording", func() error {
			receipt, err = dispatch(ctx, cmds...)
			return err
		})
		return receipt, err
	}
}
