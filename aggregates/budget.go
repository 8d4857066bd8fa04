package aggregates

import (
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type budgetState struct {
	set       events.BudgetSet
	exhausted string
}

func budget() Decider[budgetState, commands.Budget, events.Budget] {
	return Decider[budgetState, commands.Budget, events.Budget]{
		Initial: func() budgetState { return budgetState{} },
		Decide:  decideBudget,
		Evolve: func(s budgetState, e events.Budget) budgetState {
			switch e := e.(type) {
			case events.BudgetSet:
				// A new limit opens the period again; it is exhausted anew where the limit is reached.
				s = budgetState{set: e}
			case events.BudgetExhausted:
				s.exhausted = e.Starting
			}
			return s
		},
	}
}

func decideBudget(c commands.Budget, s budgetState) ([]events.Budget, error) {
	switch c := c.(type) {
	case commands.SetBudget:
		if err := checkName("budget", c.Budget); err != nil {
			return nil, err
		}
		if c.Period != events.Daily && c.Period != events.Monthly {
			return nil, fmt.Errorf("%w: a budget's period is %q or %q, not %q", ErrInvalid, events.Daily, events.Monthly, c.Period)
		}
		if c.LimitNanos < 0 {
			return nil, fmt.Errorf("%w: the limit %s is negative", ErrInvalid, c.LimitNanos)
		}
		set := events.BudgetSet{Budget: c.Budget, Period: c.Period, LimitNanos: c.LimitNanos}
		if set == s.set {
			return nil, nil
		}
		return []events.Budget{set}, nil
	case commands.ExhaustBudget:
		if s.set.Budget == "" {
			return nil, fmt.Errorf("budget %s: %w", c.Budget, ErrMissing)
		}
		if _, err := time.Parse(time.DateOnly, c.Starting); err != nil {
			return nil, fmt.Errorf("%w: a period starts on a day like 2026-11-01, not on %q", ErrInvalid, c.Starting)
		}
		switch {
		case s.exhausted == c.Starting:
			return nil, nil
		case c.SpentNanos < s.set.LimitNanos:
			return nil, fmt.Errorf("%w: %s spent is below the limit %s", ErrState, c.SpentNanos, s.set.LimitNanos)
		}
		return []events.Budget{events.BudgetExhausted{Starting: c.Starting, SpentNanos: c.SpentNanos}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
