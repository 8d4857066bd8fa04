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
	name := t.trials.on(t.wish.Workspace, trialOf{agent: to.Agent})
	if name == "" {
		return nil
	}
	// What was rolled back a moment ago gets no run from then on.
	tried, err := openTrial(ctx, t.agents, t.wish.Workspace, name)
	if err != nil || tried == nil {
		return err
	}
	if tried.Change.Routes() && !t.concerns(*tried, agent.Config) {
		return nil
	}
	unit := conversation
	if tried.Plan.Unit == events.ByRequester {
		unit = cmp.Or(started.Requester, conversation)
	}
	to.Arms = append(to.Arms, tried.Draw(unit))
	return nil
}

// openTrial is an experiment into which is drawn, nil where it is over, or where the loop is paused.
func openTrial(ctx context.Context, agents Agents, workspace, name string) (*aggregates.Experiment, error) {
	x, err := agents.Experiment(ctx, workspace, name)
	if err != nil || x.Over() {
		return nil, err
	}
	if loop, err := agents.Loop(ctx, workspace); err != nil || loop.Paused != nil {
		return nil, err
	}
	return &x, nil
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
