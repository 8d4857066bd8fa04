package projections

import (
	"cmp"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// The statuses of an agent. One that only runs name has none.
const (
	AgentActive  = "active"
	AgentRetired = "retired"
)

var agentTable = readmodel.NewTable("agent_registry", readmodel.TableOf[string, AgentRow]{
	Key:   func(r *AgentRow) string { return r.Agent },
	Fresh: func(agent string, r *AgentRow) { r.Agent = strings.Clone(agent) },
	Weigh: func(r *AgentRow) int { return len(r.Prompt) + 32*len(r.Tools) + 64 },
	Row: []readmodel.ColumnOf[AgentRow]{
		readmodel.Key(readmodel.String("agent", func(r *AgentRow) *string { return &r.Agent })),
		readmodel.Symbol("role", func(r *AgentRow) *string { return &r.Role }),
		readmodel.Symbol("model", func(r *AgentRow) *string { return &r.Model }),
		readmodel.Strings("fallbacks", func(r *AgentRow) *[]string { return &r.Fallbacks }),
		readmodel.Optional("temperature", func(r *AgentRow) **float64 { return &r.Temperature }),
		readmodel.Int("max_tokens", func(r *AgentRow) *int64 { return &r.MaxTokens }),
		readmodel.Strings("tools", func(r *AgentRow) *[]string { return &r.Tools }),
		readmodel.Symbol("status", func(r *AgentRow) *string { return &r.Status }),
		readmodel.Bool("imported", func(r *AgentRow) *bool { return &r.Imported }),
		readmodel.Int("configured", func(r *AgentRow) *int64 { return &r.Configured }),
		readmodel.Time("spawned_at", func(r *AgentRow) *time.Time { return &r.SpawnedAt }),
		readmodel.Time("retired_at", func(r *AgentRow) *time.Time { return &r.RetiredAt }),
		readmodel.Int("runs", func(r *AgentRow) *int64 { return &r.Runs }),
		readmodel.Int("position", func(r *AgentRow) *uint64 { return &r.Position }),
		readmodel.String("prompt", func(r *AgentRow) *string { return &r.Prompt }),
	},
})

// agents keeps agent_registry and agent_versions. Runs may name an agent before it is spawned: its row is then there without a status.
var agents = readmodel.Projection{
	Name: "agents", Version: 2, Tables: []readmodel.AnyTable{agentTable, agentVersionTable},
	Bind: bindAgents,
}

func bindAgents(w *readmodel.WorkingSet) readmodel.Fold {
	agents, versions, run := agentTable.In(w), agentVersionTable.In(w), factOfRun.In(w)
	return func(f *readmodel.Fact) error { return foldAgent(agents, versions, run, f) }
}

func foldAgent(
	agents *readmodel.Cache[string, AgentRow], versions *readmodel.Cache[agentVersionKey, AgentVersionRow], run *runFact, f *readmodel.Fact,
) error {
	if run.newAgent {
		r, err := agents.Row(run.step.Agent)
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
		if err := f.Opens(e.Agent); err != nil {
			return err
		}
		r, err := agents.Row(f.ID)
		if err != nil {
			return err
		}
		r.Role, r.Status, r.Imported, r.SpawnedAt = e.Role, AgentActive, e.Imported, f.When
		r.Position = f.Envelope.Position
		r.configure(e.Config)
		return keepVersion(versions, r, f, events.AgentConfigured{Config: e.Config, Author: e.Author})
	}
	r, err := agents.Existing(f.ID)
	switch {
	case err != nil:
		return err
	case r == nil || r.Status == "":
		return readmodel.Damaged("the agent was never spawned")
	}
	r.Position = f.Envelope.Position
	switch e := e.(type) {
	case events.AgentSpawned:
	case events.AgentConfigured:
		r.configure(e.Config)
		r.Role = cmp.Or(e.Role, r.Role)
		return keepVersion(versions, r, f, e)
	case events.AgentAdopted:
	case events.AgentRetired:
		r.Status, r.RetiredAt = AgentRetired, f.When
	}
	return nil
}

func (r *AgentRow) configure(c events.AgentConfig) {
	r.Model, r.Fallbacks, r.Prompt, r.Temperature, r.MaxTokens, r.Tools = c.Model, c.Fallbacks, c.Prompt, c.Temperature, int64(c.MaxTokens), c.Tools
	r.Configured++
}
