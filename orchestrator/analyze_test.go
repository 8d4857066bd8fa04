package orchestrator_test

import (
	"context"
	"testing"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/orchestrator/logtest"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// The read models go on while analysts read them. All that they read is of one state, so that what they say is what a
// rehearsal says there.
func TestAnalystsReadOneState(t *testing.T) {
	t.Parallel()
	log, d := newLog(t)
	models := logtest.Models(t)
	logtest.Import(t, log, logtest.Simulated(20))
	if err := replay.CatchUp(t.Context(), log, models, nil); err != nil {
		t.Fatal(err)
	}
	none := func() (r analysts.Result) { return r }
	var seen []uint64
	look := func(ctx context.Context, r projections.Reader) (func() analysts.Result, error) {
		at, err := r.Position(ctx)
		seen = append(seen, at)
		return none, err
	}
	grow := func(ctx context.Context, _ projections.Reader) (func() analysts.Result, error) {
		logtest.Import(t, log, logtest.Simulated(40))
		return none, replay.CatchUp(ctx, log, models, nil)
	}
	found, err := orchestrator.Analyze(t.Context(), models, d.Dispatch, fixedClock, []analysts.Runner{{Name: "a", Load: look}, {Name: "b", Load: grow}, {Name: "c", Load: look}})
	if err != nil {
		t.Fatal(err)
	}
	if now, err := models.Position(t.Context()); err != nil || len(seen) != 2 || seen[0] != seen[1] || found.Position != seen[0] || now <= seen[1] {
		t.Errorf("they saw %v, it is told that they looked at %d; now it is %d (%v)", seen, found.Position, now, err)
	}
}
