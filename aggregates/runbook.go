package aggregates

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Runbook is a runbook as its stream tells of it.
type Runbook struct {
	// Saved is its latest version, and Version the number of that, 0 where nobody saved any.
	Saved   events.RunbookSaved
	Version int
	// Made is the latest version that a person saved, and Improved tells that improvements have changed it since.
	Made     events.RunbookSaved
	Improved bool
}

func runbook() Decider[Runbook, commands.Runbook, events.Runbook] {
	return Decider[Runbook, commands.Runbook, events.Runbook]{
		Initial: func() Runbook { return Runbook{} },
		Decide:  decideRunbook,
		Evolve: func(s Runbook, e events.Runbook) Runbook {
			switch e := e.(type) {
			case events.RunbookSaved:
				s.Saved, s.Version = e, s.Version+1
				if s.Improved = e.Improvement != ""; !s.Improved {
					s.Made = e
				}
			}
			return s
		},
	}
}

func decideRunbook(c commands.Runbook, s Runbook) ([]events.Runbook, error) {
	switch c := c.(type) {
	case commands.SaveRunbook:
		saved := events.RunbookSaved{
			Runbook: c.Runbook, Workflow: c.Workflow, Run: c.Run, Steps: c.Steps, Notes: c.Notes, Requester: c.Requester, From: c.From, Restores: c.Restores,
			Improvement: c.Improvement, Proof: c.Proof,
		}
		if err := checkBook(saved); err != nil {
			return nil, err
		}
		if c.Proof != nil {
			if err := checkProof(*c.Proof); err != nil {
				return nil, fmt.Errorf("runbook %s: %w", c.Runbook, err)
			}
		}
		switch {
		case c.From < 0 || c.From > 0 && c.From != s.Version:
			return nil, fmt.Errorf("runbook %s: %w: this was made from its version %d, and it is at version %d by now", c.Runbook, ErrState, c.From, s.Version)
		case c.Restores < 0 || c.Restores > s.Version:
			return nil, fmt.Errorf("%w: runbook %s has the versions 1 to %d, and no version %d", ErrInvalid, c.Runbook, s.Version, c.Restores)
		}
		// As the log gives it back, where no dependencies and an empty list of them are the same.
		saved.Steps = slices.Clone(c.Steps)
		for i := range saved.Steps {
			if len(saved.Steps[i].DependsOn) == 0 {
				saved.Steps[i].DependsOn = nil
			}
		}
		// What was proved is a version also where it says the same, once: the fact carries the proof.
		if (c.Improvement == "" || c.Improvement == s.Saved.Improvement) && reflect.DeepEqual(said(saved), said(s.Saved)) {
			return nil, nil
		}
		return []events.Runbook{saved}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// said is what a version says, without how it came to be.
func said(b events.RunbookSaved) events.RunbookSaved {
	b.From, b.Restores, b.Improvement, b.Proof = 0, 0, "", nil
	return b
}

// checkBook refuses a version that is none.
func checkBook(b events.RunbookSaved) error {
	if err := checkName("runbook", b.Runbook); err != nil {
		return err
	}
	if len(b.Steps) == 0 {
		return fmt.Errorf("%w: runbook %s has no steps", ErrInvalid, b.Runbook)
	}
	for i, step := range b.Steps {
		if err := checkName("step name", step.Name); err != nil {
			return fmt.Errorf("runbook %s, step %d: %w", b.Runbook, i, err)
		}
		for _, on := range step.DependsOn {
			if on < 0 || on >= i {
				return fmt.Errorf("%w: runbook %s, step %d depends on %d, which is no earlier step", ErrInvalid, b.Runbook, i, on)
			}
		}
	}
	return nil
}
