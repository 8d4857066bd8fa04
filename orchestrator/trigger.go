package orchestrator

import (
	"cmp"
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/managers"
)

// Triggers start what clocks and deliveries ask for.
type Triggers struct {
	// Start opens a run, and Dispatch carries out what is wished of goals and clocks.
	Start    func(ctx context.Context, c commands.StartRun) (commands.Receipt, error)
	Dispatch commands.Dispatch
	Clock    Clock
}

// Fire starts a trigger's run, or its goal, under an id. Once it is there, firing again is a repeat.
func (t Triggers) Fire(ctx context.Context, workspace string, set events.TriggerSet, id, prompt string) (commands.Receipt, error) {
	by := events.TriggerRequester(set.Trigger)
	meta := func(n int) commands.Meta {
		return commands.Meta{ID: events.DeriveID(uuid.MustParse(id), n), At: t.Clock(), Actor: by, Workspace: workspace}
	}
	if set.Goal {
		return t.Dispatch(ctx, commands.CreateGoal{Meta: meta(0), Goal: id, Prompt: prompt, Level: events.Operational, Requester: by}, commands.StartGoal{Meta: meta(1), Goal: id, By: by})
	}
	start := commands.StartRun{Meta: meta(0), Run: id, Workflow: cmp.Or(set.Workflow, set.Trigger), Agent: set.Agent, Prompt: prompt, Requester: by}
	start.Correlation = id
	return t.Start(ctx, start)
}

// tick starts what a clock asks for, and notes that. Where nobody was there as the clock ticked, the last tick counts, and those
// before it are told as missed. What is started has the tick's own id: where the note is lost, it is not started again.
func (t Triggers) tick(ctx context.Context, w managers.Tick) error {
	schedule, err := commands.ParseSchedule(w.Set.Cron, w.Set.Zone)
	if err != nil {
		return err
	}
	at, missed := schedule.Latest(w.At, t.Clock())
	fired := events.TimerFired{Trigger: w.Set.Trigger, Tick: at, Missed: missed, Run: commands.TickID(w.Workspace, w.Set.Trigger, at)}
	if _, err := t.Fire(ctx, w.Workspace, w.Set, fired.Run, w.Set.Prompt); err != nil {
		if !aggregates.Refused(err) && !errors.Is(err, ErrNoAgent) {
			return err
		}
		fired.Run, fired.Error = "", err.Error()
	}
	return t.note(ctx, w, fired)
}

// gaveUp notes why nothing was started at a tick: the next one is waited for.
func (t Triggers) gaveUp(ctx context.Context, w managers.Tick, reason string) error {
	return t.note(ctx, w, events.TimerFired{Trigger: w.Set.Trigger, Tick: w.At, Error: reason})
}

func (t Triggers) note(ctx context.Context, w managers.Tick, fired events.TimerFired) error {
	_, err := t.Dispatch(ctx, commands.FireTimer{
		Meta: commands.Meta{
			ID: events.NameID(fired.Tick, "fired\x00"+commands.TimerStream(w.Workspace, w.Set.Trigger)+"\x00"+fired.Tick.String()), At: t.Clock(),
			Actor: events.TriggerRequester(w.Set.Trigger), Workspace: w.Workspace,
		},
		Fired: fired,
	})
	if errors.Is(err, aggregates.ErrExists) {
		return nil
	}
	return err
}
