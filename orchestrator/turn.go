package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// performer performs the turns of live runs: it asks the model and its tools, and dispatches what they said. All its
// command ids derive from the wish's id, so that performing a turn again adds nothing that is there already.
type performer struct {
	store    eventstore.Store
	dispatch commands.Dispatch
	runner   agents.Runner
	// model is what an agent without a model of its own uses.
	model  string
	clock  Clock
	onText func(run, text string)
	budget func(context.Context) error
	lease  *Lease
}

// perform does one turn. A failure of the model is a fact of the run, not an error; an error means that the turn
// could not be recorded and is to be performed again.
func (p performer) perform(ctx context.Context, wish commands.PerformTurn) error {
	c, err := loadConversation(ctx, p.store, wish.Run)
	if err != nil {
		return err
	}
	if c.ended || c.turns != wish.Turn {
		return nil // done already, or the run ended in the meantime
	}
	t := turn{performer: p, wish: wish, conversation: c}
	err = t.perform(ctx)
	if errors.Is(err, aggregates.ErrEnded) {
		return nil // someone cancelled the run while the model was thinking
	}
	return err
}

// turn is one turn under way.
type turn struct {
	performer
	wish         commands.PerformTurn
	conversation *conversation
}

// slot numbers a turn's commands. Their ids derive from it, so a turn that is performed again after a crash must find
// each command at the number it had.
type slot int

const (
	spawnSlot slot = iota
	chatSlot
	recordSlot
	answeredSlot
	endSlot
	gaveUpSlot
	// From here on there are two for each tool call: its start and its end.
	toolSlot
)

func (t *turn) perform(ctx context.Context) error {
	name := t.conversation.started.Agent
	config, err := t.agent(ctx, name)
	if errors.Is(err, errRetired) || errors.Is(err, errAgent) {
		return t.fail(ctx, err)
	}
	if err != nil {
		return err
	}
	if err := t.budget(ctx); errors.Is(err, ErrBudget) {
		return t.fail(ctx, err)
	} else if err != nil {
		return err
	}
	asked, err := t.performTools(ctx, name, config)
	if err != nil {
		return err
	}
	if t.wish.Turn == 0 {
		asked = agents.Open(config, t.conversation.started.Prompt)
	}
	step, err := t.startStep(ctx, chatSlot, commands.StartStep{Name: "chat", Type: events.ChatStep, Agent: name, Model: config.Model})
	if err != nil {
		return err
	}
	var onDelta func(string)
	if t.onText != nil {
		onDelta = func(text string) { t.onText(t.wish.Run, text) }
	}
	if err := t.lease.Check(); err != nil {
		return err
	}
	done, err := t.runner.Turn(ctx, config, append(t.conversation.messages, asked...), onDelta)
	if ctx.Err() != nil {
		return ctx.Err() // the program stops: the turn is performed again at the next start
	}
	if err != nil {
		return t.fail(ctx, err, commands.FinishStep{Step: step, Outcome: events.Failed, Error: err.Error(), Unpriced: true})
	}
	if onDelta != nil && len(done.Calls) > 0 {
		onDelta("\n") // what follows the tools is a text of its own
	}
	return t.record(ctx, step, asked, done)
}

func (t *turn) record(ctx context.Context, step int, asked []events.Message, done agents.Turn) error {
	a, now := done.Answer, t.clock()
	cmds := []commands.Command{
		commands.RecordLLMCall{
			Meta: t.meta(recordSlot, now), Run: t.wish.Run, Step: &step, Model: a.Model, Provider: a.Provider, Asked: asked,
			Answered: []events.Message{a.Message}, Params: done.Params, FinishReason: a.FinishReason, Scripted: a.Scripted,
		},
		commands.FinishStep{
			Meta: t.meta(answeredSlot, now), Run: t.wish.Run, Step: step, Outcome: events.Succeeded, Model: a.Model, InputTokens: a.InputTokens,
			OutputTokens: a.OutputTokens, CachedTokens: a.CachedTokens, CostNanos: a.CostNanos, Unpriced: !a.Priced,
		},
	}
	if err := done.Ending.Failure(); err != nil {
		cmds = append(cmds, commands.FailRun{Meta: t.meta(endSlot, now), Run: t.wish.Run, Error: err.Error()})
	} else if len(done.Calls) == 0 {
		cmds = append(cmds, commands.FinishRun{
			Meta: t.meta(endSlot, now), Run: t.wish.Run, Outcome: events.Succeeded, Answer: a.Message.Content,
		})
	}
	_, err := t.dispatch(ctx, cmds...)
	return err
}

// performTools does what the last answer asked for, and returns what to tell the model of it.
func (t *turn) performTools(ctx context.Context, agent string, config events.AgentConfig) ([]events.Message, error) {
	var results []events.Message
	for i, call := range t.conversation.pending() {
		begin := toolSlot + slot(2*i)
		step, err := t.startStep(ctx, begin, commands.StartStep{Name: call.Name, Type: events.ToolStep, Agent: agent, Tool: call.Name})
		if err != nil {
			return nil, err
		}
		if err := t.lease.Check(); err != nil {
			return nil, err
		}
		done := t.runner.Perform(ctx, config, call)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		results = append(results, done.Message)
		finish := commands.FinishStep{Meta: t.meta(begin+1, done.EndedAt), Run: t.wish.Run, Step: step, Outcome: events.Succeeded}
		if done.Error != "" {
			finish.Outcome, finish.Error = events.Failed, done.Error
		}
		if t.conversation.finished[step] {
			continue // an earlier try recorded it, and was cut off before the model could be told
		}
		if _, err := t.dispatch(ctx, finish); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// startStep opens the next step, or finds the one that an earlier try of this turn opened.
func (t *turn) startStep(ctx context.Context, at slot, start commands.StartStep) (int, error) {
	start.Meta, start.Run = t.meta(at, t.clock()), t.wish.Run
	if step, there := t.conversation.stepOf[events.DeriveID(start.ID, 0)]; there {
		return step, nil
	}
	start.Step = t.conversation.steps
	if _, err := t.dispatch(ctx, start); err != nil {
		return 0, err
	}
	t.conversation.steps++
	return start.Step, nil
}

// fail ends the run with a reason, and the step that it failed in, if any, in the same append.
func (t *turn) fail(ctx context.Context, reason error, finish ...commands.FinishStep) error {
	now := t.clock()
	var cmds []commands.Command
	for _, f := range finish {
		f.Meta, f.Run = t.meta(answeredSlot, now), t.wish.Run
		cmds = append(cmds, f)
	}
	cmds = append(cmds, commands.FailRun{Meta: t.meta(endSlot, now), Run: t.wish.Run, Error: reason.Error()})
	_, err := t.dispatch(ctx, cmds...)
	return err
}

func (t *turn) meta(at slot, when time.Time) commands.Meta {
	return commands.Meta{
		ID: events.DeriveID(t.wish.ID, int(at)), At: when, Actor: "agent:" + t.conversation.started.Agent,
		Workspace: t.wish.Workspace, Correlation: t.wish.Run, Causation: t.wish.ID,
	}
}

// What no later try changes: the run fails with it.
var (
	errRetired = errors.New("the agent is retired: ask another one")
	errAgent   = errors.New("the agent can't be made ready")
)

// agent loads the agent that the run was asked of. One that does not exist yet is made, and one that is only known from
// history, which tells of no tools to use, gets ours.
func (t *turn) agent(ctx context.Context, name string) (config events.AgentConfig, err error) {
	known, imported := false, false
	for e, err := range t.store.ReadStream(ctx, commands.AgentStream(name), eventstore.StreamOptions{}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			break
		}
		if err != nil {
			return config, fmt.Errorf("load agent %s: %w", name, err)
		}
		fact, err := events.Decode(e)
		if err != nil {
			return config, fmt.Errorf("load agent %s: %w", name, err)
		}
		switch f := fact.(type) {
		case events.AgentSpawned:
			known, imported, config = true, f.Imported, f.Config
		case events.AgentConfigured:
			imported, config = false, f.Config
		case events.AgentRetired:
			return config, fmt.Errorf("%s: %w", name, errRetired)
		}
	}
	if !known || imported {
		config.Tools = t.runner.Tools.Names()
		var c commands.Command = commands.SpawnAgent{Meta: t.meta(spawnSlot, t.clock()), Agent: name, Config: config}
		if imported {
			c = commands.ConfigureAgent{Meta: t.meta(spawnSlot, t.clock()), Agent: name, Config: config}
		}
		switch _, err := t.dispatch(ctx, c); {
		case err == nil, errors.Is(err, aggregates.ErrExists):
		case aggregates.Refused(err):
			return config, fmt.Errorf("%w: %w", errAgent, err)
		default:
			return config, err
		}
	}
	if config.Model == "" {
		config.Model = t.model
	}
	return config, nil
}
