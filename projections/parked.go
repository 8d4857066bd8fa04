package projections

import (
	"errors"
	"fmt"

	"github.com/virtuous6/virtuous6/events"
)

// Everything is the projection of a parked stream whose fact can't be decoded: it is parked for all of them.
const Everything = "all"

type parkedKey struct{ projection, stream string }

var parkedTable = of("parked_streams", spec[parkedKey, ParkedRow]{
	key:   func(r *ParkedRow) parkedKey { return parkedKey{r.Projection, r.Stream} },
	fresh: func(k parkedKey) ParkedRow { return ParkedRow{Projection: k.projection, Stream: k.stream} },
	weigh: func(r *ParkedRow) int { return len(r.Stream) + len(r.Reason) },
	columns: []column[ParkedRow]{
		key(symbol("projection", func(r *ParkedRow) *string { return &r.Projection })),
		key(text("stream", func(r *ParkedRow) *string { return &r.Stream })),
		integer("position", func(r *ParkedRow) *uint64 { return &r.Position }),
		symbol("kind", func(r *ParkedRow) *string { return &r.Kind }),
		integer("version", func(r *ParkedRow) *int64 { return &r.Version }),
		integer("waiting", func(r *ParkedRow) *int64 { return &r.Waiting }),
		integer("last_position", func(r *ParkedRow) *uint64 { return &r.LastPosition }),
		text("reason", func(r *ParkedRow) *string { return &r.Reason }),
	},
})

// everything is the bit of Everything in a set of projections. The others have that of their place.
const everything = 1 << 63

// parking is the working set of parked_streams, and the parked streams by name. All of them are kept in memory, some
// hundred bytes each: every fact asks for its stream.
type parking struct {
	*cache[parkedKey, ParkedRow]
	streams map[string]uint64
	members []projection
}

func newParking(members []projection) *parking {
	return &parking{cache: newCache(parkedTable, 0), members: members}
}

func (p *parking) reset(from Scanner, complete bool) {
	p.cache.reset(from, complete)
	p.streams = nil
	if complete {
		p.streams = make(map[string]uint64)
	}
}

// of is the set of projections that a stream is parked for.
func (p *parking) of(stream string) (uint64, error) {
	if p.streams == nil {
		if err := p.load(); err != nil {
			return 0, err
		}
	}
	if len(p.streams) == 0 {
		return 0, nil
	}
	return p.streams[stream], nil
}

func (p *parking) load() error {
	streams := make(map[string]uint64)
	q := Query{Table: &parkedTable.Table}
	err := scan(p.from, parkedTable, &q, func(row *ParkedRow) error {
		streams[row.Stream] |= p.bit(row.Projection)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load the parked streams: %w", err)
	}
	p.streams = streams
	return nil
}

// bit is the bit of a projection's name. That of one which is gone is none.
func (p *parking) bit(name string) uint64 {
	if name == Everything {
		return everything
	}
	for i := range p.members {
		if p.members[i].name == name {
			return 1 << i
		}
	}
	return 0
}

// park parks a fact's stream for a projection.
func (p *parking) park(f *fact, projection string, reason error) error {
	row, err := p.row(parkedKey{projection, f.Envelope.Stream})
	if err != nil {
		return err
	}
	at := &f.Envelope
	*row = ParkedRow{
		Projection: projection, Stream: row.Stream, Position: at.Position, Kind: at.Kind, Version: int64(at.Version),
		Waiting: 1, LastPosition: at.Position, Reason: reason.Error(),
	}
	p.streams[row.Stream] |= p.bit(projection)
	return nil
}

// wait counts a fact of a stream that is parked for a set of projections.
func (p *parking) wait(f *fact, set uint64) error {
	for i := range p.members {
		if set&(1<<i) != 0 {
			if err := p.count(f, p.members[i].name); err != nil {
				return err
			}
		}
	}
	if set&everything != 0 {
		return p.count(f, Everything)
	}
	return nil
}

func (p *parking) count(f *fact, projection string) error {
	row, err := p.row(parkedKey{projection, f.Envelope.Stream})
	if err != nil {
		return err
	}
	row.Waiting++
	row.LastPosition = f.Envelope.Position
	return nil
}

// apply folds one entry into every projection. What a projection can't fold parks the fact's stream for it, and for
// those that build on it; the others go on. An error is the engine's.
func (w *workingSet) apply(f *fact, members []projection) error {
	f.id = events.Identity(f.Envelope.Stream)
	parked, err := w.parked.of(f.Envelope.Stream)
	if err != nil {
		return err
	}
	if parked != 0 {
		if err := w.parked.wait(f, parked); err != nil {
			return err
		}
	}
	if parked&everything != 0 {
		return nil
	}
	if f.Err != nil {
		return w.parked.park(f, Everything, f.Err)
	}
	for i := 0; i < len(members); i++ {
		i, err = w.fold(f, members, i, parked)
		switch {
		case err == nil:
		case errors.Is(err, ErrDamaged):
			parked |= 1 << i
			if err := w.parked.park(f, members[i].name, err); err != nil {
				return err
			}
		default:
			at := &f.Envelope
			return fmt.Errorf("projection %s: %s at position %d (stream %s): %w", members[i].name, at.Kind, at.Position, at.Stream, err)
		}
	}
	return nil
}

// fold lets the projections from one on fold a fact, but for those whose stream is parked. It stops at the first that
// can't, and returns its place. A projection that panics has met a history that it was not made for.
func (w *workingSet) fold(f *fact, members []projection, i int, parked uint64) (at int, err error) {
	defer func() {
		if r := recover(); r != nil {
			at, err = i, damaged("the projection panicked: %v", r)
		}
	}()
	for ; i < len(members); i++ {
		m := &members[i]
		if parked != 0 && parked&(1<<i|m.on) != 0 {
			continue
		}
		if err := m.apply(w, f); err != nil {
			return i, err
		}
	}
	return i, nil
}
