package aggregates

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Agent is an agent as its stream tells of it.
type Agent struct {
	// Live tells that it can be asked: somebody spawned or configured it. Imported ones are only known from history.
	Live, Imported, Retired bool
	// Resting tells that nobody has asked it for long: it is woken before it is asked.
	Resting bool
	Config  events.AgentConfig
	// Role is what it is there for.
	Role string
	// Versions are its configurations, the latest one last.
	Versions []AgentVersion
	// Made is the revision of the latest configuration that a person made, and Improved tells that improvements have changed it
	// since.
	Made     uint64
	Improved bool
	// revision is that of the next fact.
	revision uint64
	// Specialist is why it was spawned by itself, nil where somebody made it.
	Specialist *events.Specialist
	// AdoptedAs is the live agent that an imported one was said to be.
	AdoptedAs string
}

// AgentVersion is what an agent was made of at a time.
type AgentVersion struct {
	Config events.AgentConfig
	// Revision is that of its fact.
	Revision    uint64
	Improvement string
	// Restores is the number of the version that it took the agent back to, 0 for a new one.
	Restores int
	// RollsBack are the improvements that the agent is without since.
	RollsBack []string
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
	at := s.revision
	switch e := e.(type) {
	case events.AgentSpawned:
		s = Agent{
			Live: !e.Imported, Imported: e.Imported, Config: e.Config, Role: e.Role,
			Versions: append(slices.Clip(s.Versions), AgentVersion{Config: e.Config, Revision: at}), Made: at, Specialist: e.Specialist,
		}
	case events.AgentConfigured:
		s.Live, s.Config, s.Role = true, e.Config, cmp.Or(e.Role, s.Role)
		s.Versions = append(slices.Clip(s.Versions), AgentVersion{Config: e.Config, Revision: at, Improvement: e.Improvement, Restores: e.Restores, RollsBack: e.RollsBack})
		if s.Improved = e.Improvement != ""; !s.Improved {
			s.Made = at
		}
	case events.AgentAdopted:
		s.AdoptedAs = e.As
	case events.AgentRetired:
		s.Retired = true
	case events.AgentRested:
		s.Resting = true
	case events.AgentWoken:
		s.Resting = false
	}
	s.revision = at + 1
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
		config, err := changed(s.Config, c.Only, c.Config)
		if err != nil {
			return nil, fmt.Errorf("agent %s: %w", c.Agent, err)
		}
		if err := p.allowsConfig(config); err != nil {
			return nil, fmt.Errorf("agent %s: %w", c.Agent, err)
		}
		role := c.Role
		if role == s.Role {
			role = ""
		}
		if role == "" && reflect.DeepEqual(stored(config), stored(s.Config)) {
			return nil, nil
		}
		return []events.Agent{events.AgentConfigured{Config: config, Role: role, Author: c.Actor, Reason: c.Reason, Of: c.Of, Improvement: c.Improvement}}, nil
	case commands.RestoreAgent:
		return restoreAgent(p, c, s)
	case commands.RestAgent:
		switch err := s.asked(c.Agent); {
		case err != nil:
			return nil, err
		case c.Agent == events.Assistant:
			return nil, fmt.Errorf("agent %s: %w: it never rests", c.Agent, ErrState)
		case s.Resting:
			return nil, nil
		}
		return []events.Agent{events.AgentRested{Since: c.Since}}, nil
	case commands.WakeAgent:
		switch err := s.asked(c.Agent); {
		case err != nil:
			return nil, err
		case !s.Resting:
			return nil, nil
		}
		return []events.Agent{events.AgentWoken{Run: c.Run}}, nil
	case commands.RetireAgent:
		if err := s.asked(c.Agent); err != nil {
			return nil, err
		}
		return []events.Agent{events.AgentRetired{Reason: c.Reason}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}

// changed is a configuration with what a change of a kind is about, or all of another one where no kind is named.
func changed(config events.AgentConfig, only events.ChangeKind, to events.AgentConfig) (events.AgentConfig, error) {
	if only == "" {
		return to, nil
	}
	with, ok := config.With(only, to)
	if !ok {
		return config, fmt.Errorf("%w: a change of kind %q configures no agent", ErrInvalid, only)
	}
	return with, nil
}

// restoreAgent takes the agent back. What improvements brought it since is rolled back with that.
func restoreAgent(p Policy, c commands.RestoreAgent, s Agent) ([]events.Agent, error) {
	if err := s.asked(c.Agent); err != nil {
		return nil, err
	}
	to := c.Version
	if isMachine(c.Actor) {
		if c.Proof == nil {
			return nil, fmt.Errorf("agent %s: %w: %s takes it back without a proof", c.Agent, ErrEvidence, c.Actor)
		}
		if err := checkProved(*c.Proof, 1./events.TakenBackAt); err != nil {
			return nil, fmt.Errorf("agent %s can't be taken back: %w", c.Agent, err)
		}
	}
	if c.Made {
		if !s.Improved {
			return nil, fmt.Errorf("agent %s: %w: it is as a person made it", c.Agent, ErrState)
		}
		to = 1 + slices.IndexFunc(s.Versions, func(v AgentVersion) bool { return v.Revision == s.Made })
	}
	if to == 0 {
		if to = s.origin(len(s.Versions)) - 1; to < 1 {
			return nil, fmt.Errorf("agent %s: %w: it goes by its first version, and there is none before", c.Agent, ErrState)
		}
	}
	if to < 1 || to > len(s.Versions) {
		return nil, fmt.Errorf("agent %s: %w: it has the versions 1 to %d, and no version %d", c.Agent, ErrInvalid, len(s.Versions), to)
	}
	to = s.origin(to)
	config := s.Versions[to-1].Config
	if reflect.DeepEqual(stored(config), stored(s.Config)) {
		return nil, nil
	}
	if err := p.allowsConfig(config); err != nil {
		return nil, fmt.Errorf("version %d of agent %s: %w", to, c.Agent, err)
	}
	back := events.AgentConfigured{Config: config, Author: c.Actor, Reason: c.Reason, Restores: to, Proof: c.Proof}
	kept := s.improvements(to)
	for _, id := range s.improvements(len(s.Versions)) {
		if !slices.Contains(kept, id) {
			back.RollsBack = append(back.RollsBack, id)
		}
	}
	return []events.Agent{back}, nil
}

// origin is the version of which the one of that number is a repetition, or itself.
func (s Agent) origin(version int) int {
	for version > 0 {
		restores := s.Versions[version-1].Restores
		if restores < 1 || restores >= version { // no decider let it through
			return version
		}
		version = restores
	}
	return version
}

// improvements are those that a version has, the earliest first.
func (s Agent) improvements(version int) []string {
	var ids []string
	for version = s.origin(version); version > 0; version = s.origin(version - 1) {
		if id := s.Versions[version-1].Improvement; id != "" {
			ids = append(ids, id)
		}
	}
	slices.Reverse(ids)
	return ids
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
	name, source := events.CutSource(c.Agent)
	if !c.Imported {
		name = c.Agent
	}
	if err := checkName("agent", name); err != nil {
		return nil, err
	}
	if err := checkConfig(c.Config); err != nil {
		return nil, fmt.Errorf("agent %s: %w", c.Agent, err)
	}
	// History is taken as it was, whatever today's policy says of it.
	if !c.Imported {
		if source != "" {
			return nil, fmt.Errorf("agent %s: %w: a name with (%s) at its end is that of an agent known from history; give another one", c.Agent, ErrInvalid, source)
		}
		if err := p.allowsConfig(c.Config); err != nil {
			return nil, fmt.Errorf("agent %s: %w", c.Agent, err)
		}
	}
	if by := c.Specialist; by != nil && (c.Imported || by.Number < 1 || by.Number > p.Specialists) {
		return nil, fmt.Errorf("%w: %s would be the specialist number %d, and the policy allows %d: `specialists:` under `policy:` in the configuration says how many",
			ErrPolicy, c.Agent, by.Number, p.Specialists)
	}
	return []events.Agent{events.AgentSpawned{
		Agent: c.Agent, Role: c.Role, Config: c.Config, Imported: c.Imported, Author: c.Actor, Specialist: c.Specialist,
	}}, nil
}

// checkConfig refuses what the log can't hold.
func checkConfig(c events.AgentConfig) error {
	if c.Temperature != nil && !finite(*c.Temperature) {
		return fmt.Errorf("%w: the temperature is not a number", ErrInvalid)
	}
	return nil
}

// compact is a JSON without its white space, nil for none.
func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return nil
	}
	return b.Bytes()
}

// stored is a configuration as the log gives it back, where no tools and an empty list of tools are the same.
func stored(c events.AgentConfig) events.AgentConfig {
	if len(c.Tools) == 0 {
		c.Tools = nil
	}
	if len(c.Fallbacks) == 0 {
		c.Fallbacks = nil
	}
	if len(c.Routes) == 0 {
		c.Routes = nil
	}
	if len(c.Skills) == 0 {
		c.Skills = nil
	}
	if len(c.Examples) == 0 {
		c.Examples = nil
	}
	if len(c.Lessons) == 0 {
		c.Lessons = nil
	}
	c.Schema = compact(c.Schema)
	return c
}
