package orchestrator_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
)

// dear has a house ask the dear model, and returns it.
func (h *house) dear(t *testing.T) *dear {
	t.Helper()
	prices, err := agents.ParsePrices(strings.NewReader(dearPrices))
	if err != nil {
		t.Fatal(err)
	}
	model := &dear{}
	h.configure = func(c *orchestrator.Config) {
		c.Model, c.Turns = "dear", 4
		c.Runner = agents.Runner{Model: model, Prices: prices}
	}
	return model
}

// limit sets a budget.
func (h *house) limit(t *testing.T, budget string, period events.BudgetPeriod, cents int) {
	t.Helper()
	set := commands.SetBudget{
		Meta:   commands.Meta{ID: events.NameID(time.Now(), fmt.Sprint(budget, cents)), At: time.Now(), Actor: "user:anna"},
		Budget: budget, Period: period, LimitNanos: events.Nanos(cents) * 10_000_000, Marks: []int{50, 80},
	}
	if _, err := h.dispatch(t.Context(), set); err != nil {
		t.Fatal(err)
	}
}

// tally counts the runs by how they ended, and those that wait by the budget that they wait for.
func (h *house) tally(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	for row, err := range h.models.Runs(t.Context(), projections.RunFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		name := string(row.Outcome)
		if row.Suspended != "" {
			name += " " + row.Suspended
		}
		n[name]++
	}
	return n
}

// later lets the fake clock go on.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestARunThatThereIsNoMoneyForWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		model := h.dear(t)
		h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100})
		h.spawn(t, "poet", events.AgentConfig{MaxTokens: 100})
		h.limit(t, commands.AgentBudget("clerk"), events.Daily, 50) // three calls of 15 cents
		for i := range 10 {
			h.askOf(t, fmt.Sprint("c", i), "clerk", "go")
			h.askOf(t, fmt.Sprint("p", i), "poet", "go")
		}
		stop := h.serve(t)
		later(10 * time.Minute)
		if n := h.tally(t); n["succeeded"] != 13 || n["running agent:clerk"] != 7 || len(n) != 2 {
			t.Errorf("with $0.50 for the clerk: %v", n)
		}
		budgets, err := h.models.Budgets(t.Context())
		if err != nil || len(budgets) != 1 || budgets[0].SpentNanos != 3*dearCost || budgets[0].Reached != 80 {
			t.Errorf("the budget: %+v, %v", budgets, err)
		}
		later(time.Hour) // a run that waits is not one that hangs
		// Whoever takes over goes on where this one stops.
		stop()
		h.limit(t, commands.AgentBudget("clerk"), events.Daily, 100)
		stop = h.serve(t)
		later(10 * time.Minute)
		if n := h.tally(t); n["succeeded"] != 16 || n["running agent:clerk"] != 4 {
			t.Errorf("with $1 for the clerk: %v", n)
		}
		// The next day is a new one.
		later(24 * time.Hour)
		stop()
		if n := h.tally(t); n["succeeded"] != 20 || model.calls.Load() != 20 {
			t.Errorf("a day later: %v, %d calls", n, model.calls.Load())
		}
	})
}

func TestWhatIsSetAsideElsewhereIsFreeWhileARunWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		defer h.close(t)
		h.dear(t)
		h.spawn(t, "clerk", events.AgentConfig{MaxTokens: 100})
		h.spawn(t, "poet", events.AgentConfig{MaxTokens: 100})
		h.limit(t, "agent:clerk", events.Monthly, 0)
		h.limit(t, "AAA", events.Monthly, 20) // one call, and it comes first
		h.askOf(t, "c", "clerk", "go")
		stop := h.serve(t)
		later(time.Minute)
		h.askOf(t, "p", "poet", "go")
		later(time.Minute)
		if n := h.tally(t); n["succeeded"] != 1 || n["running agent:clerk"] != 1 {
			t.Errorf("the clerk waits and the poet has the money: %v", n)
		}
		h.limit(t, "agent:clerk", events.Monthly, 30)
		later(time.Minute)
		if n := h.tally(t); n["running AAA"] != 1 {
			t.Errorf("then the clerk waits for the other one: %v", n)
		}
		h.limit(t, "AAA", events.Monthly, 40)
		later(time.Minute)
		stop()
		if n := h.tally(t); n["succeeded"] != 2 {
			t.Errorf("and then for nothing: %v", n)
		}
	})
}

// TestTwoProcessesShareACap has two dispatchers, each with states of its own as two processes have, reserve and settle on one
// store at once: what is spent and set aside never passes the limit.
func TestTwoProcessesShareACap(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	defer h.close(t)
	h.limit(t, "workspace:", events.Monthly, 100)
	var processes [2]commands.Dispatch
	for i := range processes {
		processes[i] = orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(h.policy))).Dispatch
	}
	group, ctx := errgroup.WithContext(t.Context())
	granted := make([]int, len(processes))
	for p, dispatch := range processes {
		group.Go(func() error {
			for i := range 60 {
				name := fmt.Sprint("process ", p, " call ", i)
				id := func(what string) commands.Meta {
					return commands.Meta{ID: events.NameID(time.Now(), what+name), At: time.Now(), Actor: "agent:clerk"}
				}
				_, err := dispatch(ctx, commands.ReserveBudget{
					Meta: id("reserve"), Budget: "workspace:", Reservation: name, Run: name, Nanos: 20_000_000, Holder: fmt.Sprint(p),
				})
				if aggregates.Refused(err) {
					continue
				}
				if err == nil {
					granted[p]++
					_, err = dispatch(ctx, commands.SettleBudget{Meta: id("settle"), Budget: "workspace:", Reservation: name, Nanos: 20_000_000})
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if granted[0]+granted[1] != 50 {
		t.Errorf("%d calls of 2 cents were let through under a cap of $1", granted)
	}
}
