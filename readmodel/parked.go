package readmodel

import (
	"encoding/json"
	"fmt"
)

// Everything is the projection of a parked stream whose fact can't be decoded: it is parked for all of them.
const Everything = "all"

// ParkedRow is a row of parked_streams: a stream whose facts a projection does not fold, from the first that it could
// not fold on. The other projections, and all other streams, go on.
type ParkedRow struct {
	// Projection is its name, or Everything.
	Projection string `db:"projection,pk"`
	Stream     string `db:"stream,pk"`
	// Position, Kind and Version are of the fact that could not be folded.
	Position uint64 `db:"position"`
	Kind     string `db:"kind"`
	Version  int64  `db:"version"`
	// Waiting counts that fact and the stream's facts since, up to LastPosition.
	Waiting      int64  `db:"waiting"`
	LastPosition uint64 `db:"last_position"`
	Reason       string `db:"reason"`
}

// MarshalJSON writes the documented shape.
func (r ParkedRow) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Projection   string `json:"projection"`
		Stream       string `json:"stream"`
		Position     uint64 `json:"position"`
		Kind         string `json:"kind"`
		Version      int64  `json:"version"`
		Waiting      int64  `json:"waiting"`
		LastPosition uint64 `json:"last_position"`
		Reason       string `json:"reason"`
	}(r))
}

type parkedKey struct{ projection, stream string }

var parkedTable = NewTable("parked_streams", TableOf[parkedKey, ParkedRow]{
	Key:   func(r *ParkedRow) parkedKey { return parkedKey{r.Projection, r.Stream} },
	Fresh: func(k parkedKey, r *ParkedRow) { r.Projection, r.Stream = k.projection, k.stream },
	Weigh: func(r *ParkedRow) int { return len(r.Stream) + len(r.Reason) },
	Row: []ColumnOf[ParkedRow]{
		Key(Symbol("projection", func(r *ParkedRow) *string { return &r.Projection })),
		Key(String("stream", func(r *ParkedRow) *string { return &r.Stream })),
		Int("position", func(r *ParkedRow) *uint64 { return &r.Position }),
		Symbol("kind", func(r *ParkedRow) *string { return &r.Kind }),
		Int("version", func(r *ParkedRow) *int64 { return &r.Version }),
		Int("waiting", func(r *ParkedRow) *int64 { return &r.Waiting }),
		Int("last_position", func(r *ParkedRow) *uint64 { return &r.LastPosition }),
		String("reason", func(r *ParkedRow) *string { return &r.Reason }),
	},
})

// everything is the bit of Everything in a set of projections. The others have that of their place.
const everything = 1 << 63

// parking is the working set of parked_streams, and the parked streams by name. All of them are kept in memory, some
// hundred bytes each: every fact asks for its stream.
type parking struct {
	*Cache[parkedKey, ParkedRow]
	streams map[string]uint64
	members []Projection
}

func newParking(members []Projection) *parking {
	return &parking{Cache: newCache(parkedTable, 0), members: members}
}

func (p *parking) reset(from Scanner, complete bool) {
	p.Cache.reset(from, complete)
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
	err := Scan(p.from, parkedTable, &q, func(row *ParkedRow) error {
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
		if p.members[i].Name == name {
			return 1 << i
		}
	}
	return 0
}

// park parks a fact's stream for a projection.
func (p *parking) park(f *Fact, projection string, reason error) error {
	row, err := p.Row(parkedKey{projection, f.Envelope.Stream})
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
func (p *parking) wait(f *Fact, set uint64) error {
	for i := range p.members {
		if set&(1<<i) != 0 {
			if err := p.count(f, p.members[i].Name); err != nil {
				return err
			}
		}
	}
	if set&everything != 0 {
		return p.count(f, Everything)
	}
	return nil
}

func (p *parking) count(f *Fact, projection string) error {
	row, err := p.Row(parkedKey{projection, f.Envelope.Stream})
	if err != nil {
		return err
	}
	row.Waiting++
	row.LastPosition = f.Envelope.Position
	return nil
}
