package aggregates

import (
	"fmt"
	"reflect"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type agentState struct {
	spawned, retired bool
	config           events.AgentConfig
}

func agent(p Policy) Decider[agentState, commands.Agent, events.Agent] {
	return Decider[agentState, commands.Agent, events.Agent]{
		Initial: func() agentState { return agentState{} },
		Decide: func(c commands.Agent, s agentState) ([]events.Agent, error) {
			return decideAgent(p, c, s)
		},
		Evolve: func(s agentState, e events.Agent) agentState {
			switch e := e.(type) {
			case events.AgentSpawned:
				s.spawned, s.config = true, e.Config
			case events.AgentConfigured:
				s.config = e.Config
			case events.AgentRetired:
				s.retired = true
			}
			return s
		},
	}
}

func decideAgent(p Policy, c commands.Agent, s agentState) ([]events.Agent, error) {
	_, first := c.(commands.SpawnAgent)
	switch {
	case !first && !s.spawned:
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrMissing)
	case !first && s.retired:
		return nil, fmt.Errorf("%s: %w", c.Stream(), ErrEnded)
	}
	switch c := c.(type) {
	case commands.SpawnAgent:
		return spawnAgent(p, c, s)
	case commands.ConfigureAgent:
		if err := p.allowsConfig(c.Config); err != nil {
			return nil, fmt.Errorf("agent %s: %w", c.Agent, err)
		}
		if reflect.DeepEqual(stored(c.Config), stored(s.config)) {
			return nil, nil
		}
		return []events.Agent{events.AgentConfigured{Config: c.Config, Improvement: c.Improvement}}, nil
	case commands.RetireAgent:
		return []events.Agent{events.AgentRetired{Reason: c.Reason}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

func spawnAgent(p Policy, c commands.SpawnAgent, s agentState) ([]events.Agent, error) {
	if s.spawned {
		return nil, fmt.Errorf("agent %s: %w", c.Agent, ErrExists)
	}
	if err := checkName("agent", c.Agent); err != nil {
		return nil, err
	}
	if err := checkConfig(c.Config); err != nil {
		return nil, fmt.Errorf("agent %s: %w", c.Agent, err)
	}
	// History is taken as it was, whatever today's policy says of it.
	if !c.Imported {
		if err := p.allowsConfig(c.Config); err != nil {
			return nil, fmt.Errorf("agent %s: %w", c.Agent, err)
		}
	}
	return []events.Agent{events.AgentSpawned{Agent: c.Agent, Role: c.Role, Config: c.Config, Imported: c.Imported}}, nil
}

// checkConfig refuses what the log can't hold.
func checkConfig(c events.AgentConfig) error {
	if c.Temperature != nil && !finite(*c.Temperature) {
		return fmt.Errorf("%w: the temperature is not a number", ErrInvalid)
	}
	return nil
}

// stored is a configuration as the log gives it back, where no tools and an empty list of tools are the same.
func stored(c events.AgentConfig) events.AgentConfig {
	if len(c.Tools) == 0 {
		c.Tools = nil
	}
	return c
}
