package aggregates

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Policy is what people allow. It is checked in the deciders, so that no analyst, model or door can go around it.
// The zero value allows every model, temperatures from 0 to 2, and no change without a person's approval.
type Policy struct {
	// Models are the only models an agent may be configured with, empty for all.
	Models []string
	// MinTemperature and MaxTemperature bound the sampling temperature. Default 0 and 2.
	MinTemperature float64
	MaxTemperature float64
	// MaxTokens bounds an agent's answer in tokens, 0 for no bound.
	MaxTokens int
	// Tools are those that an agent may be granted. Default: DefaultTools. AskTools are those of them of which each call
	// needs a person's approval.
	Tools    []string
	AskTools []string
	// SelfApproved are the kinds of change that need no person.
	SelfApproved []events.ChangeKind
	// MaxShare is how far a change may go without a person's approval, in permille of the traffic. Default 0.
	MaxShare int
}

// DefaultTools may be granted where a policy does not say which: they reach nothing.
func DefaultTools() []string { return []string{"calculate", "clock"} }

// Policies gives the policy of a workspace.
type Policies func(workspace string) Policy

// Everywhere is one policy for all workspaces.
func Everywhere(p Policy) Policies { return func(string) Policy { return p } }

// Fact is what the log tells of a policy.
func (p Policy) Fact() events.PolicySet {
	return events.PolicySet{
		Models: p.Models, MinTemperature: p.MinTemperature, MaxTemperature: p.MaxTemperature, MaxTokens: p.MaxTokens,
		Tools: p.grantable(), AskTools: p.AskTools, SelfApproved: p.SelfApproved, MaxShare: p.MaxShare,
	}
}

func (p Policy) grantable() []string {
	if p.Tools == nil {
		return DefaultTools()
	}
	return p.Tools
}

// policy notes which policy the deciders go by.
func policy() Decider[events.PolicySet, commands.Policy, events.Policy] {
	return Decider[events.PolicySet, commands.Policy, events.Policy]{
		Initial: func() events.PolicySet { return events.PolicySet{} },
		Decide: func(c commands.Policy, s events.PolicySet) ([]events.Policy, error) {
			switch c := c.(type) {
			case commands.SetPolicy:
				if !finite(c.Policy.MinTemperature, c.Policy.MaxTemperature) {
					return nil, fmt.Errorf("%w: a temperature is not a number", ErrInvalid)
				}
				if reflect.DeepEqual(c.Policy, s) {
					return nil, nil
				}
				return []events.Policy{c.Policy}, nil
			}
			return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
		},
		Evolve: func(s events.PolicySet, e events.Policy) events.PolicySet {
			switch e := e.(type) {
			case events.PolicySet:
				s = e
			}
			return s
		},
	}
}

func (p Policy) allowsConfig(c events.AgentConfig) error {
	low, high := p.MinTemperature, p.MaxTemperature
	if high == 0 {
		high = 2
	}
	switch {
	case c.Model != "" && len(p.Models) > 0 && !slices.Contains(p.Models, c.Model):
		return fmt.Errorf("%w: model %q is not one of the allowed models %q", ErrPolicy, c.Model, p.Models)
	case c.Temperature != nil && !(*c.Temperature >= low && *c.Temperature <= high): // NaN is refused too
		return fmt.Errorf("%w: temperature %v is outside %v to %v", ErrPolicy, *c.Temperature, low, high)
	case c.API != "" && c.API != "chat" && c.API != "responses":
		return fmt.Errorf("%w: api %q is neither chat nor responses", ErrInvalid, c.API)
	case c.MaxTokens < 0:
		return fmt.Errorf("%w: max_tokens %d is negative", ErrInvalid, c.MaxTokens)
	case p.MaxTokens > 0 && c.MaxTokens > p.MaxTokens:
		return fmt.Errorf("%w: max_tokens %d is above %d", ErrPolicy, c.MaxTokens, p.MaxTokens)
	}
	for _, model := range c.Fallbacks {
		if model == "" || len(p.Models) > 0 && !slices.Contains(p.Models, model) {
			return fmt.Errorf("%w: the fallback %q is not one of the allowed models %q", ErrPolicy, model, p.Models)
		}
	}
	for _, tool := range c.Tools {
		if may := p.grantable(); !slices.Contains(may, tool) {
			return fmt.Errorf("%w: the tool %q is not one of those that may be granted, %q: `policy:` in the configuration names them under `tools`",
				ErrPolicy, tool, may)
		}
	}
	return nil
}
