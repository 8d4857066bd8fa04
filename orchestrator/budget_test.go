package orchestrator_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// dear is a slow model whose calls cost 15 cents each by its own word, and counts how many are under way.
type dear struct {
	now, most, calls atomic.Int64
}

const dearCost = 150_000_000 // nano-dollars

func (d *dear) Chat(ctx context.Context, _ agents.Request, _ func(string)) (agents.Answer, error) {
	d.calls.Add(1)
	now := d.now.Add(1)
	defer d.now.Add(-1)
	for most := d.most.Load(); now > most && !d.most.CompareAndSwap(most, now); most = d.most.Load() {
	}
	select {
	case <-time.After(2 * time.Second): // the fake clock's
	case <-ctx.Done():
		return agents.Answer{}, ctx.Err()
	}
	return agents.Answer{
		Message: events.Message{Role: "assistant", Content: "Done."}, Model: "dear", Provider: "p", FinishReason: "stop",
		InputTokens: 1, OutputTokens: 1, UsageKnown: true, CostNanos: dearCost, Priced: true,
	}, nil
}

// dearPrices has a call of 100 tokens of output reserve at least what it costs.
const dearPrices = `{"dear": {"input_cost_per_token": 1e-9, "output_cost_per_token": 0.0015}}`

// TestNoConcurrencyPassesTheCap asks 300 runs at once of a slow model, 15 cents a call, with a cap of $1: six calls are
// made, never more than there are places, and every other run fails with the reason.
func TestNoConcurrencyPassesTheCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		prices, err := agents.ParsePrices(strings.NewReader(dearPrices))
		if err != nil {
			t.Fatal(err)
		}
		h, model := newHouse(t), &dear{}
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) {
			c.Model, c.Turns = "dear", 4
			c.Runner = agents.Runner{Model: model, Prices: prices}
		}
		h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100})
		set := commands.SetBudget{
			Meta:   commands.Meta{ID: events.NameID(time.Now(), "set"), At: time.Now(), Actor: "user:anna"},
			Budget: "all", Period: events.Monthly, LimitNanos: 1_000_000_000, Fails: true,
		}
		if _, err := h.dispatch(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		const runs = 300
		for i := range runs {
			h.askOf(t, fmt.Sprint("r", i), "clerk", "go")
		}
		stop := h.serve(t)
		time.Sleep(10 * time.Minute) // the fake clock's
		synctest.Wait()
		stop()
		succeeded, refused := 0, 0
		for row, err := range h.models.Runs(t.Context(), projections.RunFilter{}) {
			switch {
			case err != nil:
				t.Fatal(err)
			case row.Outcome == events.Succeeded:
				succeeded++
			case row.Outcome == events.Failed && strings.Contains(row.Error, "budget"):
				refused++
			default:
				t.Errorf("run %s: %s %q", row.Run, row.Outcome, row.Error)
			}
		}
		if calls := model.calls.Load(); calls != 6 || succeeded != 6 || refused != runs-6 {
			t.Errorf("%d calls, %d runs succeeded, %d were refused: want 6, 6, 294", calls, succeeded, refused)
		}
		if most := model.most.Load(); most < 2 || most > 4 {
			t.Errorf("%d calls were under way at once, with 4 places", most)
		}
	})
}

// hanging is a model that never answers.
type hanging struct{}

func (hanging) Chat(ctx context.Context, _ agents.Request, _ func(string)) (agents.Answer, error) {
	<-ctx.Done()
	return agents.Answer{}, ctx.Err()
}

// TestARunThatHangsIsFailedByATimer has a model that never answers: after half an hour without a fact the run fails, and
// its call is called off. What waits for its place does not count as hanging.
func TestARunThatHangsIsFailedByATimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Turns, c.Runner.Model = 1, hanging{} }
		stop := h.serve(t)
		h.ask(t, "r1", "hello")
		h.ask(t, "r2", "hello")
		outcome := func(run string) (events.Outcome, string) {
			synctest.Wait()
			row, _, err := h.models.Run(t.Context(), run)
			if err != nil {
				t.Fatal(err)
			}
			return row.Outcome, row.Error
		}
		time.Sleep(29 * time.Minute) // the fake clock's
		if got, _ := outcome("r1"); got != projections.Running {
			t.Errorf("after 29 minutes the run is %s", got)
		}
		time.Sleep(2 * time.Minute) // the fake clock's
		if got, why := outcome("r1"); got != events.Failed || !strings.Contains(why, "nothing was heard") {
			t.Errorf("after 31 minutes the run is %s %q", got, why)
		}
		// The second one got the place then, and has half an hour of its own.
		if got, _ := outcome("r2"); got != projections.Running {
			t.Errorf("the run that waited is %s", got)
		}
		time.Sleep(30 * time.Minute) // the fake clock's
		if got, _ := outcome("r2"); got != events.Failed {
			t.Errorf("half an hour later it is %s", got)
		}
		stop()
	})
}

// TestACancelledRunEndsAtOnce cancels a run whose model hangs: its call is called off, and there is one end.
func TestACancelledRunEndsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.configure = func(c *orchestrator.Config) { c.Turns, c.Runner.Model = 1, hanging{} }
		stop := h.serve(t)
		h.ask(t, "r1", "hello")
		synctest.Wait()
		cancel := commands.CancelRun{
			Meta: commands.Meta{ID: events.NameID(time.Now(), "cancel"), At: time.Now(), Actor: "user:anna", Correlation: "r1"}, Run: "r1", Reason: "enough",
		}
		if _, err := h.dispatch(t.Context(), cancel); err != nil {
			t.Fatal(err)
		}
		// The place is free again without a wait: the next run has its call.
		h.ask(t, "r2", "hello")
		synctest.Wait()
		if got := h.kinds(t, "run-r2"); len(got) != 3 {
			t.Errorf("the next run has %v", got)
		}
		stop()
		if got := h.kinds(t, "run-r1"); got[len(got)-1] != "run.cancelled" {
			t.Errorf("the cancelled run has %v", got)
		}
	})
}
