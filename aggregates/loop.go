package aggregates

import (
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Loop is a workspace's loop of improvements as its stream tells of it.
type Loop struct {
	// Paused is what stopped it, nil while it goes on.
	Paused *events.LoopPaused
}

func loop() Decider[Loop, commands.Loop, events.Loop] {
	return Decider[Loop, commands.Loop, events.Loop]{
		Initial: func() Loop { return Loop{} },
		Decide:  decideLoop,
		Evolve: func(s Loop, e events.Loop) Loop {
			switch e := e.(type) {
			case events.LoopPaused:
				s.Paused = &e
			case events.LoopResumed:
				s.Paused = nil
			}
			return s
		},
	}
}

// decideLoop lets people alone stop it and let it go on. Stopping what stands is no error: who reaches for the switch must not
// have to ask first.
func decideLoop(c commands.Loop, s Loop) ([]events.Loop, error) {
	person := func(by string) error {
		if by == "" || isMachine(by) || isMachine(c.About().Actor) {
			return fmt.Errorf("%w: the loop is paused and resumed by a person, not by %q for %q", ErrInvalid, by, c.About().Actor)
		}
		return nil
	}
	switch c := c.(type) {
	case commands.PauseLoop:
		if err := person(c.By); err != nil {
			return nil, err
		}
		if strings.TrimSpace(c.Reason) == "" {
			return nil, fmt.Errorf("%w: a pause gives its reason", ErrInvalid)
		}
		if s.Paused != nil {
			return nil, nil
		}
		return []events.Loop{events.LoopPaused{By: c.By, Reason: c.Reason}}, nil
	case commands.ResumeLoop:
		if err := person(c.By); err != nil {
			return nil, err
		}
		if s.Paused == nil {
			return nil, nil
		}
		return []events.Loop{events.LoopResumed{By: c.By, Reason: c.Reason}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
