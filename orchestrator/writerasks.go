package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/managers"
)

// writerQuestion is what a writer is asked. Each is a run of the agent that is called as the role is: it is asked once, recorded, priced and bounded by
// budgets as any other, and forgotten with Requester, whose words it may hold.
type writerQuestion struct {
	events.RoleAsked
	Requester, Prompt string
}

// writerAsks asks the writer, and takes down what becomes of what it says.
type writerAsks struct {
	store    eventstore.Store
	dispatch commands.Dispatch
	agents   Agents
	clock    Clock
}

// open tells whether a question of that name was never asked, or was noted by a process that died before it asked.
func (r writerAsks) open(ctx context.Context, workspace, run string) (bool, error) {
	for _, err := range r.store.ReadStream(ctx, commands.RunStream(workspace, run), eventstore.StreamOptions{Limit: 1}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return true, nil
		}
		return false, err
	}
	return true, nil
}

// ask asks a question once, however often it is called.
func (r writerAsks) ask(ctx context.Context, workspace string, q writerQuestion) error {
	now := r.clock()
	meta := func(slot string) commands.Meta {
		return commands.Meta{ID: events.NameID(now, workspace+" "+q.Run+" "+slot), At: now, Actor: "analyst:" + q.Role, Workspace: workspace, Correlation: q.Run}
	}
	// It is noted before it is asked: whoever waits for the answer must not miss it.
	if _, err := r.dispatch(ctx, commands.AskRole{Meta: meta("asked"), Fact: q.RoleAsked}); err != nil && !errors.Is(err, aggregates.ErrExists) {
		return fmt.Errorf("ask %s: %w", q.Role, err)
	}
	start := commands.StartRun{Meta: meta("run"), Run: q.Run, Workflow: RoleWorkflow, Task: q.Role, Agent: events.RoleAgent(q.Role), Requester: q.Requester, Conversation: q.Run, Prompt: q.Prompt}
	if _, err := r.dispatch(ctx, start); err != nil && !errors.Is(err, aggregates.ErrExists) {
		return fmt.Errorf("ask %s: %w", q.Role, err)
	}
	return nil
}

// said is what the model was asked and answered.
func (r writerAsks) said(ctx context.Context, workspace, run string) (started events.RunStarted, answer string, err error) {
	c := newConversation()
	err = c.follow(ctx, r.store, workspace, run, func(_ events.Envelope, fact events.Run) bool {
		if f, is := fact.(events.RunFinished); is {
			answer = f.Answer
		}
		return true
	})
	return c.started, answer, err
}

// answered notes what became of an answer.
func (r writerAsks) answered(ctx context.Context, a managers.Answer, fact events.RoleAnswered) error {
	fact.Role, fact.Agent = a.Asked.Role, a.Asked.Agent
	_, err := r.dispatch(ctx, commands.AnswerRole{Meta: r.meta(a, 0), Run: a.Asked.Run, Fact: fact})
	return moved(err)
}

func (r writerAsks) meta(a managers.Answer, slot int) commands.Meta {
	return commands.Meta{
		ID: events.DeriveID(a.ID, slot), At: a.At, Actor: "analyst:" + a.Asked.Role, Workspace: a.Workspace, Correlation: a.Asked.Run, Causation: a.ID,
	}
}

// onSchedule lets a role look at every workspace whose loop nobody paused, as often as it is to.
func (o *Orchestrator) onSchedule(ctx context.Context, role string, every time.Duration, look func(ctx context.Context, workspace string) error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := o.everywhere(ctx, look); err != nil && ctx.Err() == nil {
			// What can't be asked now is asked when it is due again.
			o.c.Log.Error("a model was not asked in its role", "role", role, "error", err)
		}
	}
}

func (o *Orchestrator) everywhere(ctx context.Context, look func(ctx context.Context, workspace string) error) error {
	workspaces, err := o.c.Models.Workspaces(ctx)
	if err != nil {
		return err
	}
	for _, workspace := range workspaces {
		loop, err := o.c.Agents.Loop(ctx, workspace)
		if err == nil && loop.Paused == nil {
			err = look(ctx, workspace)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writer is the writer of this process.
func (o *Orchestrator) writer(dispatch commands.Dispatch, known *caps) writer {
	return writer{
		writerAsks: writerAsks{store: o.c.Store, dispatch: dispatch, agents: o.c.Agents, clock: o.c.Clock}, role: o.c.Writer, models: o.c.Models, policies: o.c.Policies,
		asking: Evaluating{Runner: o.c.Runner, Toolbox: o.c.Toolbox, Agents: o.c.Agents, Model: o.c.Model, Pool: o.c.Pool},
		aside: func(workspace, name string) *Aside {
			return &Aside{
				Dispatch: dispatch, Clock: o.c.Clock, Holder: o.c.holder, AllowUnpriced: o.c.AllowUnpriced, Workspace: workspace, Agent: events.RoleAgent(events.Writer), Name: name, caps: known,
			}
		},
	}
}

// answered takes what a model said in a role: a writer's edits by one, all else by the other.
func answered(others, edits func(context.Context, managers.Answer) error) func(context.Context, managers.Answer) error {
	return func(ctx context.Context, a managers.Answer) error {
		if a.Asked.Role == events.Writer {
			return edits(ctx, a)
		}
		return others(ctx, a)
	}
}
