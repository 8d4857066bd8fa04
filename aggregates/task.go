package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type taskState struct {
	opened   bool
	status   events.TaskStatus
	assignee string
}

func task() Decider[taskState, commands.Task, events.Task] {
	return Decider[taskState, commands.Task, events.Task]{
		Initial: func() taskState { return taskState{} },
		Decide:  decideTask,
		Evolve: func(s taskState, e events.Task) taskState {
			switch e := e.(type) {
			case events.TaskOpened:
				s = taskState{opened: true, status: events.TaskOpen, assignee: e.Assignee}
			case events.TaskUpdated:
				if e.Status != "" {
					s.status = e.Status
				}
				if e.Assignee != "" {
					s.assignee = e.Assignee
				}
			}
			return s
		},
	}
}

func decideTask(c commands.Task, s taskState) ([]events.Task, error) {
	switch c := c.(type) {
	case commands.OpenTask:
		if s.opened {
			return nil, fmt.Errorf("task %s: %w", c.Task, ErrExists)
		}
		if err := checkName("task", c.Task); err != nil {
			return nil, err
		}
		return []events.Task{events.TaskOpened{Task: c.Task, Workflow: c.Workflow, Title: c.Title, Run: c.Run, Assignee: c.Assignee}}, nil
	case commands.UpdateTask:
		if !s.opened {
			return nil, fmt.Errorf("task %s: %w", c.Task, ErrMissing)
		}
		switch c.Status {
		case "", events.TaskOpen, events.TaskInProgress, events.TaskBlocked, events.TaskDone, events.TaskDropped:
		default:
			return nil, fmt.Errorf("%w: task %s has no status %q", ErrInvalid, c.Task, c.Status)
		}
		same := c.Note == "" && (c.Status == "" || c.Status == s.status) && (c.Assignee == "" || c.Assignee == s.assignee)
		if same {
			return nil, nil
		}
		return []events.Task{events.TaskUpdated{Status: c.Status, Note: c.Note, Assignee: c.Assignee}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
