package orchestrator

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// caps are the budgets that there are, and what they bound. They are known by the log and not by the read models, which may be
// behind: no run that was asked for after a cap was set passes it by. Those of runs are forgotten with the run.
type caps struct {
	mu sync.Mutex
	// own are those of one agent, goal or run, and all the others, by workspace and name.
	own, all map[string]map[string]capped
}

// capped is what a budget bounds.
type capped struct{ money, tokens, time, agents bool }

// takes tells whether a budget bounds any of what a reservation is of. What takes tokens costs money.
func (b capped) takes(most events.Resources) bool {
	return most.Tokens > 0 && (b.money || b.tokens) || most.TimeMS > 0 && b.time || most.Agents > 0 && b.agents
}

// capKinds are the facts that tell which budgets there are.
var capKinds = []string{
	events.BudgetSet{}.Kind(), events.RunFinished{}.Kind(), events.RunFailed{}.Kind(), events.RunCancelled{}.Kind(),
}

// hear takes in a fact of the log. One that can't be read bounds money: whoever reserves hears of it.
func (c *caps) hear(e *events.Envelope) {
	switch e.Kind {
	case (events.BudgetSet{}).Kind():
		is := capped{money: true}
		if fact, err := events.Decode(*e); err == nil {
			if set, ok := fact.(events.BudgetSet); ok {
				is = capped{!set.AnyCost, set.Limits.Tokens > 0, set.Limits.TimeMS > 0, set.Limits.Agents+set.Depth+set.Fanout > 0}
			}
		}
		c.add(e.Workspace, events.Identity(e.Stream), is)
	case (events.RunFinished{}).Kind(), (events.RunFailed{}).Kind(), (events.RunCancelled{}).Kind():
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.own[e.Workspace], commands.RunBudget(events.Identity(e.Stream)))
	}
}

func (c *caps) add(workspace, budget string, is capped) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := &c.all
	if ofOne(budget) {
		of = &c.own
	}
	if *of == nil {
		*of = map[string]map[string]capped{}
	}
	if (*of)[workspace] == nil {
		(*of)[workspace] = map[string]capped{}
	}
	(*of)[workspace][budget] = is
}

// ofOne tells the budget of one agent, goal or run from one that all runs of the workspace count to.
func ofOne(budget string) bool {
	return slices.ContainsFunc([]string{commands.AgentBudget(""), commands.GoalBudget(""), commands.RunBudget("")}, func(kind string) bool {
		return strings.HasPrefix(budget, kind)
	})
}

// of are the names of the budgets that bound something that a run of a workspace by an agent, for a goal or for none, is to take,
// in order, and what they bound.
func (c *caps) of(workspace, goal, agent, run string, most events.Resources) (names []string, all capped) {
	c.mu.Lock()
	defer c.mu.Unlock()
	take := func(name string, is capped) {
		if is.takes(most) {
			names = append(names, name)
			all = capped{all.money || is.money, all.tokens || is.tokens, all.time || is.time, all.agents || is.agents}
		}
	}
	for name, is := range c.all[workspace] {
		take(name, is)
	}
	for _, name := range []string{commands.AgentBudget(agent), commands.GoalBudget(goal), commands.RunBudget(run)} {
		if is, there := c.own[workspace][name]; there {
			take(name, is)
		}
	}
	slices.Sort(names)
	return names, all
}

func (*caps) kinds() []string { return capKinds }

// start implements heard.
func (c *caps) start(ctx context.Context, models *projections.Models) error {
	for row, err := range models.LiveBudgets(ctx) {
		if err != nil {
			return err
		}
		c.add(row.Workspace, row.Budget, capped{!row.AnyCost, row.LimitTokens > 0, row.LimitTimeMS > 0, row.LimitAgents+row.LimitDepth+row.LimitFanout > 0})
	}
	return nil
}
