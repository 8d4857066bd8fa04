package orchestrator

import (
	"time"

	"github.com/google/uuid"
)

// Clock tells the time, and IDs makes new ids. Both are injected, so that a test or a replay decides what they say.
type (
	Clock func() time.Time
	IDs   func() uuid.UUID
)

// NewID is a new UUIDv7. It panics where the system has no randomness left.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
