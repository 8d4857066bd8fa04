package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// Config is what an orchestrator works with. Store, Models, Dispatch and Runner must be set.
type Config struct {
	Store    eventstore.Store
	Models   *projections.Models
	Dispatch commands.Dispatch
	// Runner performs the turns. Model is what an agent without a model of its own uses.
	Runner agents.Runner
	Model  string
	// Lease is what Drive gave: the orchestrator does nothing without it from then on. Nil where no other process can drive.
	Lease *Lease
	// Clock tells the time, IDs makes ids. Default time.Now and UUIDv7.
	Clock Clock
	IDs   IDs
	// Lanes is how many runs are served at a time. Default 8.
	Lanes int
	// AnalyzeEvery is how often the analysts run, 0 for never. Analysts are those that do; default all of them.
	AnalyzeEvery time.Duration
	Analysts     []analysts.Runner
	// SealEvery is how long an event waits for a seal at most; where audit.SealAfter events wait, a tenth of it. Default 10
	// minutes, negative for never.
	SealEvery time.Duration
	// OnText hears the pieces of an answer as they come, for one who watches. It is called concurrently.
	OnText func(run, text string)
	// Log hears what an operator should know. Default: discarded.
	Log *slog.Logger
}

// Orchestrator drives live runs and keeps the read models up with the log.
type Orchestrator struct {
	c Config
}

// New builds an orchestrator. Nothing moves before Run.
func New(c Config) *Orchestrator {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.IDs == nil {
		c.IDs = NewID
	}
	if c.Lanes <= 0 {
		c.Lanes = 8
	}
	if c.SealEvery == 0 {
		c.SealEvery = 10 * time.Minute
	}
	if c.Analysts == nil {
		c.Analysts = analysts.All()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Dispatch = c.Lease.guard(c.Dispatch)
	return &Orchestrator{c: c}
}

// Run works until ctx is done and returns nil then, once everything it started has ended. It first takes up again
// what an earlier process left open. Only one process may run it on a store at a time: see Drive.
func (o *Orchestrator) Run(ctx context.Context) error {
	p := performer{
		store: o.c.Store, dispatch: patient(o.c.Dispatch, o.c.Log), runner: o.c.Runner, model: o.c.Model, clock: o.c.Clock, onText: o.c.OnText,
		lease:  o.c.Lease,
		budget: func(ctx context.Context) error { return checkBudgets(ctx, o.c.Models, o.c.Dispatch, o.c.Clock) },
	}
	work, err := newWork(o.c.Lanes, o.c.Log, p.perform, o.gaveUp)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return work.run(ctx) })
	// While the store is away the turns under way go on: the lease tells when another may drive.
	group.Go(func() error {
		return patiently(ctx, o.c.Log, "the read models", func() error { return replay.Pump(ctx, o.c.Store, o.c.Models, o.c.Lease.apply(o.c.Models)) })
	})
	group.Go(func() error {
		select {
		case <-work.running():
		case <-ctx.Done():
			return nil
		}
		err := patiently(ctx, o.c.Log, "the runs' manager", func() error { return o.manage(ctx, work) })
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
	if o.c.AnalyzeEvery > 0 {
		group.Go(func() error { return o.analyzeOnSchedule(ctx) })
	}
	if o.c.SealEvery > 0 {
		group.Go(func() error { return o.sealOnSchedule(ctx) })
	}
	return group.Wait()
}

// manage lets the run's manager react to the unsettled runs first, then to every new fact.
func (o *Orchestrator) manage(ctx context.Context, work *work) error {
	// The head is taken before those runs are looked up: a fact between the two is reacted to twice, which adds
	// nothing, and none is missed.
	head, err := o.c.Store.Head(ctx)
	if err != nil {
		return err
	}
	if err := replay.CatchUpBy(ctx, o.c.Store, o.c.Models, o.c.Lease.apply(o.c.Models), nil); err != nil {
		return err
	}
	m := managing{manager: runManager(), dispatch: o.c.Dispatch, wish: work.wish, log: o.c.Log, runs: map[string]followed{}}
	unsettled, err := o.unsettled(ctx)
	if err != nil {
		return err
	}
	for _, run := range unsettled {
		for e, err := range o.c.Store.ReadStream(ctx, commands.RunStream(run), eventstore.StreamOptions{}) {
			if err != nil {
				return err
			}
			if err := m.react(ctx, e); err != nil {
				return err
			}
		}
		o.c.Log.Info("took up a run", "run", run)
	}
	for message, err := range o.c.Store.Subscribe(ctx, head) {
		if err != nil {
			return err
		}
		if message.CaughtUp {
			continue
		}
		if err := m.react(ctx, message.Event); err != nil {
			return err
		}
	}
	return nil
}

// unsettled are the live runs to which the manager may not have reacted in full: those that are open, those that ended
// while their task did not, and those that were cancelled before there was a task. A driver may have died between a fact
// and the reaction to it, and people cancel runs while nobody drives.
func (o *Orchestrator) unsettled(ctx context.Context) (runs []string, err error) {
	tasks, err := o.c.Models.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(tasks))
	for _, t := range tasks {
		known[t.Task] = known[t.Task] || t.Status != ""
		if t.Status != events.TaskOpen && t.Status != events.TaskInProgress {
			continue
		}
		switch run, _, err := o.c.Models.Run(ctx, t.Task); {
		case errors.Is(err, projections.ErrNotFound): // a task of people's own
		case err != nil:
			return nil, err
		case run.Source == "" && run.Outcome != projections.Running:
			runs = append(runs, run.Run)
		}
	}
	for _, outcome := range []events.Outcome{projections.Running, events.Cancelled} {
		for run, err := range o.c.Models.Runs(ctx, projections.RunFilter{Outcome: outcome}) {
			if err != nil {
				return nil, err
			}
			if run.Source == "" && (outcome == projections.Running || !known[run.Run]) {
				runs = append(runs, run.Run)
			}
		}
	}
	return runs, nil
}

// gaveUp ends a run whose turn could not be performed.
func (o *Orchestrator) gaveUp(ctx context.Context, wish commands.PerformTurn, reason string) error {
	o.c.Log.Error("a turn failed for good", "run", wish.Run, "turn", wish.Turn, "reason", reason)
	_, err := patient(o.c.Dispatch, o.c.Log)(ctx, commands.FailRun{
		Meta: commands.Meta{
			ID: events.DeriveID(wish.ID, int(gaveUpSlot)), At: o.c.Clock(), Actor: "manager:run", Workspace: wish.Workspace,
			Correlation: wish.Run, Causation: wish.ID,
		},
		Run: wish.Run, Error: reason,
	})
	if errors.Is(err, aggregates.ErrEnded) {
		return nil
	}
	return err
}

// managing is the run's manager at work, with what it remembers of each live run.
type managing struct {
	manager  Manager[runProcess]
	dispatch commands.Dispatch
	wish     func(commands.PerformTurn) error
	log      *slog.Logger
	runs     map[string]followed
}

// followed is a live run, and up to where its stream was reacted to: the start looks at open runs and at the log's
// tail, and the two overlap.
type followed struct {
	process  runProcess
	revision uint64
}

func (m managing) react(ctx context.Context, e events.Envelope) error {
	if events.Category(e.Stream) != "run" {
		return nil
	}
	run, known := m.runs[e.Stream]
	if known && e.Revision <= run.revision {
		return nil
	}
	fact, err := events.Decode(e)
	if err != nil {
		// Nobody acts on a run whose history can't be read. It is taken up again by a start that can read it.
		m.log.Error("a live run is left alone", "run", e.Stream, "position", e.Position, "reason", err)
		m.runs[e.Stream] = followed{revision: math.MaxUint64}
		return nil
	}
	process, wishes := m.manager.React(run.process, e, fact)
	if process.live {
		m.runs[e.Stream] = followed{process: process, revision: e.Revision}
	} else {
		delete(m.runs, e.Stream)
	}
	for _, c := range wishes {
		if turn, ok := c.(commands.PerformTurn); ok {
			err = m.wish(turn)
		} else {
			_, err = m.dispatch(ctx, c)
		}
		switch {
		case errors.Is(err, aggregates.ErrExists), errors.Is(err, aggregates.ErrMissing), errors.Is(err, aggregates.ErrEnded):
			// History went on without this reaction, for example by a person who was quicker.
		case err != nil:
			return fmt.Errorf("manager %s, at position %d: %w", m.manager.Name, e.Position, err)
		}
	}
	return nil
}
