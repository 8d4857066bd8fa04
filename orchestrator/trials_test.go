package orchestrator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// A run that was asked for while nobody was there takes part in the experiment that runs, however far the read models are.
func TestATrialGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	for name, behind := range map[string]bool{"read models that have seen it": false, "read models that have seen nothing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, askUntil := trying(t, "Just guess.", "Look it up.")
				defer func() { h.close(t) }()
				stop := h.serve(t)
				asked := 0
				askUntil(func() bool { asked++; return asked > 3 })
				stop()
				if behind {
					if err := h.models.Close(); err != nil {
						t.Fatal(err)
					}
					var err error
					if h.models, err = projections.Open(t.Context(), readmodel.NewMemory(), readmodel.Options{}); err != nil {
						t.Fatal(err)
					}
				}
				serve := func(run string) events.RunAssigned {
					h.askOf(t, run, "clerk", "another question")
					stop := h.serve(t)
					synctest.Wait()
					defer stop()
					fact, err := events.Decode(h.stream(t, "run-"+run)[1])
					if err != nil {
						t.Fatal(err)
					}
					return fact.(events.RunAssigned)
				}
				if assigned := serve("waited"); len(assigned.Arms) != 1 || assigned.Arms[0].Experiment != "x" {
					t.Errorf("it takes part in %+v", assigned.Arms)
				}
				meta := commands.Meta{ID: events.NameID(time.Now(), "stop"), At: time.Now(), Actor: "user:anna"}
				if _, err := h.dispatch(t.Context(), commands.StopExperiment{Meta: meta, Experiment: "x", By: "user:anna", Reason: "enough"}); err != nil {
					t.Fatal(err)
				}
				if assigned := serve("late"); len(assigned.Arms) != 0 {
					t.Errorf("it takes part in %+v, which is over", assigned.Arms)
				}
			})
		})
	}
}
