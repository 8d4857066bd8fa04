package orchestrator

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Role is what a model does for the program itself, off unless the configuration names a model and what it may cost. It is an agent with
// a schema of its answers and a budget of its own, and it is asked in runs as any other one: each call is priced, reserved and
// recorded, and made once however often the process dies. What it answers is for whoever asked to judge.
type Role struct {
	// Agent is its name, Does what it is there for, Prompt what it is told.
	Agent, Does, Prompt string
	Model               string
	// Schema is what its answers have to be, MaxTokens how long they may be.
	Schema    json.RawMessage
	MaxTokens int
	// LimitNanos is what it may cost in a Period, and no more: a run that there is no money for fails.
	LimitNanos events.Nanos
	Period     events.BudgetPeriod
}

// own tells of the agents that do something for the program itself: nobody's tasks go to them.
func own(agent string) bool {
	switch agent {
	case Planner, Judging, Summarizer, Phraser, events.RoleAgent(events.Writer):
		return true
	}
	return events.IsRoleAgent(agent)
}

// Stand makes the role's agent and its budget what the role says, in the workspace of meta, where they are otherwise. Its prompt stays
// as improvements have made it. The ids derive from meta's from place n on.
func (r Runs) Stand(ctx context.Context, meta commands.Meta, n int, role Role) error {
	at := func(i int) commands.Meta {
		m := meta
		m.ID = events.DeriveID(meta.ID, n+i)
		return m
	}
	_, err := r.Dispatch(ctx, commands.SetBudget{
		Meta: at(0), Budget: commands.AgentBudget(role.Agent), Period: role.Period, LimitNanos: role.LimitNanos, Marks: []int{80}, Fails: true,
	})
	if err != nil {
		return err
	}
	config := events.AgentConfig{Model: role.Model, Prompt: role.Prompt, Schema: role.Schema, MaxTokens: role.MaxTokens}
	agent, _, err := r.Agents.Agent(ctx, meta.Workspace, role.Agent)
	switch {
	case err != nil:
		return err
	case !agent.Live && !agent.Retired:
		_, err = r.Dispatch(ctx, commands.SpawnAgent{Meta: at(1), Agent: role.Agent, Role: role.Does, Config: config})
		if errors.Is(err, aggregates.ErrExists) {
			return nil
		}
	case agent.Live && agent.Config.Model != role.Model:
		_, err = r.Dispatch(ctx, commands.ConfigureAgent{
			Meta: at(2), Agent: role.Agent, Config: config, Only: events.ChangeModel, Reason: "the configuration names another model",
		})
	}
	return err
}
