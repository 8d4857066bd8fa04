package events

import (
	"time"

	"github.com/google/uuid"
)

// Envelope is what the log keeps around a fact.
//
// A caller that appends fills everything but Revision, Position and RecordedAt, which the log assigns.
type Envelope struct {
	// ID is a UUIDv7 (RFC 9562), unique in the log. Appending an id again is a repeat, not a new fact.
	ID uuid.UUID
	// Stream is the name of the aggregate's stream: see StreamName.
	Stream string
	// Revision is the place in the stream, counted from 0 without gaps.
	Revision uint64
	// Position is the place in the whole log. Positions rise strictly; they may have gaps.
	Position uint64
	// Kind and Version name the schema of Data.
	Kind    string
	Version int
	// OccurredAt is when the fact happened, also for imported history. RecordedAt is when the log stored it. Both UTC.
	OccurredAt time.Time
	RecordedAt time.Time
	// Causation is the id of the command or event that caused this fact.
	Causation uuid.UUID
	// Correlation joins all facts of one run, whatever stream they are in: it is the run's id, or empty.
	Correlation string
	// Actor is who wished it: "user:anna", "import:otlp", "analyst:workflow", "manager:run".
	Actor string
	// Workspace separates tenants that share one log.
	Workspace string
	// Data is the fact as JSON.
	Data []byte
}
