package eventstore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/virtuous6/virtuous6/events"
)

// Expected is the revision that an append expects its stream to be at: a revision from 0 on, or one of the constants.
type Expected int64

// The expectations that are no revision.
const (
	// Any appends whatever the stream is at.
	Any Expected = -1
	// NoStream appends only where the stream does not exist.
	NoStream Expected = -2
	// Exists appends only where the stream exists.
	Exists Expected = -3
)

// Exactly expects the stream's last revision to be r.
func Exactly(r uint64) Expected { return Expected(r) } //nolint:gosec // a stream of 2^63 facts can't exist

func (e Expected) String() string {
	switch e {
	case Any:
		return "any"
	case NoStream:
		return "no stream"
	case Exists:
		return "an existing stream"
	}
	return fmt.Sprintf("revision %d", int64(e))
}

// ErrConflict is matched by every *ConflictError.
var ErrConflict = errors.New("stream is not at the expected revision")

// ErrNoStream tells that a stream to be read does not exist.
var ErrNoStream = errors.New("stream does not exist")

// ErrCorrupt tells that the store's content can't be trusted. What to do is in the message.
var ErrCorrupt = errors.New("store is corrupt")

// ErrUnavailable tells that the store can't be used now: locked, read-only, full, gone. What to do is in the message.
var ErrUnavailable = errors.New("store is unavailable")

// ErrNoLog tells that a place holds no log, where one was to be there already.
var ErrNoLog = errors.New("there is no log")

// ErrSchema tells that the store's tables are of a version that this program does not handle.
var ErrSchema = errors.New("store has another schema version")

// ErrInvalid tells that an append breaks the contract (no stream, no id, no kind, the same id twice with other content).
var ErrInvalid = errors.New("invalid append")

// ErrTaken is the ErrInvalid of an event whose id stands in another stream already.
var ErrTaken = fmt.Errorf("%w: an event's id is taken", ErrInvalid)

// ErrTooLarge is the ErrInvalid of a batch that is larger than the engine takes at once.
var ErrTooLarge = fmt.Errorf("%w: it is too large", ErrInvalid)

// ConflictError tells where a stream really is. Actual is NoStream where it does not exist.
type ConflictError struct {
	Stream   string
	Expected Expected
	Actual   Expected
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("append to %s: expected %s, found %s", e.Stream, e.Expected, e.Actual)
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Appended tells where an append ended.
type Appended struct {
	// Revision is the revision of the batch's last event, Position its place in the log.
	Revision uint64
	Position uint64
	// Repeated tells that the batch stood there already, and nothing was added: another's, or the caller's own whose answer
	// was lost. Where the server recognises a repeat by itself and does not tell (EventStoreDB), it may be false all the same.
	Repeated bool
}

// Direction is the order of a read.
type Direction bool

// The two orders.
const (
	Forwards  Direction = false
	Backwards Direction = true
)

// ReadOptions narrows a read of the whole log. The zero value reads all of it, forwards.
type ReadOptions struct {
	// From is exclusive: forwards, events with a greater position; backwards, events with a smaller one, 0 meaning
	// from the end.
	From      uint64
	Direction Direction
	// Limit is the greatest number of events, 0 for all.
	Limit int
	// Kinds, if any, are the only kinds wanted. An engine may filter at the server.
	Kinds []string
	// Brief tells that ID, RecordedAt, Causation and Correlation are not wanted: an engine may leave them empty.
	Brief bool
	// Dataless are kinds whose Data is not wanted: an engine may leave it empty.
	Dataless []string
}

// StreamOptions narrows a read of a stream. The zero value reads all of it, forwards.
type StreamOptions struct {
	// From is the first revision wanted, inclusive; backwards, nil means from the end.
	From      *uint64
	Direction Direction
	// Limit is the greatest number of events, 0 for all.
	Limit int
}

// Message is what a subscription yields: an event, or the news that it has caught up.
type Message struct {
	Event events.Envelope
	// CaughtUp tells that every event up to Position was yielded and no other is known yet. Event is then empty. It
	// comes once each time the subscription reaches the end of the log, also right at the start.
	CaughtUp bool
	Position uint64
}

// Counted is a store whose positions count its events: 1, 2, 3 and so on. One that is missing was removed.
type Counted interface {
	// Counted does nothing.
	Counted()
}

// Veiled is a store that shows its events otherwise than they are stored, since some of it is encrypted there. What is sealed,
// copied and digested is what is stored.
type Veiled interface {
	Stored() Store
	// Unveil makes an event that is as it is stored what the store shows.
	Unveil(ctx context.Context, e *events.Envelope) error
}

// AsStored is a log as it is stored, and what shows its events as the store does.
func AsStored(s Store) (stored Store, unveil func(context.Context, *events.Envelope) error) {
	if v, ok := s.(Veiled); ok {
		return v.Stored(), v.Unveil
	}
	return s, func(context.Context, *events.Envelope) error { return nil }
}

// Store is the log. All methods may be called concurrently.
//
// Reading loses nothing: a reader that is at position p has seen every event up to p that there will ever be.
// Envelopes that are yielded belong to the caller. An iterator that ends with an error yields it last, and holds no
// resource once its loop is left.
type Store interface {
	// Append adds a batch to one stream, whole or not at all, and returns once it is durable. RecordedAt, Revision and
	// Position of the given envelopes are ignored.
	//
	// It is idempotent by event id: a batch whose ids all stand in the stream already, in that order, is a success
	// that returns where they stand, whatever expected says. A batch of which only a part is there is a conflict. An
	// empty batch changes nothing: it checks expected and returns where the stream is.
	Append(ctx context.Context, stream string, expected Expected, batch []events.Envelope) (Appended, error)
	// Submit is Append that does not wait: it hands the batch over and returns at once, and wait gives what Append would
	// have. wait must be called, and may be called once.
	//
	// Submissions of one chain are appended in their order, and none of them where one before it was not; so what a chain
	// leaves behind is a beginning of it, also where calls are lost and made again. What one goroutine submits without a chain
	// is appended in the order of its submissions too, so that an import gives the same log each time. Between two chains,
	// between a chain and what has none, and between a submission and an Append there is no order: who appends what rests
	// on another's fact waits for that one first.
	Submit(ctx context.Context, chain *Chain, stream string, expected Expected, batch []events.Envelope) (wait func() (Appended, error))
	// ReadStream yields a stream's events by revision. It yields ErrNoStream for a stream that does not exist.
	ReadStream(ctx context.Context, stream string, o StreamOptions) iter.Seq2[events.Envelope, error]
	// ReadAll yields the log's events by position, up to where the log ends as the read reaches it.
	ReadAll(ctx context.Context, o ReadOptions) iter.Seq2[events.Envelope, error]
	// Subscribe yields every event after a position, those to come included, until ctx is done; it then yields
	// ctx's error and ends. A slow consumer loses nothing. An engine reconnects by itself.
	Subscribe(ctx context.Context, after uint64) iter.Seq2[Message, error]
	// Head is the position of the log's last event, 0 where it is empty.
	Head(ctx context.Context) (uint64, error)
	// Close waits for what is under way and frees the store. Later calls return ErrUnavailable.
	Close() error
}
