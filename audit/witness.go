package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// Tampering is a place where the log is not what was sealed.
type Tampering struct {
	// Position is the first one that is not as it was sealed. Of events that are gone, it is the next one behind the
	// last event before them.
	Position uint64 `json:"position"`
	// How is "changed", "removed", "inserted", "swapped", "moved" or "unreadable".
	How string `json:"how"`
	// Reason tells it to a person.
	Reason string `json:"reason"`
	// until is the position that the place is before, where only that is known.
	until uint64
}

// witness holds the log, as it is walked, against its seals. It has one seal in memory, and behind a breach, which only
// a log that was tampered with has, the prints of all events that follow.
type witness struct {
	ledger func() (events.Envelope, error, bool)
	// close lets go of the ledger.
	close func()
	noted []byte
	chain chain
	// ordinal and position are those of the last event walked.
	ordinal, position uint64
	// current is the last seal read, and before the position of the one before it.
	current seal
	before  uint64
	// gap tells that the seal before current is gone, and damaged that it is there and can't be trusted.
	gap, damaged bool
	// loose are the events before current whose seal is gone or can't be trusted.
	loose  []mark
	breach *breach
	found  []Tampering
	// sound is the last seal whose digest is right, with the position of its last event.
	sound         seal
	soundPosition uint64
	notedOne      bool
	// unjudged tells of events that nothing vouches for any more, empty where there are none.
	unjudged string
}

// newWitness reads the ledger of a store. noted, if any, is a link of the chain that must turn up.
func newWitness(ctx context.Context, store eventstore.Store, noted []byte) *witness {
	w := &witness{noted: noted, current: beforeSeals(), sound: beforeSeals()}
	w.ledger, w.close = iter.Pull2(store.ReadStream(ctx, commands.LedgerStream, eventstore.StreamOptions{}))
	w.notedOne = noted == nil || bytes.Equal(noted, w.chain.link[:])
	return w
}

// see takes in the next event of the log.
func (w *witness) see(e *events.Envelope) error {
	own := w.chain.add(e)
	after := w.position
	w.ordinal, w.position = w.ordinal+1, e.Position
	w.notedOne = w.notedOne || bytes.Equal(w.noted, w.chain.link[:])
	if w.breach != nil {
		w.breach.follow(e, own)
		return nil
	}
	if err := w.read(w.ordinal); err != nil {
		return err
	}
	if w.ordinal < w.current.First {
		w.loose = append(w.loose, mark{own, e.Position})
		return nil
	}
	if w.ordinal > w.current.end() {
		return nil
	}
	if w.gap {
		w.lost(after)
	}
	if i := w.ordinal - w.current.First; w.current.Prints[i] != own {
		w.breach = &breach{after: after, loose: w.loose, what: fmt.Sprintf("%s, revision %d of %s", e.Kind, e.Revision, e.Stream), want: slices.Clone(w.current.Prints[i:]), seal: w.current}
		w.breach.follow(e, own)
		return nil
	}
	if w.ordinal == w.current.end() {
		w.digest()
	}
	return nil
}

// read makes the seal current that vouches for an ordinal, or the next one behind it.
func (w *witness) read(ordinal uint64) error {
	for w.ledger != nil && w.current.end() < ordinal {
		e, err, more := w.ledger()
		switch {
		case !more, errors.Is(err, eventstore.ErrNoStream):
			w.ledger = nil
			return nil
		case errors.Is(err, eventstore.ErrCorrupt):
			w.ledger, w.damaged = nil, true
			w.find(Tampering{
				Position: w.current.position + 1, How: "unreadable", until: math.MaxUint64,
				Reason: fmt.Sprintf("the seals behind position %d can't be read: %v", w.current.position, err),
			})
			return nil
		case err != nil:
			return fmt.Errorf("read the ledger: %w", err)
		}
		s, err := readSeal(e)
		switch {
		case err != nil:
			w.find(Tampering{Position: e.Position, How: "changed", Reason: fmt.Sprintf("position %d was changed: %v", e.Position, err)})
			w.damaged = true
		case s.First <= w.current.end():
			w.find(Tampering{Position: e.Position, How: "inserted", Reason: fmt.Sprintf("position %d was inserted: it seals again what is sealed at position %d", e.Position, w.current.position)})
		default:
			w.gap = s.First > w.current.end()+1 && !w.damaged
			w.before, w.current, w.damaged = w.current.position, s, false
		}
	}
	return nil
}

// lost records that a seal is gone. It stood behind the last event that it vouched for.
func (w *witness) lost(after uint64) {
	w.gap = false
	after = max(after, w.before)
	where := fmt.Sprintf("between positions %d and %d", after, w.current.position)
	if after == 0 {
		where = fmt.Sprintf("before position %d", w.current.position)
	}
	w.find(Tampering{Position: after + 1, How: "removed", until: w.current.position, Reason: "a seal is missing " + where})
}

// digest compares the chain with that of the current seal, whose last event was just seen.
func (w *witness) digest() {
	if w.chain.link == w.current.Digest {
		w.sound, w.soundPosition, w.loose = w.current, w.position, nil
		return
	}
	w.find(Tampering{
		Position: w.soundPosition + 1, How: "changed",
		Reason: fmt.Sprintf("something behind position %d, up to position %d, was changed: their digest is not that of the seal at position %d", w.soundPosition, w.position, w.current.position),
	})
}

func (w *witness) find(t Tampering) { w.found = append(w.found, t) }

// finish returns all that was found, the first one in the log first. end tells why the walk ended before the log's end,
// if it did.
func (w *witness) finish(end error) ([]Tampering, error) {
	if end != nil {
		w.find(Tampering{Position: w.position + 1, How: "unreadable", Reason: fmt.Sprintf("the log can't be read behind position %d: %v", w.position, end)})
	}
	if w.gap {
		w.lost(w.before)
	}
	if b := w.breach; b != nil {
		for at := w.current.end(); ; at = w.current.end() {
			if err := w.read(at + 1); err != nil {
				return nil, err
			}
			if w.current.First != at+1 {
				break
			}
			b.want = append(b.want, w.current.Prints...)
		}
		w.found = slices.Insert(w.found, 0, b.judge()) // it knows best what happened there
	}
	if n := len(w.loose); n > 0 {
		w.unjudged = fmt.Sprintf("positions %d to %d can't be judged: the seal that vouched for them is gone or was changed", w.loose[0].position, w.loose[n-1].position)
	}
	slices.SortStableFunc(w.found, func(a, b Tampering) int { return cmp.Compare(a.Position, b.Position) })
	var out []Tampering
	for _, t := range w.found {
		// Where the place is known exactly, what is known less exactly says nothing new.
		vague := t.until > 0 && slices.ContainsFunc(w.found, func(o Tampering) bool {
			return o.until == 0 && t.Position <= o.Position && o.Position < t.until
		})
		if !vague && (len(out) == 0 || out[len(out)-1].Position != t.Position) {
			out = append(out, t)
		}
	}
	return out, nil
}
