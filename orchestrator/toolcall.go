package orchestrator

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// call performs a run that is one call of a tool: what that gives is the answer, and no model is asked.
func (t *turn) call(ctx context.Context, assign []commands.Command) error {
	if len(assign) > 0 {
		if _, err := t.dispatch(ctx, assign...); err != nil {
			return err
		}
	}
	switch err := t.performTools(ctx); {
	case errors.Is(err, errSuspended):
		return t.suspend(ctx, err)
	case errors.Is(err, aggregates.ErrBudget):
		return t.fail(ctx, failure{reason: err.Error(), failure: events.NoMoney})
	case err != nil:
		return err
	}
	result := t.conversation.results[0].Content
	if reason, failed := agents.FailedCall(result); failed {
		return t.fail(ctx, failure{reason: reason})
	}
	t.over = true
	_, err := t.dispatch(ctx, commands.FinishRun{Meta: t.meta(endSlot, t.clock()), Run: t.wish.Run, Outcome: events.Succeeded, Answer: result})
	return err
}

// performTools does what the last answer asked for and nobody did yet. Each result is recorded before the model is asked. It
// returns errSuspended where a person has to let something through first, or another agent to answer.
func (t *turn) performTools(ctx context.Context) error {
	if err := t.askApprovals(ctx); err != nil {
		return err
	}
	if err := t.askAgents(ctx); err != nil {
		return err
	}
	c := t.conversation
	type job struct {
		call, step int
		lost       bool
		refusal    string
		// has tells that time was set aside for it, and within is how much where that is bounded.
		has    bool
		within time.Duration
	}
	var jobs []job
	var starts []commands.Command
	for i, call := range c.calls {
		if _, known := c.results[i]; known {
			continue
		}
		refusal := t.refusal(i, call)
		step, begun := c.begun[i]
		if !begun {
			step = c.steps + len(starts)
			start := commands.StartStep{
				Meta: t.meta(toolSlot+slot(3*i), t.clock()), Run: t.wish.Run, Step: step, Name: stepName(call.Name), Type: events.ToolStep, Agent: t.agent, Call: &i,
			}
			if refusal == "" && t.rule(call) != aggregates.ToolNever {
				start.Tool = call.Name // what is not performed is no call of the tool
			}
			starts = append(starts, start)
		}
		j := job{call: i, step: step, lost: begun && !t.runner.Repeatable(call.Name), refusal: refusal}
		// Where there is no time for the first one, none begins, and the run waits. The others find out by themselves.
		if refusal == "" && !j.lost && !t.speaks(call) && !slices.ContainsFunc(jobs, func(j job) bool { return j.has }) {
			var err error
			if j.within, err = t.reserveTool(ctx, step, begun, call); err != nil {
				return err
			}
			j.has = true
		}
		jobs = append(jobs, j)
	}
	if len(starts) > 0 {
		receipt, err := t.dispatch(ctx, starts...)
		if err != nil {
			return err
		}
		c.steps += len(starts)
		// Another driver began them, or the answer to our own append was lost: nobody knows what has become of them.
		for i := range jobs {
			jobs[i].lost = jobs[i].lost || receipt.Repeated && !t.runner.Repeatable(c.calls[jobs[i].call].Name)
		}
	}
	group, calling := errgroup.WithContext(ctx)
	for _, j := range jobs {
		group.Go(func() error {
			if err := t.lease.Check(); err != nil {
				return err
			}
			var done agents.Done
			switch call := c.calls[j.call]; {
			case j.refusal != "":
				done = t.runner.Refused(call, j.refusal)
			case j.lost:
				done = t.runner.Lost(call)
			case t.speaks(call):
				var err error
				if done, err = t.says(calling, j.call, call); err != nil {
					return err
				}
			default:
				within, err := j.within, error(nil)
				if !j.has {
					within, err = t.reserveTool(calling, j.step, true, call)
				}
				switch {
				case errors.Is(err, errSuspended) || errors.Is(err, aggregates.ErrBudget): // the model's next call waits for it
					done = t.runner.Refused(call, errTime.Error())
				case err != nil:
					return err
				default:
					done = t.performWithin(calling, within, call, events.DeriveID(t.wish.ID, int(toolSlot)+3*j.call).String())
				}
			}
			if calling.Err() != nil {
				return calling.Err()
			}
			at := toolSlot + slot(3*j.call)
			finish := commands.FinishStep{Meta: t.meta(at+2, done.EndedAt), Run: t.wish.Run, Step: j.step, Outcome: events.Succeeded}
			if done.Error != "" {
				finish.Outcome, finish.Error = events.Failed, done.Error
			}
			result, known, err := t.fixed(calling, c.calls[j.call], done)
			if err != nil {
				return err
			}
			record := commands.RecordToolCall{
				Meta: t.meta(at+1, done.EndedAt), Run: t.wish.Run, Step: j.step, Call: j.call, Result: result, Fix: known, Unknown: j.lost,
			}
			if done.Error == "" {
				record.Loaded = agents.LoadedSkill(t.config.Skills, c.calls[j.call])
			}
			_, err = t.dispatch(calling, record, finish)
			return err
		})
	}
	if err := group.Wait(); err != nil || len(jobs) == 0 {
		return err
	}
	// What is told is what was recorded, without the credentials that a result may hold: the next calls are to begin with the same.
	return c.read(ctx, t.store, t.wish.Workspace, t.wish.Run)
}

// reserveTool sets aside the time that a call of a tool can take, in budgets that bound time.
func (t *turn) reserveTool(ctx context.Context, step int, begun bool, call events.ToolCall) (time.Duration, error) {
	return t.reserve(ctx, commands.ReserveBudget{Step: step, Begun: begun, Most: events.Resources{TimeMS: t.runner.ToolTime(call.Name).Milliseconds()}}, true)
}

// performWithin performs a call of a tool, which is cut off when the time is up.
func (t *turn) performWithin(ctx context.Context, within time.Duration, call events.ToolCall, key string) agents.Done {
	ctx, stop := timed(ctx, within)
	defer stop()
	return t.runner.Perform(ctx, t.config, call, key)
}

// stepName is what a step is called that performs a tool. What no tool can be called is data of the model's.
func stepName(tool string) string {
	if agents.ToolName(tool) {
		return tool
	}
	return "unknown tool"
}
