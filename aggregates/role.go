package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// roleState is a question that a model is asked in a role.
type roleState struct {
	role            string
	asked, answered bool
}

func role() Decider[roleState, commands.Role, events.Role] {
	return Decider[roleState, commands.Role, events.Role]{
		Initial: func() roleState { return roleState{} },
		Decide:  decideRole,
		Evolve: func(s roleState, e events.Role) roleState {
			switch e := e.(type) {
			case events.RoleAsked:
				s.role, s.asked = e.Role, true
			case events.RoleAnswered:
				s.answered = true
			}
			return s
		},
	}
}

func decideRole(c commands.Role, s roleState) ([]events.Role, error) {
	switch c := c.(type) {
	case commands.AskRole:
		for what, name := range map[string]string{"run": c.Fact.Run, "role": c.Fact.Role} {
			if err := checkName(what, name); err != nil {
				return nil, err
			}
		}
		if s.asked {
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrExists)
		}
		if err := checkEvidence(c.Fact.Evidence); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Stream(), err)
		}
		return []events.Role{c.Fact}, nil
	case commands.AnswerRole:
		switch {
		case !s.asked:
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
		case s.answered:
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrEnded)
		case c.Fact.Role != s.role:
			return nil, fmt.Errorf("%w: %s was asked as %q, and answers as %q", ErrInvalid, c.Stream(), s.role, c.Fact.Role)
		case c.Fact.Candidates < 0 || (c.Fact.Candidates > 0) != (c.Fact.Improvement != ""):
			return nil, fmt.Errorf("%w: a proposal has candidates, and candidates have a proposal", ErrInvalid)
		}
		return []events.Role{c.Fact}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
