package orchestrator

import (
	"cmp"
	"context"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/evals"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/replay"
)

// Evaluating is what an eval asks models by.
type Evaluating struct {
	Runner  agents.Runner
	Toolbox Toolbox
	Agents  Agents
	// Store has the runs that are an agent's examples.
	Store eventstore.Store
	// Model is what an agent without a model of its own uses, and Pool bounds the calls.
	Model string
	Pool  *Pool
	// Aside is where what calls take is set aside, and spent.
	Aside *Aside
}

// Asker is an agent of a configuration, as an eval asks it.
func (e Evaluating) Asker(ctx context.Context, config events.AgentConfig) (k evals.Asker, err error) {
	config.Model = cmp.Or(config.Model, e.Model)
	k = evals.Asker{Runner: e.Runner, Config: agents.Armed(config)}
	k.Runner.Model = e.Pool.Bound(e.Runner.Model, e.Aside.Workspace, e.Aside.Agent)
	if k.Runner.Tools, err = e.Toolbox.Tools(ctx, config.Tools); err != nil {
		return k, err
	}
	k.Runner.Tools = WithSkills(k.Runner.Tools, config.Skills, e.Aside.Workspace, e.Agents)
	k.Aside = e.Aside.Call
	k.Shown, err = replay.Shown(ctx, e.Store, e.Aside.Workspace, config)
	return k, err
}
