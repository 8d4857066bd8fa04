package orchestrator

import (
	"context"
	"errors"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/managers"
)

// open tells whether a question of that name was never asked, or was noted by a process that died before it asked.
func (w writer) open(ctx context.Context, workspace, run string) (bool, error) {
	for _, err := range w.runs.Store.ReadStream(ctx, commands.RunStream(workspace, run), eventstore.StreamOptions{Limit: 1}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return true, nil
		}
		return false, err
	}
	return true, nil
}

// answered notes what became of an answer.
func (w writer) answered(ctx context.Context, a managers.Answer, fact events.RoleAnswered) error {
	fact.Role, fact.Agent, fact.Of = a.Asked.Role, a.Asked.Agent, a.Asked.Of
	_, err := w.runs.Dispatch(ctx, commands.AnswerRole{Meta: w.meta(a, 0), Run: a.Asked.Run, Fact: fact})
	return moved(err)
}

func (w writer) meta(a managers.Answer, slot int) commands.Meta {
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
		runs: Runs{Store: o.c.Store, Dispatch: dispatch, Agents: o.c.Agents, Models: o.c.Models}, clock: o.c.Clock, role: o.c.Writer, policies: o.c.Policies,
		asking: Evaluating{Store: o.c.Store, Runner: o.c.Runner, Toolbox: o.c.Toolbox, Agents: o.c.Agents, Model: o.c.Model, Pool: o.c.Pool},
		aside: func(workspace, name string) *Aside {
			return &Aside{
				Dispatch: dispatch, Clock: o.c.Clock, Holder: o.c.holder, AllowUnpriced: o.c.AllowUnpriced, Drives: true, Workspace: workspace, Agent: events.RoleAgent(events.Writer), Name: name, caps: known,
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
