package aggregates

import (
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type ruleState struct{ text string }

func rule() Decider[ruleState, commands.Rule, events.Rule] {
	return Decider[ruleState, commands.Rule, events.Rule]{
		Initial: func() ruleState { return ruleState{} },
		Decide:  decideRule,
		Evolve: func(s ruleState, e events.Rule) ruleState {
			switch e := e.(type) {
			case events.RuleSet:
				s.text = e.Rule
			}
			return s
		},
	}
}

func decideRule(c commands.Rule, s ruleState) ([]events.Rule, error) {
	switch c := c.(type) {
	case commands.SetRule:
		if err := checkName("workflow", c.Workflow); err != nil {
			return nil, err
		}
		if c.Rule != "" {
			if _, err := commands.ParseCriterion(c.Rule); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
			}
		}
		if c.Rule == s.text {
			return nil, nil // it stands already
		}
		return []events.Rule{events.RuleSet{Workflow: c.Workflow, Rule: c.Rule, By: c.By}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
