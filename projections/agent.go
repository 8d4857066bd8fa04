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
	AgentActive = "active"
	// AgentResting is that of one that nobody has asked for long. It is woken by who asks it.
	AgentResting = "resting"
	AgentRetired = "retired"
)

var agentTable = readmodel.NewTable("agent_registry", readmodel.TableOf[named, AgentRow]{
	Key:   func(r *AgentRow) named { return named{r.Agent, r.Workspace} },
	Fresh: func(k named, r *AgentRow) { r.Agent, r.Workspace = strings.Clone(k.name), strings.Clone(k.workspace) },
	Weigh: func(r *AgentRow) int {
		return len(r.Prompt) + len(r.Schema) + 32*len(r.Tools) + 512*len(r.Skills) + 256*len(r.Fixes) + 64*len(r.Examples) + 256*len(r.Lessons) + 128*len(r.Routes) + 64
	},
	Row: []readmodel.ColumnOf[AgentRow]{
		readmodel.Key(readmodel.String("agent", func(r *AgentRow) *string { return &r.Agent })),
		workspaceKey(func(r *AgentRow) *string { return &r.Workspace }),
		readmodel.Symbol("role", func(r *AgentRow) *string { return &r.Role }),
		readmodel.Symbol("model", func(r *AgentRow) *string { return &r.Model }),
		readmodel.Strings("fallbacks", func(r *AgentRow) *[]string { return &r.Fallbacks }),
		readmodel.Optional("temperature", func(r *AgentRow) **float64 { return &r.Temperature }),
		orNull(readmodel.Symbol("reasoning_effort", func(r *AgentRow) *string { return &r.Effort })),
		readmodel.Int("max_tokens", func(r *AgentRow) *int64 { return &r.MaxTokens }),
		orNull(readmodel.String("schema", func(r *AgentRow) *string { return &r.Schema })),
		readmodel.Strings("tools", func(r *AgentRow) *[]string { return &r.Tools }),
		readmodel.Document("skills", func(r *AgentRow) *[]events.SkillRef { return &r.Skills }),
		readmodel.As(readmodel.Document("fixes", func(r *AgentRow) *[]events.Fix { return &r.Fixes }), "fixes", func(r *AgentRow) any { return jsonList(r.Fixes) }),
		readmodel.As(readmodel.Document("examples", func(r *AgentRow) *[]events.Example { return &r.Examples }), "examples", func(r *AgentRow) any { return jsonList(r.Examples) }),
		readmodel.As(readmodel.Document("lessons", func(r *AgentRow) *[]events.Lesson { return &r.Lessons }), "lessons", func(r *AgentRow) any { return jsonList(r.Lessons) }),
		readmodel.As(readmodel.Document("routes", func(r *AgentRow) *[]events.Route { return &r.Routes }), "routes", func(r *AgentRow) any { return jsonList(r.Routes) }),
		readmodel.Symbol("status", func(r *AgentRow) *string { return &r.Status }),
		readmodel.Bool("imported", func(r *AgentRow) *bool { return &r.Imported }),
		readmodel.String("adopted_as", func(r *AgentRow) *string { return &r.AdoptedAs }),
		readmodel.Symbol("specialist", func(r *AgentRow) *string { return &r.Specialist }),
		readmodel.Int("configured", func(r *AgentRow) *int64 { return &r.Configured }),
		readmodel.Time("spawned_at", func(r *AgentRow) *time.Time { return &r.SpawnedAt }),
		readmodel.Time("retired_at", func(r *AgentRow) *time.Time { return &r.RetiredAt }),
		readmodel.Int("runs", func(r *AgentRow) *int64 { return &r.Runs }),
		readmodel.Int("position", func(r *AgentRow) *uint64 { return &r.Position }),
		readmodel.String("prompt", func(r *AgentRow) *string { return &r.Prompt }),
	},
})

// Askable tells whether the agent takes runs.
func (r AgentRow) Askable() bool {
	return (r.Status == AgentActive || r.Status == AgentResting) && !r.Imported
}

// formerAgentRow is a row of former_agents: an agent of an imported history in the stream of an early log that a live one of
// its name would have.
type formerAgentRow struct{ stream, workspace, agent string }

var formerAgentTable = readmodel.NewTable("former_agents", readmodel.TableOf[named, formerAgentRow]{
	Key:   func(r *formerAgentRow) named { return named{r.stream, r.workspace} },
	Fresh: func(k named, r *formerAgentRow) { r.stream, r.workspace = k.name, strings.Clone(k.workspace) },
	Weigh: func(r *formerAgentRow) int { return len(r.stream) + len(r.agent) },
	Row: []readmodel.ColumnOf[formerAgentRow]{
		readmodel.Key(readmodel.String("stream", func(r *formerAgentRow) *string { return &r.stream })),
		workspaceKey(func(r *formerAgentRow) *string { return &r.workspace }),
		readmodel.String("agent", func(r *formerAgentRow) *string { return &r.agent }),
	},
})

// agents keeps agent_registry and agent_versions. Runs may name an agent before it is spawned: its row is then there without a status.
var agents = readmodel.Projection{
	Name: "agents", Version: 12, Tables: []readmodel.AnyTable{agentTable, agentVersionTable, formerAgentTable},
	Lists: []readmodel.List{agentTable.List(readmodel.List{
		Name: "agents", Help: "Agents", Order: readmodel.Ascending("agent", "workspace"),
	})},
	Bind: bindAgents,
}

// agentFold is the fold into agent_registry.
type agentFold struct {
	agents   *readmodel.Cache[named, AgentRow]
	versions *readmodel.Cache[agentVersionKey, AgentVersionRow]
	formers  *readmodel.Cache[named, formerAgentRow]
	run      *runFact
}

func bindAgents(w *readmodel.WorkingSet) readmodel.Fold {
	return (&agentFold{agentTable.In(w), agentVersionTable.In(w), formerAgentTable.In(w), factOfRun.In(w)}).fold
}

func (w *agentFold) fold(f *readmodel.Fact) error {
	if w.run.newAgent {
		r, err := w.agents.Row(named{w.run.step.Agent, f.Workspace})
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
		return w.spawn(f, e)
	}
	r, err := w.of(f, e)
	if err != nil {
		return err
	}
	r.Position = f.Envelope.Position
	switch e := e.(type) {
	case events.AgentSpawned:
	case events.AgentConfigured:
		r.configure(e.Config)
		r.Role = cmp.Or(e.Role, r.Role)
		return w.keepVersion(r, f, e)
	case events.AgentAdopted:
		r.AdoptedAs = e.As
	case events.AgentRetired:
		r.Status, r.RetiredAt = AgentRetired, f.When
	case events.AgentRested:
		r.Status = AgentResting
	case events.AgentWoken:
		r.Status = AgentActive
	}
	return nil
}

func (w *agentFold) spawn(f *readmodel.Fact, e events.AgentSpawned) error {
	former, err := w.formers.Existing(keyOf(f))
	if err != nil {
		return err
	}
	// In early logs a live agent follows the one of its name that history knows, in the same stream.
	if former == nil || e.Imported || e.Agent != f.ID {
		if err := f.Opens(e.Agent); err != nil {
			return err
		}
	}
	name := f.ID
	if e.Imported {
		source, _ := strings.CutPrefix(f.Envelope.Actor, "import:")
		if name = events.AgentOfHistory(f.ID, source); name != f.ID {
			w.formers.Insert(named{strings.Clone(f.ID), f.Workspace}).agent = name
		}
	}
	r, err := w.agents.Row(named{name, f.Workspace})
	switch {
	case err != nil:
		return err
	case r.Status != "" && e.Imported:
		return nil // an early log knew it already
	case r.Status != "":
		return readmodel.Damaged("the agent was spawned before")
	}
	r.Role, r.Status, r.Imported, r.SpawnedAt = e.Role, AgentActive, e.Imported, f.When
	if e.Specialist != nil {
		r.Specialist = e.Specialist.Template
	}
	r.Position = f.Envelope.Position
	r.configure(e.Config)
	return w.keepVersion(r, f, events.AgentConfigured{Config: e.Config, Author: e.Author})
}

// of is the agent that a later fact of a stream is about.
func (w *agentFold) of(f *readmodel.Fact, e events.Agent) (*AgentRow, error) {
	r, err := w.agents.Existing(keyOf(f))
	if err != nil || r != nil && r.Status != "" {
		return r, err
	}
	former, err := w.formers.Existing(keyOf(f))
	switch {
	case err != nil:
		return nil, err
	case former == nil:
		return nil, readmodel.Damaged("the agent was never spawned")
	}
	if _, configured := e.(events.AgentConfigured); !configured {
		return w.agents.Row(named{former.agent, f.Workspace})
	}
	// In early logs a configuration made an agent of history a live one.
	if r, err = w.agents.Row(keyOf(f)); err == nil {
		r.Status, r.SpawnedAt = AgentActive, f.When
	}
	return r, err
}

func (r *AgentRow) configure(c events.AgentConfig) {
	r.Model, r.Fallbacks, r.Prompt, r.Temperature, r.MaxTokens, r.Tools = c.Model, c.Fallbacks, c.Prompt, c.Temperature, int64(c.MaxTokens), c.Tools
	r.Schema, r.Effort, r.Skills, r.Fixes, r.Examples, r.Lessons, r.Routes = string(c.Schema), c.Effort, c.Skills, c.Fixes, c.Examples, c.Lessons, c.Routes
	r.Configured++
}
