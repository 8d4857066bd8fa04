package commands

import "github.com/google/uuid"

// LedgerStream is the stream of the log's seals.
const LedgerStream = "ledger-log"

// SealLog vouches for the next events of the log.
type SealLog struct {
	Meta
	// First is the ordinal, counted from 1, of the first event to be sealed.
	First uint64
	// Last is the id of the last one, which stands at Revision of EventStream.
	Last        uuid.UUID
	EventStream string
	Revision    uint64
	// Digest is the rolling SHA-256 over the log up to Last.
	Digest [32]byte
	// Prints are the first bytes of the SHA-256 of each event to be sealed.
	Prints [][8]byte
}

func (SealLog) Stream() string { return LedgerStream }

func (SealLog) ledger() {}
