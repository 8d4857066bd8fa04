package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/virtuous6/virtuous6/events/plainjson"
)

// ErrUnknownKind tells that no kind of that name is known: the log was written by a newer program.
var ErrUnknownKind = errors.New("unknown event kind")

// ErrNewerVersion tells that the kind is known and its schema version is not: the log was written by a newer program.
var ErrNewerVersion = errors.New("newer schema version")

// Upcast turns a fact's JSON of one schema version into the next one's.
type Upcast func(data []byte) ([]byte, error)

// Schema is what the table of kinds knows of one kind.
type Schema struct {
	Kind string
	// Version is the one that is written today. Versions count from 1.
	Version int
	// scan reads a fact that is just what Encode writes, library any other.
	scan    func(data []byte) (Event, bool)
	library func(data []byte) (Event, error)
	// unread is what Brief gives, where it looks at no data.
	unread Event
	// upcasts[i] turns version i+1 into i+2.
	upcasts []Upcast
}

// lenient reads all that encoding/json can write: history can't be refused.
var lenient = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// kind declares a fact's schema. The number of upcasters fixes today's version: none means 1.
func kind[E Event](upcasts ...Upcast) Schema {
	var zero E
	reader := plainjson.New[E]()
	return Schema{
		Kind:    zero.Kind(),
		Version: len(upcasts) + 1,
		upcasts: upcasts,
		scan:    func(data []byte) (Event, bool) { return reader.Object(data) },
		library: func(data []byte) (Event, error) {
			var e E
			if err := jsonv2.Unmarshal(data, &e, lenient); err != nil {
				return nil, err
			}
			return e, nil
		},
	}
}

// unread declares a kind of which folds need to know only that there was one.
func unread[E Event](upcasts ...Upcast) Schema {
	var zero E
	s := kind[E](upcasts...)
	s.unread = zero
	return s
}

// Table is the closed set of kinds that a program knows.
type Table struct {
	byKind map[string]Schema
	kinds  []string
}

// NewTable builds a table. It panics at a duplicate kind: that is a mistake in the code, and must show at the start.
func NewTable(schemas ...Schema) *Table {
	t := &Table{byKind: make(map[string]Schema, len(schemas))}
	for _, s := range schemas {
		if _, dup := t.byKind[s.Kind]; dup {
			panic("events: kind declared twice: " + s.Kind)
		}
		t.byKind[s.Kind] = s
		t.kinds = append(t.kinds, s.Kind)
	}
	slices.Sort(t.kinds)
	return t
}

// Kinds lists the known kinds, sorted.
func (t *Table) Kinds() []string { return slices.Clone(t.kinds) }

// Version is the schema version that a kind is written in today, 0 where there is no such kind.
func (t *Table) Version(kind string) int { return t.byKind[kind].Version }

// Decode reads a fact of any version ever written. It returns ErrUnknownKind or ErrNewerVersion for what a newer
// program wrote.
func (t *Table) Decode(kind string, version int, data []byte) (Event, error) {
	return t.decode(kind, version, data, false)
}

// Brief is Decode for folds: of the Unread kinds it gives an empty fact, and does not look at the data.
func (t *Table) Brief(kind string, version int, data []byte) (Event, error) {
	return t.decode(kind, version, data, true)
}

// Unread lists the kinds, sorted, whose data no fold reads: a conversation is most of a log's bytes.
func (t *Table) Unread() []string {
	var kinds []string
	for _, k := range t.kinds {
		if t.byKind[k].unread != nil {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

func (t *Table) decode(kind string, version int, data []byte, brief bool) (Event, error) {
	s, ok := t.byKind[kind]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w %q: it was written by a newer version of virtuous6; upgrade this one", ErrUnknownKind, kind)
	case version > s.Version:
		return nil, fmt.Errorf("%w: %s version %d, this program knows up to %d; upgrade it", ErrNewerVersion, kind, version, s.Version)
	case version < 1:
		return nil, fmt.Errorf("decode %s: schema version %d does not exist", kind, version)
	case brief && s.unread != nil:
		return s.unread, nil
	}
	for v := version; v < s.Version; v++ {
		up, err := s.upcasts[v-1](data)
		if err != nil {
			return nil, fmt.Errorf("upcast %s from version %d: %w", kind, v, err)
		}
		data = up
	}
	if e, ok := s.scan(data); ok {
		return e, nil
	}
	e, err := s.library(data)
	if err != nil {
		return nil, fmt.Errorf("decode %s version %d: %w", kind, version, err)
	}
	return e, nil
}

// Decode reads the fact inside an envelope by the program's own table.
func Decode(e Envelope) (Event, error) {
	event, err := Known.Decode(e.Kind, e.Version, e.Data)
	if err != nil {
		return nil, fmt.Errorf("%s at position %d (stream %s, revision %d): %w", e.Kind, e.Position, e.Stream, e.Revision, err)
	}
	return event, nil
}

// Encode writes a fact as JSON: field order as declared, map keys sorted, so that the same fact gives the same bytes.
func Encode(e Event) (kind string, version int, data []byte, err error) {
	s, ok := Known.byKind[e.Kind()]
	if !ok {
		return "", 0, nil, fmt.Errorf("encode: %w %q: it is missing in events/all.go", ErrUnknownKind, e.Kind())
	}
	data, err = json.Marshal(e)
	if err != nil {
		return "", 0, nil, fmt.Errorf("encode %s: %w", s.Kind, err)
	}
	return s.Kind, s.Version, data, nil
}
