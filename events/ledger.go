package events

import "github.com/google/uuid"

// LogSealed vouches for the events that follow those of the seal before it: whoever changes, removes, swaps or inserts
// one of them later is found out. A seal vouches for earlier seals, too.
type LogSealed struct {
	// First is the ordinal of the first event sealed: its place in the log, counted from 1. A store's positions may have
	// gaps and differ from another store's; ordinals are the same in every copy.
	First uint64 `json:"first"`
	// Count is how many events are sealed.
	Count uint64 `json:"count"`
	// Last is the id of the last event sealed.
	Last uuid.UUID `json:"last"`
	// Stream is the stream that the last event sealed stands in, so that the ledger finds where to go on.
	Stream string `json:"stream"`
	// Revision is its revision there.
	Revision uint64 `json:"revision"`
	// Digest is the rolling SHA-256 over the log from its first event up to the last one sealed, in hexadecimal.
	Digest string `json:"digest"`
	// Prints are the first 8 bytes of the SHA-256 of each event sealed, in their order, in hexadecimal: they tell which
	// event it was where the digest no longer agrees.
	Prints string `json:"prints"`
}

func (LogSealed) Kind() string { return "log.sealed" }

func (LogSealed) ledger() {}
