package aggregates

import (
	"fmt"
	"slices"

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
	// SelfApproved are the kinds of change that need no person.
	SelfApproved []events.ChangeKind
	// MaxShare is how far a change may go without a person's approval, in permille of the traffic. Default 0.
	MaxShare int
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
	return nil
}
