package commands

import (
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// AgentStream is the stream of an agent.
func AgentStream(workspace, agent string) string { return events.StreamName("agent", workspace, agent) }

// SpawnAgent makes an agent known.
type SpawnAgent struct {
	Meta
	Agent    string
	Role     string
	Config   events.AgentConfig
	Imported bool
	// Specialist is why it is spawned by itself, nil where somebody makes it.
	Specialist *events.Specialist
}

// ConfigureAgent replaces an agent's configuration, within the policy.
type ConfigureAgent struct {
	Meta
	Agent  string
	Config events.AgentConfig
	// Only, where it is set, is the kind of change that is made: what else Config holds stays as the agent has it.
	Only events.ChangeKind
	// Role is what the agent is there for, empty where that stays.
	Role        string
	Reason      string
	Of          []string
	Improvement string
}

// RestoreAgent takes an agent back to an earlier version, within the policy.
type RestoreAgent struct {
	Meta
	Agent string
	// Version is counted from 1, 0 for the one before what the agent goes by now.
	Version int
	// Made is for the version that a person made last, whichever it is, and Proof why: no machine takes an agent back without one.
	Made   bool
	Proof  *events.Proof
	Reason string
}

// AdoptAgent says that an agent known from history is the same as a live one.
type AdoptAgent struct {
	Meta
	Agent string
	As    string
}

// RestAgent lays an agent to rest that nobody has asked since a time.
type RestAgent struct {
	Meta
	Agent string
	Since time.Time
}

// WakeAgent wakes an agent that rests, for a run. One that is awake stays so.
type WakeAgent struct {
	Meta
	Agent string
	Run   string
}

// RetireAgent ends an agent.
type RetireAgent struct {
	Meta
	Agent  string
	Reason string
}

func (c SpawnAgent) Stream() string     { return AgentStream(c.Workspace, c.Agent) }
func (c ConfigureAgent) Stream() string { return AgentStream(c.Workspace, c.Agent) }
func (c RestoreAgent) Stream() string   { return AgentStream(c.Workspace, c.Agent) }
func (c RetireAgent) Stream() string    { return AgentStream(c.Workspace, c.Agent) }

func (c RestAgent) Stream() string { return AgentStream(c.Workspace, c.Agent) }
func (c WakeAgent) Stream() string { return AgentStream(c.Workspace, c.Agent) }

func (c AdoptAgent) Stream() string { return AgentStream(c.Workspace, c.Agent) }

func (AdoptAgent) agent()     {}
func (SpawnAgent) agent()     {}
func (ConfigureAgent) agent() {}
func (RestoreAgent) agent()   {}
func (RetireAgent) agent()    {}
func (RestAgent) agent()      {}
func (WakeAgent) agent()      {}
