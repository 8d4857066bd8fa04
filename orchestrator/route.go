package orchestrator

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/events"
)

// route is the one that a run goes by, nil where it stays with the agent. One that named its agent is never passed on.
func (t *turn) route(agent string, config events.AgentConfig) *events.Route {
	started := t.conversation.started
	if started.Agent != "" {
		return nil
	}
	return config.Route(agent, started.Workflow, started.Task)
}

// concerns tells whether who serves the run hangs on what is tried.
func (t *turn) concerns(tried aggregates.Experiment, config events.AgentConfig) bool {
	now := t.goesTo(tried.Agent, config)
	for i := range 1 + len(tried.Others) {
		if t.goesTo(tried.Agent, tried.Candidate(config, events.Candidate(i))) != now {
			return true
		}
	}
	return false
}

// goesTo is who a run of an agent is passed on to, the agent where it stays, nobody where that is to be chosen.
func (t *turn) goesTo(agent string, config events.AgentConfig) string {
	if r := t.route(agent, config); r != nil {
		return r.To
	}
	return agent
}

// passOn gives a run to whom its agent passes such tasks on to, with the arms by which that came. There it stays: what that one passes on
// is what it is asked itself.
func (t *turn) passOn(ctx context.Context, from *events.RunAssigned, config events.AgentConfig) (*events.RunAssigned, events.AgentConfig, error) {
	r := t.route(from.Agent, config)
	if r == nil {
		return from, config, nil
	}
	name, why := r.To, fmt.Sprintf("%s passes %s on to %s", from.Agent, cmp.Or(strings.Join(r.Tasks, ", "), "what nobody is named for"), cmp.Or(r.To, "whoever else fits"))
	if from.Choice != nil {
		why = from.Choice.Reason + "; " + why
	}
	choice := events.Choice{Reason: why}
	if name == "" {
		other, chosen, err := t.choose(ctx, from.Agent)
		if err != nil {
			return nil, config, err
		}
		name, choice.Score, choice.Rated, choice.Succeeded = other, chosen.Score, chosen.Rated, chosen.Succeeded
		choice.Reason += "; " + chosen.Reason
	}
	askable, err := t.askable(ctx, name)
	if err != nil {
		return nil, config, err
	}
	if !askable || name == from.Agent {
		if !askable {
			choice.Reason += ", who can't be asked"
		}
		from.Choice = &choice
		return from, config, nil
	}
	agent, revision, err := t.awake(ctx, name)
	if err != nil {
		return nil, config, err
	}
	to := &events.RunAssigned{Agent: name, Revision: revision, Choice: &choice}
	// What the first one's fixes prevent, and what else is tried of it, is told by the runs that it serves.
	for _, arm := range from.Arms {
		keeps := arm.Experiment != events.Prevention(from.Agent, "")
		if arm.Arm == events.ControlArm || arm.Tried() {
			tried, err := t.agents.Experiment(ctx, t.wish.Workspace, arm.Experiment)
			if err != nil {
				return nil, config, err
			}
			keeps = tried.Change.Routes()
		}
		if keeps {
			to.Arms = append(to.Arms, arm)
		}
	}
	if err := t.draw(ctx, agent, to); err != nil {
		return nil, config, err
	}
	config, err = t.configOf(ctx, to)
	return to, config, err
}
