package commands

import "github.com/virtuous6/virtuous6/events"

// AgentStream is the stream of an agent.
func AgentStream(agent string) string { return "agent-" + agent }

// SpawnAgent makes an agent known.
type SpawnAgent struct {
	Meta
	Agent    string
	Role     string
	Config   events.AgentConfig
	Imported bool
}

// ConfigureAgent replaces an agent's configuration, within the policy.
type ConfigureAgent struct {
	Meta
	Agent       string
	Config      events.AgentConfig
	Improvement string
}

// RetireAgent ends an agent.
type RetireAgent struct {
	Meta
	Agent  string
	Reason string
}

func (c SpawnAgent) Stream() string     { return AgentStream(c.Agent) }
func (c ConfigureAgent) Stream() string { return AgentStream(c.Agent) }
func (c RetireAgent) Stream() string    { return AgentStream(c.Agent) }

func (SpawnAgent) agent()     {}
func (ConfigureAgent) agent() {}
func (RetireAgent) agent()    {}
