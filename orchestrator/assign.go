package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/replay"
)

// errAgent is what no later try changes: the run fails with it.
var errAgent = errors.New("the agent can't be asked")

// Agents tells of the agents that are there now, of any version of theirs, and of a wish whether it would be refused.
type Agents interface {
	Agent(ctx context.Context, workspace, name string) (agent aggregates.Agent, revision uint64, err error)
	AgentAt(ctx context.Context, workspace, name string, revision uint64) (aggregates.Agent, error)
	Would(ctx context.Context, c commands.Command) error
	Skills
	// Experiment is one that was planned.
	Experiment(ctx context.Context, workspace, experiment string) (aggregates.Experiment, error)
	// Runbook is one that was saved. The zero value is one that nobody saved.
	Runbook(ctx context.Context, workspace, name string) (aggregates.Runbook, error)
	// Loop tells whether a workspace's loop of improvements is paused.
	Loop(ctx context.Context, workspace string) (aggregates.Loop, error)
}

// assign finds the agent that the run keeps to its end. Where that was not recorded before, it returns the command that
// does.
func (t *turn) assign(ctx context.Context) ([]commands.Command, error) {
	started, assigned := t.conversation.started, t.conversation.assigned
	if assigned != nil {
		config, err := t.configOf(ctx, assigned)
		t.keeps(assigned.Agent, config, assigned.Model)
		return nil, err
	}
	name, why, err := started.Agent, (*events.Choice)(nil), error(nil)
	if name == "" {
		if name, why, err = t.choose(ctx, ""); err != nil {
			return nil, err
		}
	}
	agent, revision, err := t.awake(ctx, name)
	if err != nil {
		return nil, err
	}
	to := &events.RunAssigned{Agent: name, Revision: revision, Choice: why}
	if err := t.draw(ctx, agent, to); err != nil {
		return nil, err
	}
	config, err := t.configOf(ctx, to)
	if err != nil {
		return nil, err
	}
	if to, config, err = t.passOn(ctx, to, config); err != nil {
		return nil, err
	}
	t.keeps(to.Agent, config, cmp.Or(t.modelOf[to.Agent], t.model))
	assign := commands.AssignRun{
		Meta: t.meta(assignSlot, t.clock()), Run: t.wish.Run, Agent: to.Agent, Revision: to.Revision, Model: t.config.Model, Arms: to.Arms, Choice: to.Choice,
	}
	if started.Conversation != "" && started.Conversation != started.Run && started.Phrases == nil {
		if assign.Earlier, assign.Summaries, err = t.earlier(ctx, started.Conversation); err != nil {
			return nil, err
		}
	}
	to.Model, to.Earlier, to.Summaries = assign.Model, assign.Earlier, assign.Summaries
	t.conversation.assigned = to
	return []commands.Command{assign}, nil
}

// awake is an agent that can be asked. One that rests is woken.
func (t *turn) awake(ctx context.Context, name string) (agent aggregates.Agent, revision uint64, err error) {
	agent, revision, err = t.agents.Agent(ctx, t.wish.Workspace, name)
	switch {
	case err != nil:
		return agent, 0, err
	case agent.Retired:
		return agent, 0, fmt.Errorf("%w: %s is retired: ask another one", errAgent, name)
	case !agent.Live:
		return agent, 0, fmt.Errorf("%w: there is no agent %q: `virtuous6 agents spawn` makes one", errAgent, name)
	}
	if agent.Resting {
		wake := commands.WakeAgent{Meta: t.meta(0, t.clock()), Agent: name, Run: t.wish.Run}
		wake.Actor, wake.ID = "agent:"+name, t.nameID("waking "+name)
		_, err = t.dispatch(ctx, wake)
	}
	return agent, revision, err
}

// keeps takes over an agent's configuration, with a model where it names none.
func (t *turn) keeps(agent string, config events.AgentConfig, model string) {
	t.agent, t.config = agent, config
	if t.config.Model == "" {
		t.config.Model = model
	}
	if schema := t.conversation.started.Schema; len(schema) > 0 {
		t.config.Schema = schema
	}
}

func (t *turn) version(ctx context.Context, agent string, revision uint64) (aggregates.Agent, error) {
	key := fmt.Sprintf("%s@%d in %d", commands.AgentStream(t.wish.Workspace, agent), revision, t.forgotten.era())
	if known, ok := t.versions.get(key); ok {
		return known, nil
	}
	version, err := t.agents.AgentAt(ctx, t.wish.Workspace, agent, revision)
	if err == nil {
		t.versions.keep(key, version)
	}
	return version, err
}

// said is what a person and the agent said in an earlier run, without what its tools did, and who that person is.
func (t *turn) said(ctx context.Context, run string) (requester string, said []events.Message, err error) {
	c := newConversation()
	if err := c.read(ctx, t.store, t.wish.Workspace, run); err != nil {
		return "", nil, err
	}
	if c.started.Phrases != nil {
		return c.started.Requester, c.phrased(), nil
	}
	for _, m := range c.messages {
		if (m.Role == "user" || m.Role == "assistant") && len(m.ToolCalls) == 0 && strings.TrimSpace(m.Content) != "" {
			said = append(said, events.Message{Role: m.Role, Name: m.Name, Content: m.Content})
		}
	}
	return c.started.Requester, said, nil
}

// messages are what is said to the model: asked is what no fact holds yet, sent the whole conversation. What earlier runs
// hold comes behind the agent's own instructions.
func (t *turn) messages(ctx context.Context) (asked, sent []events.Message, err error) {
	c := t.conversation
	switch {
	case t.wish.Turn == 0:
		prompt, err := c.prompt()
		if err != nil {
			return nil, nil, err
		}
		asked = agents.Open(t.config, prompt)
	case c.invalid != "":
		asked = []events.Message{agents.Repair(c.invalid)}
	}
	sent, err = t.whole(ctx, slices.Concat(c.messages, c.told(), asked))
	return asked, sent, err
}

// whole is what the run says to the model with what earlier runs hold. A provider's cache is by prefix: what is sent must begin with what
// was sent before.
func (t *turn) whole(ctx context.Context, sent []events.Message) (_ []events.Message, err error) {
	c := t.conversation
	if err := t.advise(ctx, sent); err != nil {
		return nil, err
	}
	if len(c.assigned.Earlier) == 0 && c.assigned.Summaries == 0 && len(t.config.Examples) == 0 && len(t.config.Lessons) == 0 {
		return sent, nil
	}
	if era := t.forgotten.era(); c.said == nil || c.era != era {
		c.era = era
		if c.said, err = replay.Shown(ctx, t.store, t.wish.Workspace, t.config); err != nil {
			return nil, err
		}
		if n := c.assigned.Summaries; n > 0 {
			summaries, _, err := summariesOf(ctx, t.store, t.wish.Workspace, c.started.Conversation, n)
			if err != nil {
				return nil, err
			}
			c.said = append(c.said, summaries.Told()...)
		}
		for _, run := range c.assigned.Earlier {
			_, said, err := t.said(ctx, run)
			if err != nil {
				return nil, err
			}
			c.said = append(c.said, said...)
		}
	}
	return slices.Insert(sent, instructed(sent), c.said...), nil
}

// instructed counts the messages at the head that are instructions.
func instructed(sent []events.Message) int {
	head := 0
	for head < len(sent) && sent[head].Role == "system" {
		head++
	}
	return head
}
