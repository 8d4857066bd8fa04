package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// personState tells of somebody who was erased.
type personState bool

func person() Decider[personState, commands.Person, events.Person] {
	return Decider[personState, commands.Person, events.Person]{
		Initial: func() personState { return false },
		Decide: func(c commands.Person, erased personState) ([]events.Person, error) {
			switch c := c.(type) {
			case commands.ErasePerson:
				switch {
				case c.By == "":
					return nil, fmt.Errorf("%w: an erasure tells who wished it", ErrInvalid)
				case bool(erased):
					return nil, fmt.Errorf("person %s: %w", c.Person, ErrEnded)
				}
				if err := checkName("person", c.Person); err != nil {
					return nil, err
				}
				return []events.Person{events.PersonErased{Person: c.Person, By: c.By}}, nil
			}
			return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
		},
		Evolve: func(s personState, e events.Person) personState {
			switch e.(type) {
			case events.PersonErased:
				s = true
			}
			return s
		},
	}
}
