package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// ErrOtherHistory tells that the target of a copy holds events that are not those of its source.
var ErrOtherHistory = errors.New("the target holds another history")

// Copied counts what a copy did.
type Copied struct {
	// Events is how many were added, Already how many were there from an earlier, interrupted copy.
	Events  uint64 `json:"events"`
	Already uint64 `json:"already"`
	// Digest is the rolling SHA-256 over all events in their order: the same on both sides.
	Digest string `json:"digest"`
}

// The bounds of what of a copy may be under way at once, in appends and in bytes.
const (
	copyWindow      = 512
	copyWindowBytes = 32 << 20
)

// maxCopyBatch and maxCopyBytes bound one append: EventStoreDB takes a megabyte at most.
const (
	maxCopyBatch = 1000
	maxCopyBytes = 512 << 10
)

// encodedSize is how many bytes an event can take on its way: names are JSON in EventStoreDB, where a byte becomes up to six.
func encodedSize(e *events.Envelope) int {
	const fixed = 300 // ids, times, and what stands around them
	return fixed + len(e.Data) + 6*(len(e.Kind)+len(e.Correlation)+len(e.Actor)+len(e.Workspace))
}

// Copy brings a log into another store, up to where it ends now: the same events in the same order, under the same
// ids, at positions of the target's own. What the target has already stays, so that an interrupted copy goes on where
// it was cut off. Recorded-at is the target's own as well: it is when that store stored them. It returns
// ErrOtherHistory where the target holds anything but the source's first events: then nothing is added. It compares both
// digests again at the end.
func Copy(ctx context.Context, from, to eventstore.Store, progress func(position uint64)) (Copied, error) {
	from, _ = eventstore.AsStored(from)
	to, _ = eventstore.AsStored(to)
	head, err := from.Head(ctx)
	if err != nil {
		return Copied{}, fmt.Errorf("source: %w", err)
	}
	source, target := digesting{store: from}, digesting{store: to}
	after, err := resumeAt(ctx, from, to)
	if err == nil && after > 0 {
		err = sameDigest(ctx, &source, after, &target)
	}
	if err != nil {
		return Copied{}, err
	}
	done := Copied{Already: source.events}
	if err := done.bring(ctx, from, to, after, head, progress); err != nil {
		return done, err
	}
	if err := sameDigest(ctx, &source, head, &target); err != nil {
		return done, err
	}
	done.Digest = source.digest()
	return done, nil
}

// sameDigest digests the source up to a position and the target up to its end, and compares them.
func sameDigest(ctx context.Context, source *digesting, upTo uint64, target *digesting) error {
	if err := source.to(ctx, upTo); err != nil {
		return fmt.Errorf("digest of the source: %w", err)
	}
	if err := target.to(ctx, math.MaxUint64); err != nil {
		return fmt.Errorf("digest of the target: %w", err)
	}
	if source.digest() != target.digest() {
		return fmt.Errorf("%w: %d events with digest %s, want %d with %s: give an empty target", ErrOtherHistory, target.events, target.digest(),
			source.events, source.digest())
	}
	return nil
}

// bring copies what lies behind one position up to another one. Neighbours of one stream are one append.
func (c *Copied) bring(ctx context.Context, from, to eventstore.Store, after, head uint64, progress func(uint64)) error {
	type part struct {
		wait     func() (eventstore.Appended, error)
		events   int
		bytes    int
		position uint64
	}
	var pending []part
	held := 0                  // bytes of what is pending
	var chain eventstore.Chain // the target never holds what comes behind a gap
	defer func() {
		for _, p := range pending {
			_, _ = p.wait()
		}
	}()
	settle := func(most int) error {
		for len(pending) > most || held > copyWindowBytes {
			brought := pending[0]
			pending, held = pending[1:], held-brought.bytes
			if _, err := brought.wait(); err != nil {
				if errors.Is(err, eventstore.ErrConflict) || errors.Is(err, eventstore.ErrTaken) {
					err = fmt.Errorf("%w: %w", ErrOtherHistory, err)
				}
				return fmt.Errorf("target: %w", err)
			}
			c.Events += uint64(brought.events)
			if progress != nil {
				progress(brought.position)
			}
		}
		return nil
	}
	var batch []events.Envelope
	size := 0
	submit := func() error {
		if len(batch) == 0 {
			return nil
		}
		first, last := batch[0], batch[len(batch)-1]
		expected := eventstore.NoStream
		if first.Revision > 0 {
			expected = eventstore.Exactly(first.Revision - 1)
		}
		pending = append(pending, part{to.Submit(ctx, &chain, first.Stream, expected, batch), len(batch), size, last.Position})
		held += size
		batch, size = nil, 0
		return settle(copyWindow)
	}
	for e, err := range from.ReadAll(ctx, eventstore.ReadOptions{From: after}) {
		if err != nil {
			return errors.Join(fmt.Errorf("source: %w", err), settle(0))
		}
		if e.Position > head {
			break
		}
		if len(batch) > 0 && (batch[0].Stream != e.Stream || len(batch) == maxCopyBatch || size+encodedSize(&e) > maxCopyBytes) {
			if err := submit(); err != nil {
				return err
			}
		}
		batch, size = append(batch, e), size+encodedSize(&e)
	}
	if err := submit(); err != nil {
		return err
	}
	return settle(0)
}

// resumeAt is the source's position of the target's last event, 0 where the target is empty.
func resumeAt(ctx context.Context, from, to eventstore.Store) (uint64, error) {
	for last, err := range to.ReadAll(ctx, eventstore.ReadOptions{Direction: eventstore.Backwards, Limit: 1}) {
		if err != nil {
			return 0, fmt.Errorf("target: %w", err)
		}
		for e, err := range from.ReadStream(ctx, last.Stream, eventstore.StreamOptions{From: &last.Revision, Limit: 1}) {
			switch {
			case errors.Is(err, eventstore.ErrNoStream):
			case err != nil:
				return 0, fmt.Errorf("source: %w", err)
			case e.ID == last.ID:
				return e.Position, nil
			}
		}
		return 0, fmt.Errorf("%w: its last event, revision %d of %s, is not the source's: give an empty target", ErrOtherHistory, last.Revision, last.Stream)
	}
	return 0, nil
}

// digesting is a log on its way through a rolling SHA-256.
type digesting struct {
	store    eventstore.Store
	chain    chain
	events   uint64
	position uint64
}

// to takes in what comes next, up to a position.
func (d *digesting) to(ctx context.Context, position uint64) error {
	for e, err := range d.store.ReadAll(ctx, eventstore.ReadOptions{From: d.position}) {
		if err != nil {
			return err
		}
		if e.Position > position {
			break
		}
		d.chain.add(&e)
		d.events, d.position = d.events+1, e.Position
	}
	return nil
}

func (d *digesting) digest() string { return hex.EncodeToString(d.chain.link[:]) }
