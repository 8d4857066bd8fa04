package orchestrator

import (
	"context"
	"errors"
	"github.com/virtuous6/virtuous6/projections"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/managers"
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
	// ModelOf is what agents without a model of their own use in place of Model, by their names.
	ModelOf map[string]string
	// Toolbox finds the tools of agents. Default: the runner's own ones alone.
	Toolbox Toolbox
	// Policies are those that Dispatch goes by. Default: the zero value's.
	Policies aggregates.Policies
	// ApproveWithin is how long a call of a tool waits for a person's approval before it is refused. Default 24 h.
	ApproveWithin time.Duration
	// Agents tells of the agents. It must be set.
	Agents Agents
	// Handlers do the work of a door that posts what runs come to, in as many places of their own as turns have. Without them nobody wants it done.
	Handlers []Handler
	// Reviewers is how many people are to judge a run that a door puts before them. Default 2.
	Reviewers int
	// Digest is when of a day a door posts what the day before came to. Default 07:00 UTC.
	Digest managers.Morning
	// Managers are those that run. Default all of them.
	Managers []managers.Member
	// EarlierBytes is how much of what was said in the earlier runs of its conversation a run sees. Default 32 KiB.
	EarlierBytes int
	// Holdback is the share of the runs, in permille, that stay on an agent as a person made it where improvements have changed
	// it since: what they did together is measured by those. Default 50, negative for none.
	Holdback int
	// HeldOut is the share of the runs, in permille, of an agent with known fixes that are told none of them. Default: 100. Less than 0
	// for none.
	HeldOut int
	// AllowUnpriced lets calls whose cost is not known through where a budget is set.
	AllowUnpriced bool
	// Lease is what Drive gave: the orchestrator does nothing without it from then on. Nil where no other process can drive.
	Lease *Lease
	// Seen is what this process has seen of the log, over all the leases that it gets: a log that lacks it was put back. Default
	// nothing yet.
	Seen *replay.Seen
	// Clock tells the time, IDs makes ids. Default time.Now and UUIDv7.
	Clock Clock
	IDs   IDs
	// Turns is how many turns are under way at a time. Default 64.
	Turns int
	// Pool bounds the calls to each model. Default one of as many calls as there are turns.
	Pool *Pool
	// Drain is how long calls under way may go on when the program is told to stop. Default 30 s, negative for not at all.
	Drain time.Duration
	// StallAfter is how long a turn or a tool may be under way without a new fact before its run is failed. Default 30 minutes.
	StallAfter time.Duration
	// RestAfter is how long nobody has asked or changed an agent before it is laid to rest; who asks it wakes it. Default 24 h, negative
	// for never.
	RestAfter time.Duration
	// LiveAgents is how many agents' configurations are kept in memory, those that were asked last. Default 50.
	LiveAgents int
	// Analysts are those that look, each at its own pace. Default none.
	Analysts []analysts.Runner
	// Roles are those that models have for the program itself, by the names of events.Roles: what analysts find is put before them. Default
	// none.
	Roles map[string]Role
	// Writer is the model that proposes edits of what agents are told, of which it is looked every WriterEvery whether it is to be asked. Default none.
	Writer      Role
	WriterEvery time.Duration
	// SealEvery is how long an event waits for a seal at most; where audit.SealAfter events wait, a tenth of it. Default 10
	// minutes, negative for never.
	SealEvery time.Duration
	// OnText hears the pieces of an answer as they come, for one who watches. It is called concurrently.
	OnText func(run, text string)
	// Log hears what an operator should know. Default: discarded.
	Log *slog.Logger

	// holder is this process, as reservations name it.
	holder string
}

// keptConversations is how many runs under way are kept in mind, and how many turns may wait for their model, for each turn that may
// be under way.
const keptConversations = 4

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
	if c.Turns <= 0 {
		c.Turns = 64
	}
	if c.Pool == nil {
		c.Pool = NewPool(PoolConfig{Most: c.Turns})
	}
	if c.Drain == 0 {
		c.Drain = 30 * time.Second
	}
	if c.LiveAgents <= 0 {
		c.LiveAgents = 50
	}
	if c.Holdback == 0 {
		c.Holdback = 50
	}
	if c.HeldOut == 0 {
		c.HeldOut = 100
	}
	if c.EarlierBytes == 0 {
		c.EarlierBytes = 32 << 10
	}
	c.holder = c.IDs().String()
	if c.Managers == nil {
		c.Managers = managers.All(managers.Config{Holder: c.holder, StallAfter: c.StallAfter, RestAfter: c.RestAfter, Does: c.does, Digest: c.Digest, Reviewers: c.Reviewers})
	}
	if c.Policies == nil {
		c.Policies = aggregates.Everywhere(aggregates.Policy{})
	}
	if c.ApproveWithin == 0 {
		c.ApproveWithin = 24 * time.Hour
	}
	if c.SealEvery == 0 {
		c.SealEvery = 10 * time.Minute
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Toolbox.Servers == nil {
		c.Toolbox.Own = c.Runner.Tools
	}
	c.Dispatch = c.Lease.guard(c.Dispatch)
	return &Orchestrator{c: c}
}

// does tells whether a handler is there for work of a kind.
func (c Config) does(w managers.Work) bool {
	return slices.ContainsFunc(c.Handlers, func(h Handler) bool { return h.kind == w.Kind() })
}

// Run works until ctx is done and returns nil then, once everything it started has ended: calls under way are waited for
// as long as Drain says. It first takes up again what an earlier process left open. Only one process may run it on a
// store at a time: see Drive.
func (o *Orchestrator) Run(ctx context.Context) error {
	dispatch := patient(o.c.Dispatch, o.c.Log)
	told := newOverheard(o.c.Models, o.c.Clock)
	p := &performer{
		store: o.c.Store, dispatch: dispatch, agents: o.c.Agents, caps: &caps{}, roster: newRoster(o.c.Store, o.c.Models), trials: newTrials(), forgotten: &forgotten{clock: o.c.Clock}, runner: o.c.Runner, toolbox: o.c.Toolbox, policies: o.c.Policies, approveWithin: o.c.ApproveWithin, model: o.c.Model, modelOf: o.c.ModelOf, holder: o.c.holder,
		allowUnpriced: o.c.AllowUnpriced, clock: o.c.Clock, onText: func(run, text string) {
			told.hear(run, text)
			if o.c.OnText != nil {
				o.c.OnText(run, text)
			}
		}, ended: told.end, lease: o.c.Lease, models: o.c.Models, earlierBytes: o.c.EarlierBytes, holdback: o.c.Holdback, heldOut: o.c.HeldOut,
		seen: newRecent[*conversation](keptConversations * o.c.Turns), pool: o.c.Pool, versions: newRecent[aggregates.Agent](o.c.LiveAgents),
	}
	plans := &planner{store: o.c.Store, dispatch: dispatch, agents: o.c.Agents, models: o.c.Models, clock: o.c.Clock, scripted: o.c.Model == events.ScriptedModel, trials: p.trials, holdback: o.c.Holdback}
	assigns := &assigner{planner: plans, roster: p.roster}
	triggers := Triggers{Start: Runs{Dispatch: dispatch, Agents: o.c.Agents, Models: o.c.Models, Tools: AssistantTools(o.c.Policies(""))}.Start, Dispatch: dispatch, Clock: o.c.Clock}
	desk := o.desk()
	writes := o.writer(dispatch, p.caps)
	work, err := newWork(o.c.Turns, o.c.Log, []Handler{
		Handle(p.perform, o.gaveUp), Handle(plans.perform, plans.gaveUp), Handle(assigns.perform, assigns.gaveUp), Handle(triggers.tick, triggers.gaveUp),
		Improvements{Store: o.c.Store, Dispatch: dispatch, Agents: o.c.Agents, Models: o.c.Models}.make(o.c.Log),
		Handle(answered(desk.answer, writes.take), desk.gaveUp(o.c.Log)),
	}, o.c.Handlers)
	if err != nil {
		return err
	}
	p.ending, p.lend = work.ending, work.lend
	// What is under way outlives ctx by the time that it is given.
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group, working := errgroup.WithContext(lasting)
	moving, stop := context.WithCancel(working)
	defer context.AfterFunc(ctx, stop)()
	group.Go(func() error { return work.run(working) })
	group.Go(func() error {
		<-moving.Done()
		drain := o.c.Drain
		if o.c.Lease.Check() != nil {
			drain = 0 // another process may drive by now
		}
		work.drain(drain)
		end()
		return nil
	})
	// While the store is away the turns under way go on: the lease tells when another may drive.
	group.Go(func() error {
		return patiently(working, o.c.Log, "the read models", func() error {
			return replay.Pump(working, o.c.Store, o.c.Models, o.c.Lease.apply(o.c.Models), o.c.Seen)
		})
	})
	group.Go(func() error {
		select {
		case <-work.running():
		case <-working.Done():
			return nil
		}
		err := o.manage(working, work, []heard{p.caps, p.roster, p.trials, p.forgotten}, p.forgotten.era, dispatch)
		if working.Err() != nil {
			return nil
		}
		return err
	})
	group.Go(func() error { told.run(working); return nil })
	if slices.ContainsFunc(o.c.Analysts, func(r analysts.Runner) bool { return r.Every > 0 }) {
		group.Go(func() error { return o.analyzeOnSchedule(moving) })
	}
	if o.c.Writer.Model != "" && o.c.WriterEvery > 0 {
		group.Go(func() error { return o.onSchedule(moving, events.Writer, o.c.WriterEvery, writes.look) })
	}
	if o.c.SealEvery > 0 {
		group.Go(func() error { return o.sealOnSchedule(moving) })
	}
	return group.Wait()
}

// manage runs the managers: what they want is done until ctx is done, and what they remember is saved.
func (o *Orchestrator) manage(ctx context.Context, work *work, heard []heard, era func() int, dispatch commands.Dispatch) error {
	var commanding sync.WaitGroup
	defer commanding.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := &processes{
		store: o.c.Store, models: o.c.Models, lease: o.c.Lease, work: work, heard: heard, era: era, clock: o.c.Clock, log: o.c.Log, after: commanding.Go, saving: make(chan struct{}, 1),
		dispatch: func(of context.Context, cmds ...commands.Command) (commands.Receipt, error) {
			// The end of the program is the end of every try.
			of, stop := context.WithCancel(of)
			defer stop()
			defer context.AfterFunc(ctx, stop)()
			return dispatch(of, cmds...)
		},
	}
	err := patiently(ctx, o.c.Log, "what the managers remember", func() error {
		p.manage = nil
		return p.open(ctx, o.c.Managers)
	})
	if err != nil {
		return err
	}
	p.begin()
	commanding.Go(func() { p.saveOnSchedule(ctx) })
	err = patiently(ctx, o.c.Log, "the managers", func() error { return p.follow(ctx) })
	stop()
	p.end()
	saving, done := context.WithTimeout(context.WithoutCancel(ctx), saveEvery)
	defer done()
	if serr := p.save(saving); serr != nil {
		o.c.Log.Debug("the managers' states were not saved: the next start folds them again", "error", serr)
	}
	return err
}

// gaveUp ends a run whose turn could not be performed.
func (o *Orchestrator) gaveUp(ctx context.Context, turn managers.Turn, reason string) error {
	o.c.Log.Error("a turn failed for good", "run", turn.Run, "turn", turn.Turn, "reason", reason)
	_, err := patient(o.c.Dispatch, o.c.Log)(ctx, commands.FailRun{
		Meta: commands.Meta{
			ID: events.DeriveID(turn.ID, int(gaveUpSlot)), At: o.c.Clock(), Actor: "manager:run", Workspace: turn.Workspace,
			Correlation: turn.Run, Causation: turn.ID,
		},
		Run: turn.Run, Error: reason,
	})
	if errors.Is(err, aggregates.ErrEnded) {
		return nil
	}
	return err
}
