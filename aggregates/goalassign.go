package aggregates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// assignTasks says who does the tasks that are nobody's. One that a person has given to somebody meanwhile stays there.
func assignTasks(c commands.AssignTasks, s Goal) ([]events.Goal, error) {
	switch {
	case !s.Planned:
		return nil, fmt.Errorf("%w: goal %s has no plan yet", ErrState, c.Goal)
	case s.assigned:
		return nil, fmt.Errorf("the assignment of the tasks of goal %s: %w", c.Goal, ErrExists)
	}
	if err := checkCost(c.CostNanos, c.UnpricedCalls); err != nil {
		return nil, err
	}
	fact := events.GoalTasksAssigned{Run: c.Run, Model: c.Model, CostNanos: c.CostNanos, UnpricedCalls: c.UnpricedCalls}
	given := map[string]bool{}
	for _, a := range c.Tasks {
		i := s.task(a.Task)
		switch {
		case i < 0:
			return nil, fmt.Errorf("task %s of goal %s: %w", a.Task, c.Goal, ErrMissing)
		case given[a.Task]:
			return nil, fmt.Errorf("%w: task %s is given to two agents", ErrInvalid, a.Task)
		case a.AssignedBy != events.AssignedByHistory && a.AssignedBy != events.AssignedByModel && a.AssignedBy != events.AssignedByWords:
			return nil, fmt.Errorf("%w: nobody assigns tasks by %q", ErrInvalid, a.AssignedBy)
		case (a.AssignedBy == events.AssignedByWords) != (a.Agent == ""):
			return nil, fmt.Errorf("%w: task %s: an agent is named by history or by a model, and none by words", ErrInvalid, a.Task)
		case a.Agent != "" && !slices.Contains(c.Agents, a.Agent):
			return nil, fmt.Errorf("%w: task %s is for %q, which is no agent that can be asked: there are %s", ErrInvalid, a.Task, a.Agent, strings.Join(c.Agents, ", "))
		case a.Succeeded < 0 || a.Rated < a.Succeeded:
			return nil, fmt.Errorf("%w: %d of %d like tasks succeeded", ErrInvalid, a.Succeeded, a.Rated)
		}
		given[a.Task] = true
		if t := s.tasks[i]; t.plan.Unassigned() && !t.ended() {
			fact.Tasks = append(fact.Tasks, a)
		}
	}
	return s.settled(fact), nil
}

func (s Goal) assign(e events.GoalTasksAssigned) Goal {
	s.assigned, s.spent = true, events.Add(s.spent, e.CostNanos)
	for _, a := range e.Tasks {
		if a.Agent != "" {
			s = s.with(a.Task, func(t *goalTask) { t.plan.Agent = a.Agent })
		}
	}
	return s
}
