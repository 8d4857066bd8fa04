package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/agents/mcptool"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
	"github.com/virtuous6/virtuous6/veil"
)

// app is one command line at work: what it was told, and what it opened.
type app struct {
	in       io.Reader
	out, err io.Writer
	flags    *verbs
	config   config
	world    World
	clock    orchestrator.Clock
	ids      orchestrator.IDs

	// store is the log as the program sees it, which is what veil is, with the keys in keys.
	store      eventstore.Store
	veil       *veil.Store
	keys       veil.Keys
	models     *projections.Models
	dispatches *orchestrator.Dispatcher
	seen       replay.Seen
	servers    *mcptool.Servers
	pool       *orchestrator.Pool
	// closers are called at the end, the last one first.
	closers []func() error
}

// read is readAll, with a note of what is left out.
func (a *app) read(ctx context.Context) (projections.Reader, error) {
	reader, err := a.readAll(ctx)
	if err != nil {
		return nil, err
	}
	return reader, a.noteParked(ctx, reader)
}

// readAll opens a store that must be there, brings the read models up to date, and returns their reader.
func (a *app) readAll(ctx context.Context) (projections.Reader, error) {
	if err := a.openExisting(ctx); err != nil {
		return nil, err
	}
	if err := a.catchUp(ctx); err != nil {
		return nil, err
	}
	return a.own(), nil
}

// own reads the read models of the workspace that is meant.
func (a *app) own() projections.Reader { return a.models.In(a.flags.Workspace) }

// beside opens a store that must be there, for what folds its log once more, into read models that are thrown away. head
// is the log's end.
func (a *app) beside(ctx context.Context) (scratch *projections.Models, head uint64, err error) {
	if err := a.openStore(ctx, true); err != nil {
		return nil, 0, err
	}
	if scratch, err = a.scratchModels(ctx); err != nil {
		return nil, 0, err
	}
	head, err = a.store.Head(ctx)
	return scratch, head, err
}

// fewBehind is how many events are folded so fast that a bar would only flicker.
const fewBehind = 2000

// catchUp folds what the read models have not seen yet, with a progress bar where that takes a while.
func (a *app) catchUp(ctx context.Context) error {
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	from, err := a.models.Position(ctx)
	if err != nil && !errors.Is(err, readmodel.ErrOutdated) {
		return err
	}
	bar := &bar{}
	if behind := head - min(from, head); behind > fewBehind {
		bar = a.progress("read models", int64(behind), "events")
	}
	defer bar.done()
	return replay.CatchUp(ctx, a.store, a.models, func(at uint64) { bar.set(int64(at - min(from, at))) })
}

// dispatcher is the one of this process: it keeps what it folded.
func (a *app) dispatcher() *orchestrator.Dispatcher {
	if a.dispatches == nil {
		a.dispatches = orchestrator.NewDispatcher(a.store, aggregates.All(aggregates.Everywhere(a.config.Policy.policy())))
	}
	return a.dispatches
}

// runs starts, follows and cancels live runs.
func (a *app) runs() orchestrator.Runs {
	d, tools := a.dispatcher(), orchestrator.AssistantTools(a.config.Policy.policy())
	return orchestrator.Runs{Store: a.store, Dispatch: d.Dispatch, Agents: d, Models: a.models, Tools: tools}
}

// ready notes what live runs go by: the policy, where it differs from what was noted last, and the assistant.
func (a *app) ready(ctx context.Context) error {
	policy := commands.SetPolicy{Meta: a.meta(""), Policy: a.config.Policy.policy().Fact()}
	if _, err := a.dispatcher().Dispatch(ctx, policy); err != nil {
		return err
	}
	return a.runs().Prepare(ctx, a.meta(""))
}

// driving is how this process drives live runs under a lease.
func (a *app) driving(runner agents.Runner, model string, box orchestrator.Toolbox, lease *orchestrator.Lease) orchestrator.Config {
	return orchestrator.Config{
		Toolbox: box, Policies: aggregates.Everywhere(a.config.Policy.policy()), ApproveWithin: a.config.Policy.ApproveWithin, Store: a.store, Models: a.models, Dispatch: a.dispatcher().Dispatch, Agents: a.dispatcher(), Runner: runner, Model: model, ModelOf: map[string]string{orchestrator.Planner: a.config.PlannerModel, orchestrator.Assigner: a.config.AssignerModel}, Lease: lease, Seen: &a.seen,
		Clock: a.clock, IDs: a.ids, Turns: a.config.Turns, Pool: a.pool, Drain: a.config.Drain, StallAfter: a.config.StallAfter,
		RestAfter: a.config.RestAfter, LiveAgents: a.config.LiveAgents, EarlierBytes: 4 * a.config.ConversationTokens, // a token is about four bytes
		AllowUnpriced: a.config.Unpriced == "allow", Holdback: shareOr(a.config.Policy.HoldbackPermille), HeldOut: shareOr(a.config.Policy.HeldOutPermille),
	}
}

// meta is what a command of the one at the terminal carries.
func (a *app) meta(run string) commands.Meta {
	return commands.Meta{ID: a.ids(), At: a.clock(), Actor: "user:" + a.config.user(), Correlation: run, Workspace: a.flags.Workspace}
}

func (a *app) close() error {
	var err error
	for _, f := range slices.Backward(a.closers) {
		err = errors.Join(err, f())
	}
	a.closers = nil
	if a.models != nil {
		err = errors.Join(err, a.models.Close())
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	if a.keys != nil {
		err = errors.Join(err, a.keys.Close())
	}
	a.models, a.store, a.keys = nil, nil, nil
	return err
}

// json prints one value to standard output.
func (a *app) json(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// note tells something on standard error that is not part of the result.
func (a *app) note(format string, args ...any) {
	if !a.flags.Quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}
