package orchestrator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// caps are the budgets that there are. They are known by the log and not by the read models, which may be behind: no run
// that was asked for after a cap was set passes it by.
type caps struct {
	mu sync.Mutex
	// streams are those of the budgets.
	streams map[string]bool
}

// hear takes in a fact of the log.
func (c *caps) hear(e *events.Envelope) {
	if e.Kind == (events.BudgetSet{}).Kind() {
		c.add(e.Stream)
	}
}

func (c *caps) add(stream string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams == nil {
		c.streams = map[string]bool{}
	}
	c.streams[stream] = true
}

// of are the names of the budgets that a run of a workspace by an agent, for a goal or for none, counts to, in order.
func (c *caps) of(workspace, goal, agent string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for stream := range c.streams {
		_, of, budget := events.SplitStream(stream)
		others := strings.HasPrefix(budget, commands.GoalBudget("")) && (goal == "" || budget != commands.GoalBudget(goal))
		another := strings.HasPrefix(budget, commands.AgentBudget("")) && budget != commands.AgentBudget(agent)
		if of == workspace && !others && !another {
			names = append(names, budget)
		}
	}
	slices.Sort(names)
	return names
}

// load takes in all that was set up to a position: what the read models have seen, and the log from there on.
func (c *caps) load(ctx context.Context, store eventstore.Store, models *projections.Models, head uint64) error {
	from, err := models.Position(ctx)
	switch {
	case errors.Is(err, readmodel.ErrOutdated):
		from = 0
	case err != nil:
		return err
	default:
		streams, err := models.BudgetStreams(ctx)
		if err != nil {
			return err
		}
		for _, stream := range streams {
			c.add(stream)
		}
	}
	if from >= head {
		return nil
	}
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{From: from, Kinds: []string{(events.BudgetSet{}).Kind()}}) {
		if err != nil {
			return err
		}
		if e.Position > head {
			break
		}
		c.hear(&e)
	}
	return nil
}
