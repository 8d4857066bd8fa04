package orchestrator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// A process is stopped while what its managers remember is being saved, and that hangs. What the next one finds is either
// all that was folded up to a position, or an earlier position: no run is forgotten.
func TestASaveThatHangsForgetsNoRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		way := &cable{Engine: readmodel.NewMemory()}
		models, err := projections.Open(t.Context(), way, readmodel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		h.configure = func(c *orchestrator.Config) { c.Models, c.Drain = models, -1 }
		h.model.Model = endless{left: make(chan time.Time, 2)}
		stop := h.serve(t)
		time.Sleep(1900 * time.Millisecond) // the fake clock's: managers save each second
		hung := make(chan struct{})
		way.set(false, hung)
		h.ask(t, "r1", "hello")
		time.Sleep(300 * time.Millisecond)
		h.ask(t, "r2", "hello")
		synctest.Wait()
		time.AfterFunc(300*time.Millisecond, func() {
			way.set(false, nil)
			close(hung)
		})
		stop()

		h.model.Model = agents.Scripted{}
		stop = h.serve(t)
		time.Sleep(time.Minute)
		stop()
		for _, run := range []string{"r1", "r2"} {
			row, _, err := models.Run(t.Context(), run)
			if err != nil || row.Outcome != events.Succeeded {
				t.Errorf("run %s is %s, %v", run, row.Outcome, err)
			}
		}
	})
}
