package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
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
	case Planner, Assigner, Judging, Summarizer, Phraser, events.RoleAgent(events.Writer):
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

// RoleQuestion is what a model is asked in a role: about what, and the prompt of its run. The run is Requester's whose words the prompt may hold,
// and is forgotten with them.
type RoleQuestion struct {
	events.RoleAsked
	Requester, Prompt string
	// Schema is what the answer has to be, empty for what the role says.
	Schema json.RawMessage
}

// Consult asks a question in a run of the role's agent. What is there already stays.
func (r Runs) Consult(ctx context.Context, workspace string, now time.Time, role Role, q RoleQuestion) error {
	meta := commands.Meta{
		ID: events.NameID(now, workspace+"\x00"+q.Run), At: now, Actor: "manager:role", Workspace: workspace, Correlation: q.Run,
	}
	if err := r.Stand(ctx, meta, 0x100, role); err != nil {
		return err
	}
	// It is noted before it is asked: whoever waits for the answer must not miss it.
	if _, err := r.Dispatch(ctx, commands.AskRole{Meta: meta, Fact: q.RoleAsked}); err != nil && !errors.Is(err, aggregates.ErrExists) {
		return err
	}
	meta.ID = events.DeriveID(meta.ID, 1)
	_, err := r.Start(ctx, commands.StartRun{
		Meta: meta, Run: q.Run, Workflow: RoleWorkflow, Task: q.Role, Agent: role.Agent, Requester: q.Requester, Prompt: q.Prompt, Schema: q.Schema, Of: q.Of,
	})
	if errors.Is(err, aggregates.ErrExists) {
		return nil
	}
	return err
}

// saidIn is a run with the answer that it came to.
func (r Runs) saidIn(ctx context.Context, workspace, run string) (c *conversation, answer string, err error) {
	c = newConversation()
	err = c.follow(ctx, r.Store, workspace, run, func(_ events.Envelope, fact events.Run) bool {
		if f, is := fact.(events.RunFinished); is {
			answer = f.Answer
		}
		return true
	})
	return c, answer, err
}

// bound tells that what an analyst foretold did not come true so often that people decide on all that it proposes.
func (r Runs) bound(ctx context.Context, workspace, analyst string) (bool, error) {
	scores, err := r.Models.In(workspace).Analysts(ctx)
	return slices.ContainsFunc(scores, func(a projections.AnalystRow) bool { return a.Analyst == analyst && a.Bound }), err
}
