package aggregates

import (
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// timerState is a trigger's last tick, zero before the first one.
type timerState struct{ Tick time.Time }

func timer() Decider[timerState, commands.Timer, events.Timer] {
	return Decider[timerState, commands.Timer, events.Timer]{
		Initial: func() timerState { return timerState{} },
		Decide: func(c commands.Timer, s timerState) ([]events.Timer, error) {
			switch c := c.(type) {
			case commands.FireTimer:
				if !c.Fired.Tick.After(s.Tick) {
					return nil, fmt.Errorf("%s: the tick of %s: %w", c.Stream(), c.Fired.Tick.Format(time.RFC3339), ErrExists)
				}
				return []events.Timer{c.Fired}, nil
			}
			return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
		},
		Evolve: func(s timerState, e events.Timer) timerState {
			switch e := e.(type) {
			case events.TimerFired:
				s.Tick = e.Tick
			}
			return s
		},
	}
}
