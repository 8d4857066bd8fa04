package eventstore

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

// The bounds that every engine keeps, so that what one log holds fits into any other.
const (
	// MaxName is the greatest length in bytes of a stream's name, a kind, a correlation, an actor and a workspace.
	MaxName = 1024
	// MaxData is the greatest length in bytes of a fact's JSON.
	MaxData = 64 << 20
)

// The range of times that fit into Unix nanoseconds.
var (
	earliest = time.Unix(0, math.MinInt64)
	latest   = time.Unix(0, math.MaxInt64)
)

// Holds tells whether a stream that is at actual (NoStream where it does not exist) meets the expectation.
func (e Expected) Holds(actual Expected) bool {
	switch e {
	case Any:
		return true
	case NoStream:
		return actual == NoStream
	case Exists:
		return actual != NoStream
	}
	return e == actual
}

// Validate tells what an append breaks the contract with, as ErrInvalid, before an engine sees it. Names are UTF-8
// without NUL and at most MaxName long, data is UTF-8 without NUL and at most MaxData long (it may be empty), schema
// versions count from 1, and occurred-at fits into Unix nanoseconds (1678 to 2262). No id comes twice in a batch. An
// engine adds what only the log can tell: an id that stands in another stream is ErrTaken.
func Validate(stream string, expected Expected, batch []events.Envelope) error {
	if stream == "" {
		return fmt.Errorf("%w: the stream has no name", ErrInvalid)
	}
	if err := validName("stream", stream); err != nil {
		return err
	}
	if expected < Exists {
		return fmt.Errorf("%w: append to %s: %d is no revision: use eventstore.Exactly", ErrInvalid, stream, int64(expected))
	}
	for i := range batch {
		if err := validEvent(&batch[i]); err != nil {
			return fmt.Errorf("append to %s: event %d of the batch: %w", stream, i, err)
		}
	}
	if i, j, twice := sameID(batch); twice {
		return fmt.Errorf("%w: append to %s: events %d and %d of the batch have the same id %s", ErrInvalid, stream, i, j, batch[i].ID)
	}
	return nil
}

func validEvent(e *events.Envelope) error {
	switch {
	case e.ID == uuid.Nil:
		return fmt.Errorf("%w: it has no id", ErrInvalid)
	case e.Kind == "":
		return fmt.Errorf("%w: %s has no kind", ErrInvalid, e.ID)
	case e.Version < 1 || e.Version > math.MaxInt32:
		return fmt.Errorf("%w: %s has schema version %d: versions count from 1", ErrInvalid, e.ID, e.Version)
	case e.OccurredAt.IsZero():
		return fmt.Errorf("%w: %s does not tell when it occurred", ErrInvalid, e.ID)
	case e.OccurredAt.Before(earliest) || e.OccurredAt.After(latest):
		return fmt.Errorf("%w: %s occurred in the year %d: only 1678 to 2262 can be kept", ErrInvalid, e.ID, e.OccurredAt.Year())
	case len(e.Data) > MaxData:
		return fmt.Errorf("%w: %s holds %d bytes of data: %d is the most", ErrInvalid, e.ID, len(e.Data), MaxData)
	case !utf8.Valid(e.Data) || bytes.IndexByte(e.Data, 0) >= 0:
		return fmt.Errorf("%w: %s holds data that is not JSON: bytes that are not UTF-8, or a NUL", ErrInvalid, e.ID)
	}
	if err := validName("kind", e.Kind); err != nil {
		return err
	}
	if err := validName("correlation", e.Correlation); err != nil {
		return err
	}
	if err := validName("actor", e.Actor); err != nil {
		return err
	}
	return validName("workspace", e.Workspace)
}

func validName(what, name string) error {
	switch {
	case len(name) > MaxName:
		return fmt.Errorf("%w: %s %.40q… is %d bytes long: %d is the most", ErrInvalid, what, name, len(name), MaxName)
	case !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0:
		return fmt.Errorf("%w: %s %.80q is not UTF-8 without NUL", ErrInvalid, what, name)
	}
	return nil
}

// sameID needs no memory for the usual batch, whose UUIDv7s rise.
func sameID(batch []events.Envelope) (i, j int, twice bool) {
	rising := true
	for k := 1; k < len(batch) && rising; k++ {
		rising = bytes.Compare(batch[k-1].ID[:], batch[k].ID[:]) < 0
	}
	if rising {
		return 0, 0, false
	}
	seen := make(map[uuid.UUID]int, len(batch))
	for j := range batch {
		if i, ok := seen[batch[j].ID]; ok {
			return i, j, true
		}
		seen[batch[j].ID] = j
	}
	return 0, 0, false
}
