package orchestrator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// What comes in while the analysts look is looked at the next time.
func TestWhatComesDuringAnAnalysisIsAnalysed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		var looks []uint64
		h.configure = func(c *orchestrator.Config) {
			c.Analysts = []analysts.Runner{{Name: "test", Version: 1, Every: time.Hour, Load: func(ctx context.Context, r projections.Reader) (func() evidence.Result, error) {
				at, err := r.Position(ctx)
				looks = append(looks, at)
				return func() (none evidence.Result) {
					time.Sleep(10 * time.Minute)
					return none
				}, err
			}}}
		}
		stop := h.serve(t)
		h.ask(t, "r1", "hello")
		time.Sleep(time.Hour + 5*time.Minute)
		h.ask(t, "r2", "hello") // while they look
		time.Sleep(5 * time.Hour)
		stop()
		head, err := h.store.Head(t.Context())
		if err != nil || len(looks) != 2 || looks[1] < head-5 { // behind it there are seals
			t.Errorf("they looked at %v, the log ends at %d (%v)", looks, head, err)
		}
	})
}

func TestAnalystsRunOnTheirSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		looks := 0
		h.configure = func(c *orchestrator.Config) {
			c.Analysts = []analysts.Runner{{Name: "test", Version: 1, Every: time.Hour, Load: func(context.Context, projections.Reader) (func() evidence.Result, error) {
				looks++
				return func() evidence.Result {
					return evidence.Result{Proposals: []evidence.Proposal{{
						Analyst: "test", AnalystVersion: 1, Reason: "because", Change: events.Change{Kind: events.ChangeWorkflow, Workflow: "ask"},
						Evidence: events.Evidence{From: 1, To: 2, Statistic: "count", Value: 1, Low: 1, High: 1, Confidence: 0.95, N: 1},
					}}}
				}, nil
			}}}
		}
		stop := h.serve(t)
		h.ask(t, "r1", "hello")
		time.Sleep(5*time.Hour + time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		// It looks once at the run. Its own proposal is no news, so it does not look again.
		list, err := h.models.Improvements(t.Context(), "")
		if err != nil || len(list) != 1 || list[0].Status != "proposed" || looks != 1 {
			t.Errorf("%d looks made %+v (%v)", looks, list, err)
		}
	})
}

// While the loop is paused no analyst looks; once it goes on they look at what came meanwhile.
func TestNoAnalystLooksWhileTheLoopIsPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		looks := 0
		h.configure = func(c *orchestrator.Config) {
			c.Analysts = []analysts.Runner{{Name: "test", Version: 1, Every: time.Hour, Load: func(context.Context, projections.Reader) (func() evidence.Result, error) {
				looks++
				return func() evidence.Result { return evidence.Result{} }, nil
			}}}
		}
		wish := func(name string) commands.Meta {
			return commands.Meta{ID: events.NameID(time.Now(), name), At: time.Now(), Actor: "user:anna"}
		}
		stop := h.serve(t)
		defer func() { stop() }()
		if _, err := h.dispatch(t.Context(), commands.PauseLoop{Meta: wish("pause"), By: "user:anna", Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
		h.ask(t, "r1", "hello")
		time.Sleep(5 * time.Hour) // the fake clock's
		synctest.Wait()
		if looks != 0 {
			t.Errorf("%d looks while it is paused", looks)
		}
		if _, err := h.dispatch(t.Context(), commands.ResumeLoop{Meta: wish("resume"), By: "user:anna"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if looks != 1 {
			t.Errorf("%d looks at what came meanwhile, want 1", looks)
		}
	})
}
