package orchestrator_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// breaks is an engine that fails for good once it is told to.
type breaks struct {
	readmodel.Engine
	broken atomic.Bool
}

var errBroken = errors.New("broken for good")

func (b *breaks) Update(ctx context.Context, f func(readmodel.Tx) error) error {
	if b.broken.Load() {
		return errBroken
	}
	return b.Engine.Update(ctx, f)
}

// A turn waits for its next try, and all ends under it: told to stop, or because something else is broken. That is no
// failure of the run: the next start performs the turn.
func TestTheEndOfTheProgramFailsNoRunThatWaitsForItsNextTry(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(*breaks, context.CancelFunc){
		"told to stop":             func(_ *breaks, cancel context.CancelFunc) { cancel() },
		"something else is broken": func(b *breaks, _ context.CancelFunc) { b.broken.Store(true) },
	} {
		for _, after := range []time.Duration{50, 250, 500, 1500} { // it waits for the first try again, or a later one
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					h := newHouse(t)
					defer h.close(t)
					engine := &breaks{Engine: readmodel.NewMemory()}
					models, err := projections.Open(t.Context(), engine, readmodel.Options{})
					if err != nil {
						t.Fatal(err)
					}
					full := atomic.Bool{}
					full.Store(true)
					h.configure = func(c *orchestrator.Config) {
						c.Models, c.Drain = models, -1
						c.Dispatch = func(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
							if full.Load() && slices.ContainsFunc(cmds, func(c commands.Command) bool { _, is := c.(commands.StartStep); return is }) {
								return commands.Receipt{}, errors.New("not now")
							}
							return h.dispatch(ctx, cmds...)
						}
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					done := h.run(ctx)
					h.ask(t, "r1", "hello")
					time.Sleep(after * time.Millisecond) // the fake clock's
					ends(engine, cancel)
					h.ask(t, "r2", "hello") // the read models are to be written
					if err := <-done; err != nil && !errors.Is(err, errBroken) {
						t.Fatal(err)
					}
					if kinds := h.kinds(t, "run-r1"); slices.Contains(kinds, "run.failed") {
						t.Fatalf("the run's stream holds %v", kinds)
					}
					engine.broken.Store(false)
					full.Store(false)
					stop := h.serve(t)
					time.Sleep(time.Minute)
					stop()
					if kinds := h.kinds(t, "run-r1"); kinds[len(kinds)-1] != "run.finished" {
						t.Errorf("the run's stream holds %v", kinds)
					}
				})
			})
		}
	}
}
