package aggregates

import (
	"fmt"
	"reflect"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Agent is an agent as its stream tells of it.
type Agent struct {
	// Live tells that it can be asked: somebody spawned or configured it. Imported ones are only known from history.
	Live, Imported, Retired bool
	Config                  events.AgentConfig
	// AdoptedAs is the live agent that an imported one was said to be.
	AdoptedAs string
}

func agent(policies Policies) Decider[Agent, commands.Agent, events.Agent] {
	return Decider[Agent, commands.Agent, events.Agent]{
		Initial: func() Agent { return Agent{} },
		Decide: func(c commands.Agent, s Agent) ([]events.Agent, error) {
			return decideAgent(policies(c.About().Workspace), c, s)
		},
		Evolve: evolveAgent,
	}
}

func evolveAgent(s Agent, e events.Agent) Agent {
	switch e := e.(type) {
	case events.AgentSpawned:
		s = Agent{Live: !e.Imported, Imported: e.Imported, Config: e.Config}
	case events.AgentConfigured:
		s.Live, s.Config = true, e.Config
	case events.AgentAdopted:
		s.AdoptedAs = e.As
	case events.AgentRetired:
		s.Retired = true
	}
	return s
}

func decideAgent(p Policy, c commands.Agent, s Agent) ([]events.Agent, error) {
	switch c := c.(type) {
	case commands.SpawnAgent:
		return spawnAgent(p, c, s)
	case commands.AdoptAgent:
		switch {
		case !s.Imported || s.Live:
			return nil, fmt.Errorf("agent %s, known from history: %w", c.Agent, ErrMissing)
		case s.AdoptedAs == c.As:
			return nil, nil
		}
		if err := checkName("agent", c.As); err != nil {
			return nil, err
		}
		return []events.Agent{events.AgentAdopted{As: c.As}}, nil
	case commands.ConfigureAgent:
		if err := s.asked(c.Agent); err != nil {
			return nil, err
		}
		if err := p.allowsConfig(c.Config); err != nil {
			return nil, fmt.Errorf("agent %s: %w", c.Agent, err)
		}
		if reflect.DeepEqual(stored(c.Config), stored(s.Config)) {
			return nil, nil
		}
		return []events.Agent{events.AgentConfigured{Config: c.Config, Improvement: c.Improvement}}, nil
	case commands.RetireAgent:
		if err := s.asked(c.Agent); err != nil {
			return nil, err
		}
		return []events.Agent{events.AgentRetired{Reason: c.Reason}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// asked refuses what concerns only an agent that can be asked.
func (s Agent) asked(name string) error {
	switch {
	case s.Retired:
		return fmt.Errorf("agent %s: %w", name, ErrEnded)
	case !s.Live:
		return fmt.Errorf("agent %s: %w", name, ErrMissing)
	}
	return nil
}

func spawnAgent(p Policy, c commands.SpawnAgent, s Agent) ([]events.Agent, error) {
	// In old logs an imported agent has the stream that a live one of its name takes.
	if s.Live || s.Retired || s.Imported && c.Imported {
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
