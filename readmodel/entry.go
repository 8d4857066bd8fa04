package readmodel

import (
	"errors"

	"github.com/virtuous6/virtuous6/events"
)

// Entry is one entry of the log: the envelope, and the fact that was decoded from it once for all projections. The
// fold keeps no reference to the envelope's Data.
type Entry struct {
	Envelope events.Envelope
	// Event is nil where Err tells why it can't be decoded: the fold then parks its stream.
	Event events.Event
	Err   error
}

// ErrCheckpointMoved tells that the read models aren't where the batch starts: another process folded the same log,
// or swapped in a rebuild. Nothing was written. The working set has been dropped; read Position again and go on there.
var ErrCheckpointMoved = errors.New("the read models' checkpoint moved")

// ErrOutdated tells that the stored read models have another shape than this program's: another version built them.
// They hold nothing that the log doesn't; BeginRebuild and Swap replace them.
var ErrOutdated = errors.New("the read models were built by another version of virtuous6: rebuild them with `virtuous6 replay`")

// ErrOrder tells that a batch's positions don't rise strictly.
var ErrOrder = errors.New("log positions do not rise")

// ErrDamaged tells that a fact can't follow those before it: no decider can have produced such a history. The fold parks
// its stream.
var ErrDamaged = errors.New("damaged history")

// ErrParkedForAll tells that some of the read models can't be rebuilt alone: a stream is parked for all of them that can
// be read by now, or the other way round, and they would go on with it while the others do not.
var ErrParkedForAll = errors.New("other streams than before can be read, for all read models: rebuild all of them with `virtuous6 replay`")

// ErrReaders tells that a swap could not keep readers out yet: the transaction is to be done again.
var ErrReaders = errors.New("the read models are being read")

// ErrRebuildLost tells that another rebuild was begun, or this one's tables were swept: it can't go on.
var ErrRebuildLost = errors.New("the rebuild was overtaken by another one")

// ErrUnavailable tells that the engine can't be used now: locked, read-only, full, corrupt, closed. What to do is in
// the message.
var ErrUnavailable = errors.New("the read models are unavailable")
