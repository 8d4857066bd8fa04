package aggregates

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// maxRoutes is how many routes an agent has at most, and maxRouteTasks how many tasks each of them names.
const (
	maxRoutes     = 50
	maxRouteTasks = 100
)

func checkRoutes(routes []events.Route) error {
	if len(routes) > maxRoutes {
		return fmt.Errorf("%w: an agent has at most %d routes, not %d", ErrInvalid, maxRoutes, len(routes))
	}
	for i, r := range routes {
		if len(r.Tasks) > maxRouteTasks {
			return fmt.Errorf("%w: a route names at most %d tasks, not %d", ErrInvalid, maxRouteTasks, len(r.Tasks))
		}
		if len(r.Tasks) == 0 && i < len(routes)-1 {
			return fmt.Errorf("%w: a route of all tasks stands last: what stands behind it would never be looked at", ErrInvalid)
		}
		for _, task := range r.Tasks {
			if strings.TrimSpace(task) == "" || len(task) > maxFixText {
				return fmt.Errorf("%w: a route names tasks or workflows, each in at most %d bytes, not %q", ErrInvalid, maxFixText, task)
			}
		}
		if r.To != "" {
			if err := checkName("agent", r.To); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPassing refuses a change of an agent that the policy does not allow, or one that passes on to nobody, or spawns who gets nothing; this of each of its
// candidates.
func checkPassing(p Policy, c events.Change) error {
	for _, config := range append([]events.AgentConfig{*c.Config}, c.Others...) {
		if err := p.allowsConfig(config); err != nil {
			return err
		}
		if c.Kind.Routes() && len(config.Routes) == 0 {
			return fmt.Errorf("%w: a change of kind %s says which tasks go to whom", ErrInvalid, c.Kind)
		}
	}
	if (c.Kind == events.ChangeSpawn) != (c.Spawn != nil) && (c.Kind != events.ChangeSplit || c.Spawn == nil) {
		return fmt.Errorf("%w: a change that spawns an agent is of the kind spawn or split, and says what that is made of", ErrInvalid)
	}
	if c.Spawn == nil {
		return nil
	}
	if err := checkName("agent", c.Spawn.Agent); err != nil {
		return err
	}
	if c.Spawn.Agent == c.Agent || !slices.ContainsFunc(c.Config.Routes, func(r events.Route) bool { return r.To == c.Spawn.Agent }) {
		return fmt.Errorf("%w: no task of %s would go to %s", ErrInvalid, c.Agent, c.Spawn.Agent)
	}
	if err := checkConfig(c.Spawn.Config); err != nil {
		return err
	}
	return p.allowsConfig(c.Spawn.Config)
}
