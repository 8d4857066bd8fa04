// Package orchestrator is the only moving part: it carries out commands, pumps facts into the read models, lets
// process managers react, runs the analysts, and replays history.
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
	"github.com/virtuous6/virtuous6/redact"
)

// ErrContended tells that a stream changed under a command again and again. The command was not carried out.
var ErrContended = errors.New("the stream keeps changing; try again")

// maxDecisions bounds how often a command is decided anew after a conflict.
const maxDecisions = 64

// Dispatcher carries out commands: it loads and folds the stream, lets the decider decide, and appends what comes of
// it at the revision it was decided on. On a conflict it decides again on what is there then.
type Dispatcher struct {
	store      eventstore.Store
	aggregates map[string]aggregates.Aggregate
}

// NewDispatcher builds a dispatcher. It panics where two aggregates share a category.
func NewDispatcher(store eventstore.Store, all []aggregates.Aggregate) *Dispatcher {
	d := &Dispatcher{store: store, aggregates: make(map[string]aggregates.Aggregate, len(all))}
	for _, a := range all {
		if _, dup := d.aggregates[a.Category]; dup {
			panic("orchestrator: two aggregates of category " + a.Category)
		}
		d.aggregates[a.Category] = a
	}
	return d
}

// Dispatch is a commands.Dispatch. A command whose facts are in the stream already is a repeat: it succeeds, and
// nothing is added.
func (d *Dispatcher) Dispatch(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
	if len(cmds) == 0 {
		return commands.Receipt{}, nil
	}
	for range maxDecisions {
		decided, err := d.decide(ctx, cmds)
		if err != nil || len(decided.batch) == 0 {
			return decided.receipt, err
		}
		at, err := d.store.Append(ctx, decided.receipt.Stream, decided.expected, decided.batch)
		if errors.Is(err, eventstore.ErrConflict) {
			continue
		}
		return decided.appended(at, err)
	}
	return commands.Receipt{}, fmt.Errorf("dispatch %T to %s: %w", cmds[0], cmds[0].Stream(), ErrContended)
}

// submit is Dispatch that does not wait: what one caller submits stands in the log in the order of the submissions.
// The commands must be the only ones under way for their stream: a conflict is returned, not decided again.
func (d *Dispatcher) submit(ctx context.Context, cmds ...commands.Command) (wait func() (commands.Receipt, error), err error) {
	decided, err := d.decide(ctx, cmds)
	if err != nil {
		return nil, err
	}
	if len(decided.batch) == 0 {
		return func() (commands.Receipt, error) { return decided.receipt, nil }, nil
	}
	submitted := d.store.Submit(ctx, nil, decided.receipt.Stream, decided.expected, decided.batch)
	return func() (commands.Receipt, error) { return decided.appended(submitted()) }, nil
}

// decided is what commands become, before it is appended.
type decided struct {
	receipt  commands.Receipt
	expected eventstore.Expected
	batch    []events.Envelope
}

func (d decided) appended(at eventstore.Appended, err error) (commands.Receipt, error) {
	if err != nil {
		return commands.Receipt{}, err
	}
	d.receipt.Revision, d.receipt.Position, d.receipt.Events = at.Revision, at.Position, len(d.batch)
	return d.receipt, nil
}

func (d *Dispatcher) decide(ctx context.Context, cmds []commands.Command) (decided, error) {
	stream := cmds[0].Stream()
	for _, c := range cmds {
		if c.Stream() != stream {
			return decided{}, fmt.Errorf("dispatch: commands for %s and %s can't be one append", stream, c.Stream())
		}
		if m := c.About(); m.ID == uuid.Nil || m.At.IsZero() {
			return decided{}, fmt.Errorf("dispatch %T to %s: it has no id or no time", c, stream)
		}
	}
	aggregate, ok := d.aggregates[events.Category(stream)]
	if !ok {
		return decided{}, fmt.Errorf("dispatch %T: no aggregate has streams like %q", cmds[0], stream)
	}
	loaded, err := d.load(ctx, aggregate, stream)
	if err != nil {
		return decided{}, fmt.Errorf("load %s: %w", stream, err)
	}
	out := decided{expected: loaded.expected, batch: make([]events.Envelope, 0, len(cmds))}
	repeats := 0
	for _, c := range cmds {
		m := c.About()
		if _, done := loaded.ids[events.DeriveID(m.ID, 0)]; done {
			repeats++
			continue
		}
		// What one reaction decided stands or falls as one: two drivers can have had different answers to one turn.
		if repeats > 0 && m.Causation != uuid.Nil && m.Causation == cmds[0].About().Causation {
			repeats++
			continue
		}
		facts, err := loaded.instance.Decide(c)
		if err != nil {
			return decided{}, err
		}
		for i, fact := range facts {
			e, err := envelope(stream, m, i, fact)
			if err != nil {
				return decided{}, err
			}
			if err := loaded.instance.Evolve(fact); err != nil {
				return decided{}, err
			}
			out.batch = append(out.batch, e)
		}
	}
	out.receipt = commands.Receipt{Stream: stream, Revision: loaded.revision, Position: loaded.position, Repeated: repeats == len(cmds)}
	return out, nil
}

// loaded is an aggregate as its stream left it.
type loaded struct {
	instance aggregates.Instance
	expected eventstore.Expected
	revision uint64
	position uint64
	ids      map[uuid.UUID]struct{}
}

func (d *Dispatcher) load(ctx context.Context, aggregate aggregates.Aggregate, stream string) (loaded, error) {
	l := loaded{instance: aggregate.New(), expected: eventstore.NoStream}
	var options eventstore.StreamOptions
	if aggregate.Latest {
		options.Direction, options.Limit = eventstore.Backwards, 1
	}
	for e, err := range d.store.ReadStream(ctx, stream, options) {
		if errors.Is(err, eventstore.ErrNoStream) {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		fact, err := events.Decode(e)
		if err != nil {
			return l, err
		}
		if err := l.instance.Evolve(fact); err != nil {
			return l, err
		}
		if l.ids == nil {
			l.ids = map[uuid.UUID]struct{}{}
		}
		l.ids[e.ID] = struct{}{}
		l.revision, l.position, l.expected = e.Revision, e.Position, eventstore.Exactly(e.Revision)
	}
	return l, nil
}

func envelope(stream string, m commands.Meta, index int, fact events.Event) (events.Envelope, error) {
	kind, version, data, err := events.Encode(fact)
	if err != nil {
		return events.Envelope{}, err
	}
	causation := m.Causation
	if causation == uuid.Nil {
		causation = m.ID
	}
	return safe(redact.Envelope(events.Envelope{
		ID: events.DeriveID(m.ID, index), Stream: stream, Kind: kind, Version: version, OccurredAt: m.At.UTC().Round(0),
		Causation: causation, Correlation: m.Correlation, Actor: m.Actor, Workspace: m.Workspace, Data: data,
	}))
}

// safe makes a refusal of what a decider let pass the same as the decider's own.
func safe(e events.Envelope, err error) (events.Envelope, error) {
	if err != nil {
		return events.Envelope{}, fmt.Errorf("%w: %w", aggregates.ErrInvalid, err)
	}
	return e, nil
}
