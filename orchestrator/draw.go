package orchestrator

import (
	"cmp"
	"context"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/events"
)

// draw gives a run its arms. A few stay for good on the agent as a person made it, and take part in nothing else; of the
// others some are told no known fix, and some get the change that is tried.
func (t *turn) draw(ctx context.Context, agent aggregates.Agent, to *events.RunAssigned) error {
	started := t.conversation.started
	conversation := cmp.Or(started.Conversation, t.wish.Run)
	if agent.Improved && t.holdback > 0 {
		name := events.Holdback(to.Agent)
		frozen, permille := aggregates.Draw(name, conversation, t.holdback)
		arm := events.Arm{Experiment: name, Arm: events.CurrentArm, Permille: permille, Unit: conversation}
		if frozen {
			arm.Arm, to.Revision = events.FrozenArm, agent.Made
		}
		to.Arms = append(to.Arms, arm)
		if frozen {
			return nil
		}
	}
	t.holdOut(agent, conversation, to)
	name := t.trials.on(t.wish.Workspace, to.Agent)
	if name == "" {
		return nil
	}
	// What was rolled back a moment ago gets no run from then on.
	tried, err := t.agents.Experiment(ctx, t.wish.Workspace, name)
	if err != nil || tried.Over() {
		return err
	}
	if loop, err := t.agents.Loop(ctx, t.wish.Workspace); err != nil || loop.Paused != nil {
		return err
	}
	if tried.Change.Routes() && !t.concerns(tried, agent.Config) {
		return nil
	}
	unit := conversation
	if tried.Plan.Unit == events.ByRequester {
		unit = cmp.Or(started.Requester, conversation)
	}
	to.Arms = append(to.Arms, tried.Draw(unit))
	return nil
}

// configOf is what a run's agent is made of: its version, with the change that is tried where the run was drawn for it.
func (t *turn) configOf(ctx context.Context, to *events.RunAssigned) (events.AgentConfig, error) {
	version, err := t.version(ctx, to.Agent, to.Revision)
	if err != nil {
		return events.AgentConfig{}, err
	}
	config := version.Config
	for _, arm := range to.Arms {
		if !arm.Tried() {
			continue
		}
		tried, err := t.agents.Experiment(ctx, t.wish.Workspace, arm.Experiment)
		if err != nil {
			return events.AgentConfig{}, err
		}
		config = tried.Candidate(config, arm.Arm)
	}
	return agents.Armed(config), nil
}
