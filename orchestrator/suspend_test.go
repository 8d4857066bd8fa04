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
// store at once: what is used and set aside never passes the limit, whatever the budget bounds. The real program does so in
// TestACapHoldsOverATakeover of cmd/virtuous6.
func TestTwoProcessesShareACap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  commands.SetBudget
		call commands.ReserveBudget
	}{
		"money":  {commands.SetBudget{LimitNanos: 1_000_000_000}, commands.ReserveBudget{Nanos: 20_000_000}},
		"tokens": {commands.SetBudget{AnyCost: true, Limits: events.Resources{Tokens: 5000}}, commands.ReserveBudget{Most: events.Resources{Tokens: 100, TimeMS: 10}}},
		"time":   {commands.SetBudget{AnyCost: true, Limits: events.Resources{TimeMS: 100_000}}, commands.ReserveBudget{Most: events.Resources{Tokens: 1, TimeMS: 2000}}},
		"agents": {commands.SetBudget{AnyCost: true, Limits: events.Resources{Agents: 50}}, commands.ReserveBudget{Most: events.Resources{Agents: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			defer h.close(t)
			c.set.Meta = commands.Meta{ID: events.NameID(time.Now(), "set"), At: time.Now(), Actor: "user:anna"}
			c.set.Budget, c.set.Period = "workspace:", events.Monthly
			if _, err := h.dispatch(t.Context(), c.set); err != nil {
				t.Fatal(err)
			}
			group, ctx := errgroup.WithContext(t.Context())
			var granted [2]int
			for p := range granted {
				dispatch := orchestrator.NewDispatcher(h.store, aggregates.All(aggregates.Everywhere(h.policy))).Dispatch
				group.Go(func() error {
					for i := range 60 {
						name := fmt.Sprint("process ", p, " call ", i)
						id := func(what string) commands.Meta {
							return commands.Meta{ID: events.NameID(time.Now(), what+name), At: time.Now(), Actor: "agent:clerk"}
						}
						reserve := c.call
						reserve.Meta, reserve.Budget, reserve.Reservation, reserve.Run, reserve.Holder = id("reserve"), "workspace:", name, name, fmt.Sprint(p)
						_, err := dispatch(ctx, reserve)
						if aggregates.Refused(err) {
							continue
						}
						if err == nil {
							granted[p]++
							_, err = dispatch(ctx, commands.SettleBudget{Meta: id("settle"), Budget: "workspace:", Reservation: name, Nanos: c.call.Nanos, Took: c.call.Most})
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
				t.Errorf("%d calls of a fiftieth each were let through", granted)
			}
		})
	}
}
