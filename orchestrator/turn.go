package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/agents/mcptool"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/managers"
	"github.com/virtuous6/virtuous6/projections"
)

// performer performs the turns of live runs: it asks the model and its tools, and dispatches what they said. All its
// command ids derive from the turn's id, so that performing a turn again adds nothing that is there already.
type performer struct {
	store    eventstore.Store
	dispatch commands.Dispatch
	agents   Agents
	caps     *caps
	roster   *roster
	trials   *trials
	runner   agents.Runner
	toolbox  Toolbox
	policies aggregates.Policies
	// approveWithin is how long a call waits for a person's approval.
	approveWithin time.Duration
	// model is what an agent without a model of its own uses.
	model string
	// modelOf is what those agents use instead.
	modelOf map[string]string
	// holder is this process, as reservations name it. allowUnpriced lets calls through a budget whose cost is not known.
	holder        string
	allowUnpriced bool
	models        *projections.Models
	// earlierBytes is how much of what was said in the earlier runs of its conversation a run sees.
	earlierBytes int
	// holdback is the share of the runs that stay on an agent as a person made it, in permille.
	holdback int
	// heldOut is the share of the runs that are told no known fix, in permille.
	heldOut int
	clock   Clock
	// onText hears the pieces of answers, ended that a run has ended.
	onText func(run, text string)
	ended  func(run string)
	lease  *Lease
	// pool bounds the calls to models: who waits for one lends its place meanwhile, until ending.
	pool   *Pool
	lend   func() (regain func())
	ending <-chan struct{}
	// seen are the runs under way, as far as they were read.
	seen *recent[*conversation]
	// versions are agents at a revision: those never change but for what was said by people who are forgotten.
	versions  *recent[aggregates.Agent]
	forgotten *forgotten
}

// perform does one turn. A failure of the model is a fact of the run, not an error; an error means that the turn
// could not be recorded and is to be performed again.
func (p *performer) perform(ctx context.Context, wish managers.Turn) error {
	stream := commands.RunStream(wish.Workspace, wish.Run)
	c, ok := p.seen.take(stream)
	if !ok {
		c = newConversation()
	}
	if err := c.read(ctx, p.store, wish.Workspace, wish.Run); err != nil {
		return err
	}
	if c.ended || c.turns != wish.Turn {
		return nil // done already, or the run ended in the meantime
	}
	t := turn{performer: p, wish: wish, conversation: c}
	err := t.perform(ctx)
	for errors.Is(err, errTime) { // a budget has no more time for the call: it is made again where there is some, or waits for it
		if err = c.read(ctx, p.store, wish.Workspace, wish.Run); err == nil {
			err = t.perform(ctx)
		}
	}
	if t.over || ctx.Err() != nil || errors.Is(err, aggregates.ErrEnded) {
		p.ended(wish.Run)
	}
	if errors.Is(err, aggregates.ErrEnded) {
		return nil // someone cancelled the run while the model was thinking
	}
	if err == nil && !t.over {
		p.seen.keep(stream, c)
	}
	return err
}

// turn is one turn under way.
type turn struct {
	*performer
	// runner is the performer's, with the tools that the agent was granted.
	runner       agents.Runner
	wish         managers.Turn
	conversation *conversation
	agent        string
	config       events.AgentConfig
	// heard are what other agents answered, by the place of the call.
	heard map[int]agents.Done
	// over tells that the run ended with it.
	over bool
}

// slot numbers a turn's commands. Their ids derive from it, so a turn that is performed again after a crash must find
// each command at the number it had.
type slot int

const (
	assignSlot slot = iota
	chatSlot
	recordSlot
	answeredSlot
	endSlot
	gaveUpSlot
	// From here on there are three for each tool call: its start, its result and its end.
	toolSlot
)

// maxCalls bounds how many tools one answer has performed, maxAnswer how many bytes of one are recorded.
const (
	maxCalls  = 32
	maxAnswer = 512 << 10
)

func (t *turn) perform(ctx context.Context) error {
	assign, err := t.assign(ctx)
	if errors.Is(err, errAgent) {
		return t.fail(ctx, failure{reason: err.Error()})
	}
	if err != nil {
		return err
	}
	t.runner = t.performer.runner
	t.runner.Run = t.wish.Run
	switch t.runner.Tools, err = t.toolbox.Tools(ctx, t.config.Tools); {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, mcptool.ErrServer) || errors.Is(err, agents.ErrUnknownTool):
		return t.fail(ctx, failure{reason: err.Error()}, assign...)
	case err != nil:
		return err
	}
	t.runner.Tools = WithSkills(t.runner.Tools, t.config.Skills, t.wish.Workspace, t.agents)
	if t.conversation.started.Tool != "" {
		return t.call(ctx, assign)
	}
	switch err := t.performTools(ctx); {
	case errors.Is(err, errSuspended):
		return t.suspend(ctx, err, assign...)
	case errors.Is(err, aggregates.ErrBudget):
		return t.fail(ctx, failure{reason: err.Error(), failure: events.NoMoney}, assign...)
	case err != nil:
		return err
	case t.conversation.ended || t.conversation.turns != t.wish.Turn:
		return nil // another driver was quicker
	}
	if result, is := t.handedOver(); is {
		t.over = true
		_, err := t.dispatch(ctx, commands.FinishRun{Meta: t.meta(endSlot, t.clock()), Run: t.wish.Run, Outcome: events.Succeeded, Answer: result})
		return err
	}
	model := &metered{turn: t, model: t.runner.Model}
	t.runner.Model = model
	// Money is set aside, and a step begins, only once it is its turn.
	if err := model.enter(ctx, t.config.Model); err != nil {
		return err
	}
	defer model.leave(false)
	asked, sent, err := t.messages(ctx)
	if err != nil {
		return err
	}
	step, begun := t.conversation.chat, t.conversation.chat >= 0
	if !begun {
		step = t.conversation.steps
	}
	cost, priced := t.runner.MaxCost(t.config, sent)
	within, err := t.reserve(ctx, commands.ReserveBudget{Step: step, Begun: begun, Nanos: cost, Most: t.runner.Most(t.config, sent)}, priced)
	switch {
	case errors.Is(err, errSuspended):
		return t.suspend(ctx, err, assign...)
	case errors.Is(err, aggregates.ErrBudget):
		return t.fail(ctx, failure{reason: err.Error(), failure: events.NoMoney}, assign...)
	case errors.Is(err, ErrUnpriced):
		return t.fail(ctx, failure{reason: err.Error()}, assign...)
	case err != nil:
		return err
	}
	if !begun {
		start := commands.StartStep{
			Meta: t.again(chatSlot, t.clock()), Run: t.wish.Run, Step: step, Name: "chat", Type: events.ChatStep, Agent: t.agent, Model: t.config.Model,
		}
		if _, err := t.dispatch(ctx, append(assign, start)...); err != nil {
			return err
		}
		t.conversation.steps++
	}
	onDelta := func(text string) { t.onText(t.wish.Run, text) }
	if err := t.lease.Check(); err != nil {
		return err
	}
	calling, stop := timed(ctx, within)
	defer stop()
	done, err := t.runner.Turn(calling, t.config, sent, onDelta)
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(context.Cause(calling), errTime):
		_, err := t.dispatch(ctx, commands.FinishStep{
			Meta: t.again(answeredSlot, t.clock()), Run: t.wish.Run, Step: step, Outcome: events.Cancelled, Error: errTime.Error(), Unpriced: true,
		})
		return cmp.Or(err, errTime)
	case ctx.Err() != nil:
		return ctx.Err() // the run was cancelled, or the program stops: the turn is performed again at the next start
	case errors.Is(err, errEnding):
		return err
	case err != nil:
		return t.fail(ctx, failure{reason: err.Error()}, commands.FinishStep{
			Meta: t.again(answeredSlot, t.clock()), Run: t.wish.Run, Step: step, Outcome: events.Failed, Error: err.Error(), Unpriced: !agents.Unbilled(err),
		})
	}
	if len(done.Calls) > 0 || done.Invalid != "" {
		onDelta("\n") // what follows the tools, or an answer that is none, is a text of its own
	}
	return t.record(ctx, step, asked, done)
}

// record notes what the model answered, and ends the run with an answer that asks for nothing more.
func (t *turn) record(ctx context.Context, step int, asked []events.Message, done agents.Turn) error {
	a, now := done.Answer, t.clock()
	answer, tooLong := bounded(a.Message)
	cmds := []commands.Command{
		commands.RecordLLMCall{
			Meta: t.meta(recordSlot, now), Run: t.wish.Run, Step: &step, Model: a.Model, Provider: a.Provider, Asked: asked,
			Answered: []events.Message{answer}, Params: done.Params, FinishReason: a.FinishReason, Scripted: a.Scripted, Invalid: done.Invalid, Failed: done.Failed,
		},
		commands.FinishStep{
			Meta: t.again(answeredSlot, now), Run: t.wish.Run, Step: step, Outcome: events.Succeeded, Model: a.Model, InputTokens: a.InputTokens,
			OutputTokens: a.OutputTokens, CachedTokens: a.CachedTokens, CostNanos: a.CostNanos, Unpriced: !a.Priced,
		},
	}
	switch reason := t.failed(done, tooLong); {
	case reason != "":
		t.over = true
		cmds = append(cmds, commands.FailRun{Meta: t.meta(endSlot, now), Run: t.wish.Run, Error: reason, FinishReason: a.FinishReason})
	case len(done.Calls) == 0 && done.Invalid == "":
		t.over = true
		cmds = append(cmds, commands.FinishRun{
			Meta: t.meta(endSlot, now), Run: t.wish.Run, Outcome: events.Succeeded, Answer: answer.Content, FinishReason: a.FinishReason,
		})
	}
	_, err := t.dispatch(ctx, cmds...)
	return err
}

// failed tells what is wrong with an answer as the end of a run, or that nothing is.
func (t *turn) failed(done agents.Turn, tooLong bool) string {
	if tooLong {
		return fmt.Sprintf("the answer is longer than the %d bytes that are recorded of one", maxAnswer)
	}
	if done.Invalid != "" && t.conversation.repaired {
		return agents.Unrepaired(done.Invalid)
	}
	if err := done.Ending.Failure(); err != nil {
		return err.Error()
	}
	return ""
}

// bounded cuts what is too long to be recorded: what the call cost is known and recorded all the same.
func bounded(m events.Message) (_ events.Message, cut bool) {
	for i := range m.ToolCalls {
		cut = cut || len(m.ToolCalls[i].Name)+len(m.ToolCalls[i].Arguments) > maxAnswer/2
	}
	if cut || len(m.ToolCalls) > 16*maxCalls {
		m.ToolCalls, cut = nil, true
	}
	if len(m.Content) > maxAnswer {
		m.Content, cut = clipped(m.Content, maxAnswer), true
	}
	return m, cut
}

// failure is why a run fails.
type failure struct {
	reason  string
	failure events.Failure
}

// fail ends the run with a reason, and what comes before that in the same append.
func (t *turn) fail(ctx context.Context, why failure, before ...commands.Command) error {
	t.over = true
	end := commands.FailRun{Meta: t.meta(endSlot, t.clock()), Run: t.wish.Run, Error: why.reason, Failure: why.failure}
	_, err := t.dispatch(ctx, append(before, end)...)
	return err
}

func (t *turn) meta(at slot, when time.Time) commands.Meta {
	agent := cmp.Or(t.agent, t.conversation.started.Agent, events.Assistant)
	return commands.Meta{
		ID: events.DeriveID(t.wish.ID, int(at)), At: when, Actor: "agent:" + agent, Workspace: t.wish.Workspace, Correlation: t.wish.Run,
		Causation: t.wish.ID,
	}
}

// again is meta for a call of the model, which is made anew where it was cut off.
func (t *turn) again(at slot, when time.Time) commands.Meta {
	meta := t.meta(at, when)
	if n := t.conversation.cuts; n > 0 {
		meta.ID = t.nameID(fmt.Sprintf("slot %d after %d cuts", at, n))
	}
	return meta
}

// reservationID is that of a step of a turn as this process makes it.
func (t *turn) reservationID(budget string, step int) uuid.UUID {
	name := fmt.Sprintf("reservation in %s for step %d by %s", budget, step, t.holder)
	if n := t.conversation.suspensions; n > 0 { // what was set aside before the run had to wait is given back
		name += fmt.Sprint(" ", n)
	}
	return t.nameID(name)
}
