package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"

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

// The bounds of what one append of several callers' commands may hold, in commands and in bytes.
const (
	maxTogether      = 256
	maxTogetherBytes = 1 << 20
)

// The bounds of the states that are kept between two commands: streams, and facts in all of them.
const (
	maxKept      = 4096
	maxKeptFacts = 1 << 19
)

// Dispatcher carries out commands: the decider decides on the stream's folded state, and what comes of it is appended at
// the revision it was decided on. Commands of one stream stand in one queue, of which those that wait become one append;
// the state is kept from append to append. On a conflict, which is another process's append, it is loaded
// anew, and so it is where another process has appended the same facts already.
type Dispatcher struct {
	store      eventstore.Store
	aggregates map[string]aggregates.Aggregate

	mu sync.Mutex
	// lines are the queues of streams that have commands under way.
	lines map[string]*line
	// kept are the states of the others, and facts how many facts made them.
	kept  *simplelru.LRU[string, *loaded]
	facts int
}

// NewDispatcher builds a dispatcher. It panics where two aggregates share a category.
func NewDispatcher(store eventstore.Store, all []aggregates.Aggregate) *Dispatcher {
	d := &Dispatcher{store: store, aggregates: make(map[string]aggregates.Aggregate, len(all)), lines: make(map[string]*line)}
	for _, a := range all {
		if _, dup := d.aggregates[a.Category]; dup {
			panic("orchestrator: two aggregates of category " + a.Category)
		}
		d.aggregates[a.Category] = a
	}
	var err error
	d.kept, err = simplelru.NewLRU(maxKept, func(_ string, l *loaded) { d.facts -= len(l.ids) })
	if err != nil {
		panic("orchestrator: " + err.Error()) // the size is not positive
	}
	return d
}

// line is the queue of one stream. One of those who wait leads: it decides for all that wait by then, and hands on.
type line struct {
	waiting []*request
	led     bool
}

// request is what one caller wants done to a stream.
type request struct {
	ctx  context.Context
	cmds []commands.Command
	// lead is closed when the caller is to lead, done when its commands are decided and appended, or refused.
	lead, done chan struct{}
	receipt    commands.Receipt
	err        error
}

// Dispatch is a commands.Dispatch. A command whose facts are in the stream already is a repeat: it succeeds, and
// nothing is added.
func (d *Dispatcher) Dispatch(ctx context.Context, cmds ...commands.Command) (commands.Receipt, error) {
	if len(cmds) == 0 {
		return commands.Receipt{}, nil
	}
	aggregate, err := d.check(cmds)
	if err != nil {
		return commands.Receipt{}, err
	}
	if err := ctx.Err(); err != nil {
		return commands.Receipt{}, err
	}
	stream := cmds[0].Stream()
	r := &request{ctx: ctx, cmds: cmds, lead: make(chan struct{}), done: make(chan struct{})}
	d.mu.Lock()
	l := d.lines[stream]
	if l == nil {
		l = &line{}
		d.lines[stream] = l
	}
	l.waiting = append(l.waiting, r)
	if !l.led {
		l.led = true
		close(r.lead)
	}
	d.mu.Unlock()
	select {
	case <-r.done:
	case <-r.lead:
		d.leads(stream, l, aggregate)
		<-r.done
	}
	return r.receipt, r.err
}

// Would tells whether a command would be refused as things are. Nothing is done.
func (d *Dispatcher) Would(ctx context.Context, c commands.Command) error {
	cmds := []commands.Command{c}
	aggregate, err := d.check(cmds)
	if err != nil {
		return err
	}
	state, err := d.load(ctx, aggregate, c.Stream())
	if err != nil {
		return err
	}
	_, _, err = decide(state.instance, c.Stream(), cmds, func(id uuid.UUID) bool {
		_, done := state.ids[id]
		return done
	})
	return err
}

// leads decides for those who wait, the caller the first of them, and hands on to the next one.
func (d *Dispatcher) leads(stream string, l *line, aggregate aggregates.Aggregate) {
	d.mu.Lock()
	n := min(len(l.waiting), maxTogether)
	taken := l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	state, _ := d.kept.Peek(stream)
	if state != nil {
		d.kept.Remove(stream)
	}
	d.mu.Unlock()

	ctx, cancel := whileAnyWaits(taken)
	rest := d.carryOut(ctx, stream, aggregate, &state, taken)
	cancel()

	d.mu.Lock()
	l.waiting = append(rest, l.waiting...)
	if state != nil {
		d.facts += len(state.ids)
		d.kept.Add(stream, state)
		for d.facts > maxKeptFacts {
			d.kept.RemoveOldest()
		}
	}
	if len(l.waiting) > 0 {
		close(l.waiting[0].lead)
	} else {
		delete(d.lines, stream)
	}
	d.mu.Unlock()
	for _, r := range taken[:n-len(rest)] {
		close(r.done)
	}
}

// whileAnyWaits is a context that ends when none of the callers waits any more.
func whileAnyWaits(taken []*request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(taken[0].ctx))
	var mu sync.Mutex
	waiting := len(taken)
	stops := make([]func() bool, len(taken))
	for i, r := range taken {
		stops[i] = context.AfterFunc(r.ctx, func() {
			mu.Lock()
			defer mu.Unlock()
			if waiting--; waiting == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}

// carryOut decides the requests in their order, each on what those before it leave, and appends what comes of them as one.
// It returns those that there was no room for, and leaves the state behind, or nil where it is not known.
func (d *Dispatcher) carryOut(ctx context.Context, stream string, aggregate aggregates.Aggregate, state **loaded, taken []*request) (rest []*request) {
	var err error
	for try := range maxDecisions {
		switch {
		case *state != nil:
		case try == 0 && opens(taken[0].cmds[0]):
			*state = unread(aggregate)
		default:
			*state, err = d.load(ctx, aggregate, stream)
		}
		if err != nil {
			break
		}
		var round decisions
		round, rest = d.decideAll(*state, stream, taken)
		if round.refused || len(round.batch) == 0 {
			// A refusal, or a repeat, goes by all that there is.
			var more bool
			if more, err = d.refresh(ctx, aggregate, stream, *state); err != nil {
				break
			}
			if more {
				continue
			}
		}
		if len(round.batch) == 0 {
			return rest
		}
		var at eventstore.Appended
		at, err = d.store.Append(ctx, stream, (*state).expected, round.batch)
		if errors.Is(err, eventstore.ErrConflict) {
			*state, err = nil, nil
			continue
		}
		if err != nil {
			break
		}
		if at.Repeated || at.Revision != (*state).next()+uint64(len(round.batch))-1 {
			// Another process recorded the very same before, and maybe more: this state lacks what stands between.
			*state = nil
			continue
		}
		(*state).take(round, at)
		for _, r := range taken[:len(taken)-len(rest)] {
			if r.err == nil && r.receipt.Events > 0 {
				r.receipt.Revision += at.Revision + 1 - uint64(len(round.batch))
				r.receipt.Position = at.Position
			}
		}
		return rest
	}
	if err == nil {
		err = fmt.Errorf("dispatch to %s: %w", stream, ErrContended)
	}
	*state = nil
	for _, r := range taken {
		r.receipt, r.err = commands.Receipt{}, err
	}
	return nil
}

// decisions is what requests become, before it is appended.
type decisions struct {
	instance aggregates.Instance
	batch    []events.Envelope
	refused  bool
}

// decideAll decides requests until the append is full.
func (d *Dispatcher) decideAll(state *loaded, stream string, taken []*request) (round decisions, rest []*request) {
	round.instance = state.instance
	added := map[uuid.UUID]struct{}{}
	size := 0
	for n, r := range taken {
		if size > maxTogetherBytes {
			return round, taken[n:]
		}
		if r.receipt, r.err = (commands.Receipt{}), r.ctx.Err(); r.err != nil {
			continue
		}
		instance := round.instance.Clone()
		batch, repeated, err := decide(instance, stream, r.cmds, func(id uuid.UUID) bool {
			_, before := state.ids[id]
			_, now := added[id]
			return before || now
		})
		r.receipt = commands.Receipt{Stream: stream, Revision: state.revision, Position: state.position, Repeated: repeated}
		if r.err = err; err != nil {
			r.receipt, round.refused = commands.Receipt{}, true
			continue
		}
		if len(batch) == 0 {
			continue
		}
		round.instance, round.batch = instance, append(round.batch, batch...)
		// What the place in the batch is, until the append tells where that is.
		r.receipt.Revision, r.receipt.Events = uint64(len(round.batch)-1), len(batch)
		for _, e := range batch {
			added[e.ID] = struct{}{}
			size += len(e.Data)
		}
	}
	return round, nil
}

// decide lets an instance decide commands, each on what those before it leave.
func decide(instance aggregates.Instance, stream string, cmds []commands.Command, done func(uuid.UUID) bool) (batch []events.Envelope, repeated bool, err error) {
	repeats := 0
	for _, c := range cmds {
		m := c.About()
		if done(events.DeriveID(m.ID, 0)) {
			repeats++
			continue
		}
		// What one reaction decided stands or falls as one: two drivers can have had different answers to one turn.
		if repeats > 0 && m.Causation != uuid.Nil && m.Causation == cmds[0].About().Causation {
			repeats++
			continue
		}
		facts, err := instance.Decide(c)
		if err != nil {
			return nil, false, err
		}
		for i, fact := range facts {
			e, err := envelope(stream, m, i, fact)
			if err != nil {
				return nil, false, err
			}
			if err := instance.Evolve(fact); err != nil {
				return nil, false, err
			}
			batch = append(batch, e)
		}
	}
	return batch, repeats == len(cmds), nil
}

// submit is Dispatch that does not wait: what one caller submits to a chain, or without one, stands in the log in the order of
// the submissions. size is how many bytes of facts that are.
// The commands must be the only ones under way for their stream: a conflict is returned, not decided again.
func (d *Dispatcher) submit(ctx context.Context, chain *eventstore.Chain, cmds ...commands.Command) (wait func() (commands.Receipt, error), size int, err error) {
	aggregate, err := d.check(cmds)
	if err != nil {
		return nil, 0, err
	}
	stream := cmds[0].Stream()
	state, err := d.load(ctx, aggregate, stream)
	if err != nil {
		return nil, 0, err
	}
	batch, repeated, err := decide(state.instance, stream, cmds, func(id uuid.UUID) bool {
		_, done := state.ids[id]
		return done
	})
	if err != nil {
		return nil, 0, err
	}
	receipt := commands.Receipt{Stream: stream, Revision: state.revision, Position: state.position, Repeated: repeated}
	if len(batch) == 0 {
		return func() (commands.Receipt, error) { return receipt, nil }, 0, nil
	}
	for i := range batch {
		size += len(batch[i].Data)
	}
	submitted := d.store.Submit(ctx, chain, stream, state.expected, batch)
	return func() (commands.Receipt, error) {
		at, err := submitted()
		if err != nil {
			return commands.Receipt{}, err
		}
		receipt.Revision, receipt.Position, receipt.Repeated = at.Revision, at.Position, at.Repeated
		if !at.Repeated { // another import of it was faster
			receipt.Events = len(batch)
		}
		return receipt, nil
	}, size, nil
}

// check refuses what can't be one append, and finds the aggregate of the rest.
func (d *Dispatcher) check(cmds []commands.Command) (aggregates.Aggregate, error) {
	stream := cmds[0].Stream()
	for _, c := range cmds {
		if c.Stream() != stream {
			return aggregates.Aggregate{}, fmt.Errorf("dispatch: commands for %s and %s can't be one append", stream, c.Stream())
		}
		if m := c.About(); m.ID == uuid.Nil || m.At.IsZero() {
			return aggregates.Aggregate{}, fmt.Errorf("dispatch %T to %s: it has no id or no time", c, stream)
		} else if !events.ValidWorkspace(m.Workspace) {
			return aggregates.Aggregate{}, fmt.Errorf("%w: no workspace is called %q: up to %d bytes without ':' and line breaks", aggregates.ErrInvalid, m.Workspace, events.MaxWorkspace)
		}
	}
	aggregate, ok := d.aggregates[events.Category(stream)]
	if !ok {
		return aggregate, fmt.Errorf("dispatch %T: no aggregate has streams like %q", cmds[0], stream)
	}
	return aggregate, nil
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
