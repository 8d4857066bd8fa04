package orchestrator

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// loaded is an aggregate as its stream left it.
type loaded struct {
	instance aggregates.Instance
	expected eventstore.Expected
	revision uint64
	position uint64
	ids      map[uuid.UUID]struct{}
}

// take goes on behind an append.
func (l *loaded) take(round decisions, at eventstore.Appended) {
	l.instance, l.revision, l.position, l.expected = round.instance, at.Revision, at.Position, eventstore.Exactly(at.Revision)
	for _, e := range round.batch {
		l.ids[e.ID] = struct{}{}
	}
}

// next is the revision that the stream's next fact has.
func (l *loaded) next() uint64 {
	if l.expected == eventstore.NoStream {
		return 0
	}
	return l.revision + 1
}

// unread is an aggregate before its first fact.
func unread(aggregate aggregates.Aggregate) *loaded {
	return &loaded{instance: aggregate.New(), expected: eventstore.NoStream, ids: map[uuid.UUID]struct{}{}}
}

// opens tells of a command that nearly always finds no stream: its append finds out where there is one, and to look first would
// be a question more on the path of every live run.
func opens(c commands.Command) bool {
	_, ok := c.(commands.StartRun)
	return ok
}

// load folds a stream. A stream that does not exist is an aggregate before its first fact.
func (d *Dispatcher) load(ctx context.Context, aggregate aggregates.Aggregate, stream string) (*loaded, error) {
	l := unread(aggregate)
	var options eventstore.StreamOptions
	if aggregate.Latest {
		options.Direction, options.Limit = eventstore.Backwards, 1
	}
	if err := d.read(ctx, stream, l, options); err != nil {
		return nil, err
	}
	return l, nil
}

// refresh folds what has been added behind a state, and tells whether there was anything.
func (d *Dispatcher) refresh(ctx context.Context, aggregate aggregates.Aggregate, stream string, l *loaded) (more bool, err error) {
	next := l.next()
	before := l.expected
	err = d.read(ctx, stream, l, eventstore.StreamOptions{From: &next})
	return l.expected != before, err
}

func (d *Dispatcher) read(ctx context.Context, stream string, l *loaded, options eventstore.StreamOptions) error {
	for e, err := range d.store.ReadStream(ctx, stream, options) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return nil
		}
		var fact events.Event
		if err == nil {
			fact, err = events.Decode(e)
		}
		if err == nil {
			err = l.instance.Evolve(fact)
		}
		if err != nil {
			return fmt.Errorf("load %s: %w", stream, err)
		}
		l.ids[e.ID] = struct{}{}
		l.revision, l.position, l.expected = e.Revision, e.Position, eventstore.Exactly(e.Revision)
	}
	return nil
}

// Experiment folds an experiment. It returns aggregates.ErrMissing where none was planned.
func (d *Dispatcher) Experiment(ctx context.Context, workspace, experiment string) (aggregates.Experiment, error) {
	l := &loaded{instance: d.aggregates["experiment"].New(), ids: map[uuid.UUID]struct{}{}}
	stream := commands.ExperimentStream(workspace, experiment)
	if err := d.read(ctx, stream, l, eventstore.StreamOptions{}); err != nil {
		return aggregates.Experiment{}, err
	}
	found := l.instance.State().(aggregates.Experiment) //nolint:forcetypeassert // it is what the aggregate of experiments holds
	if found.Experiment == "" {
		return found, fmt.Errorf("%s: %w", stream, aggregates.ErrMissing)
	}
	return found, nil
}

// Runbook folds a runbook. The zero value is one that nobody saved.
func (d *Dispatcher) Runbook(ctx context.Context, workspace, name string) (aggregates.Runbook, error) {
	l, err := d.load(ctx, d.aggregates["runbook"], commands.RunbookStream(workspace, name))
	if err != nil {
		return aggregates.Runbook{}, err
	}
	return l.instance.State().(aggregates.Runbook), nil //nolint:forcetypeassert // it is what the aggregate of runbooks holds
}

// Loop folds a workspace's loop of improvements. The zero value is one that nobody ever paused.
func (d *Dispatcher) Loop(ctx context.Context, workspace string) (aggregates.Loop, error) {
	l, err := d.load(ctx, d.aggregates["loop"], commands.LoopStream(workspace))
	if err != nil {
		return aggregates.Loop{}, err
	}
	return l.instance.State().(aggregates.Loop), nil //nolint:forcetypeassert // it is what the aggregate of loops holds
}

// Tool folds a tool of an MCP server. The zero value is one that nobody has seen.
func (d *Dispatcher) Tool(ctx context.Context, workspace, tool string) (aggregates.Tool, error) {
	l := &loaded{instance: d.aggregates["tool"].New(), ids: map[uuid.UUID]struct{}{}}
	if err := d.read(ctx, commands.ToolStream(workspace, tool), l, eventstore.StreamOptions{}); err != nil {
		return aggregates.Tool{}, err
	}
	return l.instance.State().(aggregates.Tool), nil //nolint:forcetypeassert // it is what the aggregate of tools holds
}

// Trigger folds a trigger. The zero value is one that nobody has set, or that is removed.
func (d *Dispatcher) Trigger(ctx context.Context, workspace, name string) (aggregates.Trigger, error) {
	l, err := d.load(ctx, d.aggregates["trigger"], commands.TriggerStream(workspace, name))
	if err != nil {
		return aggregates.Trigger{}, err
	}
	return l.instance.State().(aggregates.Trigger), nil //nolint:forcetypeassert // it is what the aggregate of triggers holds
}

// Agent folds an agent, and tells the revision that it is at.
func (d *Dispatcher) Agent(ctx context.Context, workspace, name string) (aggregates.Agent, uint64, error) {
	return d.agentAt(ctx, workspace, name, eventstore.StreamOptions{})
}

// AgentAt is an agent as it was at a revision of its stream.
func (d *Dispatcher) AgentAt(ctx context.Context, workspace, name string, revision uint64) (aggregates.Agent, error) {
	agent, _, err := d.agentAt(ctx, workspace, name, eventstore.StreamOptions{Limit: int(revision) + 1}) //nolint:gosec // no agent has 2^63 versions
	return agent, err
}

func (d *Dispatcher) agentAt(ctx context.Context, workspace, name string, o eventstore.StreamOptions) (aggregates.Agent, uint64, error) {
	l := &loaded{instance: d.aggregates["agent"].New(), ids: map[uuid.UUID]struct{}{}}
	if err := d.read(ctx, commands.AgentStream(workspace, name), l, o); err != nil {
		return aggregates.Agent{}, 0, err
	}
	return l.instance.State().(aggregates.Agent), l.revision, nil //nolint:forcetypeassert // it is what the aggregate of agents holds
}
