package aggregates

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type runbookState struct{ saved events.RunbookSaved }

func runbook() Decider[runbookState, commands.Runbook, events.Runbook] {
	return Decider[runbookState, commands.Runbook, events.Runbook]{
		Initial: func() runbookState { return runbookState{} },
		Decide:  decideRunbook,
		Evolve: func(s runbookState, e events.Runbook) runbookState {
			switch e := e.(type) {
			case events.RunbookSaved:
				s.saved = e
			}
			return s
		},
	}
}

func decideRunbook(c commands.Runbook, s runbookState) ([]events.Runbook, error) {
	switch c := c.(type) {
	case commands.SaveRunbook:
		if err := checkName("runbook", c.Runbook); err != nil {
			return nil, err
		}
		if len(c.Steps) == 0 {
			return nil, fmt.Errorf("%w: runbook %s has no steps", ErrInvalid, c.Runbook)
		}
		for i, step := range c.Steps {
			if err := checkName("step name", step.Name); err != nil {
				return nil, fmt.Errorf("runbook %s, step %d: %w", c.Runbook, i, err)
			}
			for _, on := range step.DependsOn {
				if on < 0 || on >= i {
					return nil, fmt.Errorf("%w: runbook %s, step %d depends on %d, which is no earlier step", ErrInvalid, c.Runbook, i, on)
				}
			}
		}
		// As the log gives it back, where no dependencies and an empty list of them are the same.
		steps := slices.Clone(c.Steps)
		for i := range steps {
			if len(steps[i].DependsOn) == 0 {
				steps[i].DependsOn = nil
			}
		}
		saved := events.RunbookSaved{Runbook: c.Runbook, Workflow: c.Workflow, Run: c.Run, Steps: steps, Notes: c.Notes, Requester: c.Requester}
		if reflect.DeepEqual(saved, s.saved) {
			return nil, nil
		}
		return []events.Runbook{saved}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
