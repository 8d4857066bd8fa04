package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// verb is what an operation asks of a store.
type verb int

const (
	appending verb = iota
	readingStream
	readingLog
	following // a subscription up to its first mark
	heading
)

// question is an operation as it was put to a store.
type question struct {
	verb     verb
	stream   string // of appending and readingStream
	expected eventstore.Expected
	batch    []events.Envelope
	within   eventstore.StreamOptions // of readingStream
	log      eventstore.ReadOptions   // of readingLog; following uses From
}

// reply is what the store answered. Of an operation whose reply was lost nothing but that is known.
type reply struct {
	lost     bool
	appended eventstore.Appended
	conflict *eventstore.ConflictError
	read     []events.Envelope
	absent   bool   // ErrNoStream
	head     uint64 // of heading, and the mark of following
}

// putTo asks a store. It returns an error for all that is no answer of the contract.
func (q question) putTo(ctx context.Context, store eventstore.Store) (r reply, err error) {
	switch q.verb {
	case appending:
		r.appended, err = store.Append(ctx, q.stream, q.expected, q.batch)
		if errors.As(err, &r.conflict) {
			err = nil
		}
	case readingStream:
		for e, failed := range store.ReadStream(ctx, q.stream, q.within) {
			if errors.Is(failed, eventstore.ErrNoStream) {
				return reply{absent: true}, nil
			}
			if err = failed; err == nil {
				r.read = append(r.read, e)
			}
		}
	case readingLog:
		for e, failed := range store.ReadAll(ctx, q.log) {
			if err = failed; err == nil {
				r.read = append(r.read, e)
			}
		}
	case following:
		for m, failed := range store.Subscribe(ctx, q.log.From) {
			if err = failed; err != nil {
				break
			}
			if m.CaughtUp {
				r.head = m.Position
				break
			}
			r.read = append(r.read, m.Event)
		}
	case heading:
		r.head, err = store.Head(ctx)
	}
	return r, err
}

// history is what clients asked of one log, what they were told, and what came before what.
type history struct {
	// clock counts calls and returns. An operation that returned before another was called has the smaller numbers.
	clock      atomic.Int64
	mu         sync.Mutex
	operations []porcupine.Operation
}

// ask puts a question and records it. An append that failed as the caller allows counts as one whose reply was lost, a
// read that did tells nothing and is left out.
func (h *history) ask(ctx context.Context, client int, store eventstore.Store, q question, allowed ...error) (reply, error) {
	called := h.clock.Add(1)
	r, err := q.putTo(ctx, store)
	returned := h.clock.Add(1)
	if err != nil {
		if !slices.ContainsFunc(allowed, func(a error) bool { return errors.Is(err, a) }) {
			return r, err
		}
		if r = (reply{lost: true}); q.verb != appending {
			return r, nil
		}
	}
	h.add(porcupine.Operation{ClientId: client, Input: q, Call: called, Output: r, Return: returned})
	return r, nil
}

func (h *history) add(o porcupine.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, o)
}

// close has each store tell all that it knows, as the last operations, once every client has ended.
func (h *history) close(ctx context.Context, stores []eventstore.Store) error {
	for i, store := range stores {
		questions := []question{{verb: heading}, {verb: following}, {verb: readingLog, log: eventstore.ReadOptions{Direction: eventstore.Backwards}}}
		for _, name := range streams {
			questions = append(questions, question{verb: readingStream, stream: name})
		}
		for _, q := range append(questions, question{verb: readingLog}) {
			if _, err := h.ask(ctx, i, store, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// check tells whether the history is one that the contract allows: every operation took effect at one moment between
// its call and its return, and the log shows the appends in the order of those moments. An append whose reply was lost
// is looked for by its event ids: found, it took effect at any time after its call; else never.
//
// The log as it is read at the end tells the order, so that only the moments are left to find. They are looked for
// stream by stream, and once more for all that concerns the whole log: an engine may show an append in its stream and
// in the log at two moments, as long as both lie before it is acknowledged.
//
// dir is where a drawing of the history goes that breaks the contract.
func (h *history) check(dir func() string) error {
	log := h.operations[len(h.operations)-1].Output.(reply).read
	if err := ordered(log); err != nil {
		return err
	}
	found := make(map[uuid.UUID]bool, len(log))
	for _, e := range log {
		found[e.ID] = true
	}
	end, lost := h.clock.Add(1), 0
	parts := make(map[string][]porcupine.Operation)
	for _, o := range h.operations {
		q, r := o.Input.(question), o.Output.(reply)
		if r.lost {
			if !slices.ContainsFunc(q.batch, func(e events.Envelope) bool { return found[e.ID] }) {
				continue
			}
			// A line of its own in the drawing: the client went on.
			o.Return, o.ClientId = end, historyClients+lost
			lost++
		}
		if q.stream != "" {
			parts[q.stream] = append(parts[q.stream], o)
		}
		if q.verb != readingStream && r.conflict == nil {
			parts[""] = append(parts[""], o)
		}
	}
	var errs []error
	for _, name := range append([]string{""}, streams...) {
		of := log
		if name != "" {
			of = cut(log, eventstore.Forwards, 0, func(e events.Envelope) bool { return e.Stream == name })
		}
		errs = append(errs, search(name, contract(of), parts[name], dir))
	}
	return errors.Join(errs...)
}

func search(name string, m porcupine.Model, part []porcupine.Operation, dir func() string) error {
	result := porcupine.CheckOperationsTimeout(m, part, patience)
	if result == porcupine.Ok {
		return nil
	}
	if name == "" {
		name = "the log"
	}
	if result == porcupine.Unknown {
		return fmt.Errorf("%s: whether its %d operations are linearizable could not be told within %s", name, len(part), patience)
	}
	_, info := porcupine.CheckOperationsVerbose(m, part, 5*time.Second)
	path := filepath.Join(dir(), "history of "+name+".html")
	if err := porcupine.VisualizePath(m, info, path); err != nil {
		return err
	}
	return fmt.Errorf("%s: its %d operations are not linearizable, see %s (kept with go test -artifacts)\n%s", name, len(part), path, stuck(m, part, info))
}

// stuck describes the first operation that the search found no moment for.
func stuck(m porcupine.Model, part []porcupine.Operation, info porcupine.LinearizationInfo) string {
	placed := make(map[int64]bool)
	for _, found := range info.PartialLinearizationsOperations() {
		for _, partial := range found {
			for _, o := range partial {
				placed[o.Call] = true
			}
		}
	}
	for _, o := range part {
		if !placed[o.Call] {
			return fmt.Sprintf("no moment from %d to %d fits client %d's %s", o.Call, o.Return, o.ClientId, m.DescribeOperation(o.Input, o.Output))
		}
	}
	return "each of them fits somewhere, but not all together"
}
