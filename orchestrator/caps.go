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

func (*caps) kinds() []string { return []string{events.BudgetSet{}.Kind()} }

// start implements heard.
func (c *caps) start(ctx context.Context, models *projections.Models) error {
	streams, err := models.BudgetStreams(ctx)
	for _, stream := range streams {
		c.add(stream)
	}
	return err
}
