package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// The statuses of an agent. One that only runs name has none.
const (
	AgentActive  = "active"
	AgentRetired = "retired"
)

var agentTable = of("agent_registry", spec[string, AgentRow]{
	key:   func(r *AgentRow) string { return r.Agent },
	fresh: func(agent string) AgentRow { return AgentRow{Agent: strings.Clone(agent)} },
	weigh: func(r *AgentRow) int { return len(r.Prompt) + 32*len(r.Tools) + 64 },
	columns: []column[AgentRow]{
		key(text("agent", func(r *AgentRow) *string { return &r.Agent })),
		symbol("role", func(r *AgentRow) *string { return &r.Role }),
		symbol("model", func(r *AgentRow) *string { return &r.Model }),
		optional("temperature", func(r *AgentRow) **float64 { return &r.Temperature }),
		integer("max_tokens", func(r *AgentRow) *int64 { return &r.MaxTokens }),
		list("tools", func(r *AgentRow) *[]string { return &r.Tools }),
		symbol("status", func(r *AgentRow) *string { return &r.Status }),
		flag("imported", func(r *AgentRow) *bool { return &r.Imported }),
		integer("configured", func(r *AgentRow) *int64 { return &r.Configured }),
		instant("spawned_at", func(r *AgentRow) *time.Time { return &r.SpawnedAt }),
		instant("retired_at", func(r *AgentRow) *time.Time { return &r.RetiredAt }),
		integer("runs", func(r *AgentRow) *int64 { return &r.Runs }),
		integer("position", func(r *AgentRow) *uint64 { return &r.Position }),
		text("prompt", func(r *AgentRow) *string { return &r.Prompt }),
	},
})

// foldAgent keeps agent_registry. Runs may name an agent before it is spawned: its row is then there without a status.
func foldAgent(w *workingSet, f *fact) error {
	if f.newAgent {
		r, err := w.agents.row(f.step.Agent)
		if err != nil {
			return err
		}
		r.Runs++
		r.Position = f.Envelope.Position
		return nil
	}
	e, ok := f.Event.(events.Agent)
	if !ok {
		return nil
	}
	if e, ok := e.(events.AgentSpawned); ok {
		if err := f.names(e.Agent); err != nil {
			return err
		}
		r, err := w.agents.row(f.id)
		if err != nil {
			return err
		}
		r.Role, r.Status, r.Imported, r.SpawnedAt = e.Role, AgentActive, e.Imported, f.when
		r.Position = f.Envelope.Position
		r.configure(e.Config)
		return nil
	}
	r, err := w.agents.existing(f.id)
	switch {
	case err != nil:
		return err
	case r == nil || r.Status == "":
		return damaged("the agent was never spawned")
	}
	r.Position = f.Envelope.Position
	switch e := e.(type) {
	case events.AgentSpawned:
	case events.AgentConfigured:
		r.configure(e.Config)
	case events.AgentAdopted:
	case events.AgentRetired:
		r.Status, r.RetiredAt = AgentRetired, f.when
	}
	return nil
}

func (r *AgentRow) configure(c events.AgentConfig) {
	r.Model, r.Prompt, r.Temperature, r.MaxTokens, r.Tools = c.Model, c.Prompt, c.Temperature, int64(c.MaxTokens), c.Tools
	r.Configured++
}
