package aggregates

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Trigger is what starts runs by itself. Without a name there is none.
type Trigger struct{ events.TriggerSet }

func trigger() Decider[Trigger, commands.Trigger, events.Trigger] {
	return Decider[Trigger, commands.Trigger, events.Trigger]{
		Initial: func() Trigger { return Trigger{} },
		Decide:  decideTrigger,
		Evolve: func(s Trigger, e events.Trigger) Trigger {
			switch e := e.(type) {
			case events.TriggerSet:
				s.TriggerSet = e
			case events.TriggerRemoved:
				s = Trigger{}
			}
			return s
		},
	}
}

// decideTrigger lets people and the configuration set triggers: what starts work by itself is nothing that a machine gives itself.
func decideTrigger(c commands.Trigger, s Trigger) ([]events.Trigger, error) {
	if isMachine(c.About().Actor) {
		return nil, fmt.Errorf("%w: triggers are set by people, not by %q", ErrInvalid, c.About().Actor)
	}
	switch c := c.(type) {
	case commands.SetTrigger:
		if err := checkTrigger(c.Set); err != nil {
			return nil, err
		}
		switch {
		case c.Set == s.TriggerSet:
			return nil, nil
		case s.Trigger != "" && !c.Replace:
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrExists)
		}
		return []events.Trigger{c.Set}, nil
	case commands.RemoveTrigger:
		if s.Trigger == "" {
			return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
		}
		return []events.Trigger{events.TriggerRemoved{Reason: c.Reason}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// triggerName is what can be part of an address; secretName is an environment variable's.
var (
	triggerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$`)
	secretName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func checkTrigger(t events.TriggerSet) error {
	switch {
	case !triggerName.MatchString(t.Trigger):
		return fmt.Errorf("%w: a trigger's name has letters, digits, '_', '-' and '.', 100 at most, and begins with a letter or a digit", ErrInvalid)
	case strings.TrimSpace(t.Prompt) == "":
		return fmt.Errorf("%w: trigger %s: it has no prompt", ErrInvalid, t.Trigger)
	case (t.Cron == "") == (t.Webhook == ""):
		return fmt.Errorf("%w: trigger %s: it goes by a clock (cron) or by deliveries (webhook), by one of the two", ErrInvalid, t.Trigger)
	case t.Webhook != "" && !slices.Contains(events.Signatures, t.Webhook):
		return fmt.Errorf("%w: trigger %s: deliveries are signed by one of %q", ErrInvalid, t.Trigger, events.Signatures)
	case t.Webhook != "" && !secretName.MatchString(t.Secret):
		return fmt.Errorf("%w: trigger %s: a webhook names the environment variable that holds its secret", ErrInvalid, t.Trigger)
	case t.Webhook == "" && t.Secret != "" || t.Cron == "" && t.Zone != "":
		return fmt.Errorf("%w: trigger %s: a secret goes with a webhook, and a time zone with a clock", ErrInvalid, t.Trigger)
	case t.Goal && (t.Agent != "" || t.Workflow != ""):
		return fmt.Errorf("%w: trigger %s: a goal has no agent and no workflow of its own: its plan tells who does what", ErrInvalid, t.Trigger)
	}
	if t.Cron == "" {
		return nil
	}
	if _, err := commands.ParseSchedule(t.Cron, t.Zone); err != nil {
		return fmt.Errorf("%w: trigger %s: %w", ErrInvalid, t.Trigger, err)
	}
	return nil
}
