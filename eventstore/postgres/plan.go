package postgres

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// tail is where a stream ends. The zero value is a stream that does not exist: positions count from 1.
type tail struct {
	revision int64
	position int64
}

func (t tail) expected() eventstore.Expected {
	if t.position == 0 {
		return eventstore.NoStream
	}
	return eventstore.Expected(t.revision)
}

func (t tail) appended() eventstore.Appended {
	return eventstore.Appended{Revision: uint64(t.revision), Position: uint64(t.position)}
}

// place is where an event stands.
type place struct {
	stream string
	tail
}

// row is an event that is to be stored.
type row struct {
	event    *events.Envelope
	stream   string
	revision int64
}

// weight is about how many bytes an event takes on its way to the server.
func weight(e *events.Envelope) int {
	const fixed = 120 // numbers, ids, lengths, and most streams' names
	return fixed + len(e.Data) + len(e.Kind) + len(e.Correlation) + len(e.Actor) + len(e.Workspace)
}

// plan decides what a group of requests comes to, one after the other, on what is known of the log. It changes nothing
// but the plan, so that it can be thrown away.
type plan struct {
	// head is the log's last position before this plan. The i-th row gets position head+1+i.
	head int64
	// known are the ends of streams in the log, as far as the writer remembers them; tails those of this plan's own.
	known, tails map[string]tail
	// standing are the ids that stand in the log, as far as they were asked for, and those of this plan's rows.
	standing map[uuid.UUID]place
	rows     []row
	size     int // bytes of data in rows
	// fresh are the streams that were taken to be new because nothing is known of them.
	fresh []string
}

// keptIDs is how large a map is used again: a larger one takes longer to clear than to make.
const keptIDs = 1024

func (p *plan) reset(head int64, known map[string]tail) {
	if len(p.standing) > keptIDs || len(p.tails) > keptIDs {
		p.standing, p.tails = nil, nil
	}
	clear(p.tails)
	clear(p.standing)
	clear(p.rows)
	clear(p.fresh)
	*p = plan{head: head, known: known, tails: p.tails, standing: p.standing, rows: p.rows[:0], fresh: p.fresh[:0]}
	if p.tails == nil {
		p.tails, p.standing = make(map[string]tail), make(map[uuid.UUID]place)
	}
}

// end is where a stream ends once the rows so far are stored.
func (p *plan) end(stream string) (t tail, known bool) {
	if t, known = p.tails[stream]; !known {
		t, known = p.known[stream]
	}
	return t, known
}

// decide answers one request. It is refused with an error of its own, which leaves no trace in the plan.
func (p *plan) decide(r *eventstore.Request) (eventstore.Appended, error) {
	end, known := p.end(r.Stream)
	conflict := func() error {
		return &eventstore.ConflictError{Stream: r.Stream, Expected: r.Expected, Actual: end.expected()}
	}
	switch last, count, err := p.repeated(r); {
	case err != nil:
		return eventstore.Appended{}, err
	case count > 0 && last.position > 0:
		a := last.appended()
		a.Repeated = true
		return a, nil
	case count > 0, !r.Expected.Holds(end.expected()):
		return eventstore.Appended{}, conflict()
	case len(r.Batch) == 0:
		return end.appended(), nil
	}
	if !known {
		p.fresh = append(p.fresh, r.Stream)
	}
	if end.position == 0 {
		end.revision = -1
	}
	for i := range r.Batch {
		end.revision++
		end.position = p.head + 1 + int64(len(p.rows))
		p.rows = append(p.rows, row{event: &r.Batch[i], stream: r.Stream, revision: end.revision})
		p.size += len(r.Batch[i].Data)
		p.standing[r.Batch[i].ID] = place{stream: r.Stream, tail: end}
	}
	p.tails[r.Stream] = end
	return end.appended(), nil
}

// repeated counts the events of a request that stand already. It returns where the last of them stands if all of them
// do, in the stream and in its order.
func (p *plan) repeated(r *eventstore.Request) (last tail, count int, err error) {
	ordered := true
	for i := range r.Batch {
		at, ok := p.standing[r.Batch[i].ID]
		if !ok {
			continue
		}
		if at.stream != r.Stream {
			return tail{}, 0, fmt.Errorf("%w: append to %s: event %s stands in %s already", eventstore.ErrTaken, r.Stream, r.Batch[i].ID, at.stream)
		}
		ordered = ordered && (count == 0 || last.revision < at.revision)
		last, count = at.tail, count+1
	}
	if count < len(r.Batch) || !ordered {
		last = tail{}
	}
	return last, count, nil
}
