package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// SealAfter is how many events without a seal make a seal of their own.
const SealAfter = 1024

// ErrLedger tells that the log is not what its last seal says. `virtuous6 verify` names where it differs.
var ErrLedger = errors.New("the log does not fit its last seal: run `virtuous6 verify`")

// fingerprint is the first bytes of an event's SHA-256.
type fingerprint = [8]byte

// chain is the rolling SHA-256 over a log in order: each link is the SHA-256 of the link before it and the event's own.
// The zero value stands before the first event.
type chain struct {
	link   [sha256.Size]byte
	buffer []byte
}

// add takes the next event in, and returns the event's fingerprint.
func (c *chain) add(e *events.Envelope) fingerprint {
	c.buffer = canonical(c.buffer[:0], e)
	own := sha256.Sum256(c.buffer)
	var both [2 * sha256.Size]byte
	copy(both[:], c.link[:])
	copy(both[sha256.Size:], own[:])
	c.link = sha256.Sum256(both[:])
	return fingerprint(own[:8])
}

// canonical appends all of an event that is the same in every store: all but its position and when it was recorded.
// Each part of no fixed length has its length before it.
func canonical(b []byte, e *events.Envelope) []byte {
	text := func(s string) {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = append(b, e.ID[:]...)
	text(e.Stream)
	b = binary.BigEndian.AppendUint64(b, e.Revision)
	text(e.Kind)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Version))
	b = binary.BigEndian.AppendUint64(b, uint64(e.OccurredAt.UnixNano()))
	b = append(b, e.Causation[:]...)
	text(e.Correlation)
	text(e.Actor)
	text(e.Workspace)
	b = binary.BigEndian.AppendUint64(b, uint64(len(e.Data)))
	return append(b, e.Data...)
}

// Seal vouches for the events behind the log's last seal: aggregates.MaxSealed of them at a time, and those left at the
// end where they are at least so many and not all seals themselves. It returns how many events it sealed. Several
// processes may do so at once: each event is sealed once. It returns ErrLedger where the log was tampered with so that
// it can't go on.
func Seal(ctx context.Context, store eventstore.Store, dispatch commands.Dispatch, clock func() time.Time, atLeast int) (sealed int, err error) {
	store, _ = eventstore.AsStored(store)
	var at *ledgerEnd
	for {
		end, err := findLedgerEnd(ctx, store)
		if err != nil {
			return sealed, err
		}
		n, err := end.sealOn(ctx, store, dispatch, clock, atLeast)
		sealed += n
		if err == nil {
			return sealed, nil
		}
		overtaken := errors.Is(err, aggregates.ErrExists) || errors.Is(err, aggregates.ErrState)
		if !overtaken || at != nil && at.ordinal == end.ordinal {
			return sealed, fmt.Errorf("seal the log behind position %d: %w", end.position, err)
		}
		at = &end // another process was quicker: go on behind its seals
	}
}

// ledgerEnd is the last event that is sealed, with the chain up to it.
type ledgerEnd struct {
	ordinal, position uint64
	link              [sha256.Size]byte
}

func findLedgerEnd(ctx context.Context, store eventstore.Store) (ledgerEnd, error) {
	seal, found, err := lastSeal(ctx, store)
	if err != nil || !found {
		return ledgerEnd{}, err
	}
	s, err := readSeal(seal)
	if err != nil {
		return ledgerEnd{}, fmt.Errorf("%w: %w", ErrLedger, err)
	}
	for e, err := range store.ReadStream(ctx, s.EventStream, eventstore.StreamOptions{From: &s.Revision, Limit: 1}) {
		switch {
		case errors.Is(err, eventstore.ErrNoStream):
		case err != nil:
			return ledgerEnd{}, fmt.Errorf("find the last sealed event: %w", err)
		case e.ID == s.Last:
			return ledgerEnd{ordinal: s.end(), position: e.Position, link: s.Digest}, nil
		}
	}
	return ledgerEnd{}, fmt.Errorf("%w: event %s is not revision %d of %s", ErrLedger, s.Last, s.Revision, s.EventStream)
}

func lastSeal(ctx context.Context, store eventstore.Store) (events.Envelope, bool, error) {
	for e, err := range store.ReadStream(ctx, commands.LedgerStream, eventstore.StreamOptions{Direction: eventstore.Backwards, Limit: 1}) {
		if errors.Is(err, eventstore.ErrNoStream) {
			break
		}
		if err != nil {
			return e, false, fmt.Errorf("read the ledger: %w", err)
		}
		return e, true, nil
	}
	return events.Envelope{}, false, nil
}

// sealOn seals what comes behind the end.
func (end ledgerEnd) sealOn(ctx context.Context, store eventstore.Store, dispatch commands.Dispatch, clock func() time.Time, atLeast int) (sealed int, err error) {
	rolling := chain{link: end.link}
	next := commands.SealLog{First: end.ordinal + 1}
	var last events.Envelope
	onlySeals := true
	seal := func() error {
		next.Meta = commands.Meta{At: clock(), Actor: "ledger"}
		next.Last, next.EventStream, next.Revision, next.Digest = last.ID, last.Stream, last.Revision, rolling.link
		next.ID = events.NameID(last.OccurredAt, sealName(next))
		if _, err := dispatch(ctx, next); err != nil {
			return err
		}
		sealed += len(next.Prints)
		next.First += uint64(len(next.Prints))
		next.Prints, onlySeals = next.Prints[:0], true
		return nil
	}
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{From: end.position}) {
		if err != nil {
			return sealed, err
		}
		last, onlySeals = e, onlySeals && e.Stream == commands.LedgerStream
		next.Prints = append(next.Prints, rolling.add(&e))
		if len(next.Prints) == aggregates.MaxSealed {
			if err := seal(); err != nil {
				return sealed, err
			}
		}
	}
	if len(next.Prints) < max(atLeast, 1) || onlySeals {
		return sealed, nil
	}
	return sealed, seal()
}
