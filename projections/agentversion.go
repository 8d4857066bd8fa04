package projections

import (
	"cmp"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// AgentVersionRow is a row of agent_versions: what an agent was made of from then on, who wished it and why.
type AgentVersionRow struct {
	Agent     string `db:"agent,pk"`
	Version   int64  `db:"version,pk"`
	Workspace string `db:"workspace,pk"`
	// Author is who made it, and Improvement what asked for it.
	Author      string `db:"author"`
	Reason      string `db:"reason"`
	Improvement string `db:"improvement"`
	// Restores is the version that it repeats, 0 for a new one.
	Restores int64              `db:"restores"`
	Config   events.AgentConfig `db:"config"`
	MadeAt   time.Time          `db:"made_at"`
	Position uint64             `db:"position"`
}

type agentVersionKey struct {
	named
	version int64
}

var agentVersionTable = readmodel.NewTable("agent_versions", readmodel.TableOf[agentVersionKey, AgentVersionRow]{
	Key: func(r *AgentVersionRow) agentVersionKey {
		return agentVersionKey{named{r.Agent, r.Workspace}, r.Version}
	},
	Fresh: func(k agentVersionKey, r *AgentVersionRow) {
		r.Agent, r.Workspace, r.Version = k.name, k.workspace, k.version
	},
	Weigh: func(r *AgentVersionRow) int { return len(r.Config.Prompt) + len(r.Config.Schema) + len(r.Reason) + 512 },
	Row: []readmodel.ColumnOf[AgentVersionRow]{
		readmodel.Key(readmodel.String("agent", func(r *AgentVersionRow) *string { return &r.Agent })),
		readmodel.Key(readmodel.Int("version", func(r *AgentVersionRow) *int64 { return &r.Version })),
		workspaceKey(func(r *AgentVersionRow) *string { return &r.Workspace }),
		readmodel.Symbol("author", func(r *AgentVersionRow) *string { return &r.Author }),
		readmodel.String("reason", func(r *AgentVersionRow) *string { return &r.Reason }),
		readmodel.String("improvement", func(r *AgentVersionRow) *string { return &r.Improvement }),
		readmodel.As(readmodel.Int("restores", func(r *AgentVersionRow) *int64 { return &r.Restores }), "restores",
			func(r *AgentVersionRow) any { return jsonNumber(cmp.Or(r.Restores, -1)) }),
		readmodel.Document("config", func(r *AgentVersionRow) *events.AgentConfig { return &r.Config }),
		readmodel.Time("made_at", func(r *AgentVersionRow) *time.Time { return &r.MadeAt }),
		readmodel.Int("position", func(r *AgentVersionRow) *uint64 { return &r.Position }),
	},
})

// keepVersion adds what an agent is made of from a fact on. The registry's row counts the versions.
func (w *agentFold) keepVersion(r *AgentRow, f *readmodel.Fact, e events.AgentConfigured) error {
	v, err := w.versions.Row(agentVersionKey{named{r.Agent, r.Workspace}, r.Configured})
	if err != nil {
		return err
	}
	v.Author, v.Reason, v.Improvement, v.Restores = e.Author, e.Reason, e.Improvement, int64(e.Restores)
	v.Config, v.MadeAt, v.Position = e.Config, f.When, f.Envelope.Position
	return nil
}

// MarshalJSON writes the columns.
func (r AgentVersionRow) MarshalJSON() ([]byte, error) { return agentVersionTable.JSON(&r) }
