package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/replay"
)

// maxProblems bounds how many problems are listed. Those beyond are counted.
const maxProblems = 100

// Verification is what verify found.
type Verification struct {
	OK bool `json:"ok"`
	// Position is the log position up to which everything was looked at, Events how many there are.
	Position uint64 `json:"position"`
	Events   uint64 `json:"events"`
	Streams  int    `json:"streams"`
	// Digest is the rolling SHA-256 over the log in order, the same in every copy of it.
	Digest string `json:"digest"`
	// SealedPosition is the position up to which seals vouch for the log, Seal the digest of the last one, and
	// UnsealedEvents how many events are behind it. A change to those can't be seen yet.
	SealedPosition uint64 `json:"sealed_position"`
	UnsealedEvents uint64 `json:"unsealed_events"`
	Seal           string `json:"seal"`
	// Tampered is the first place where the log is not what was sealed, nil where it is.
	Tampered *Tampering `json:"tampered"`
	// ReadModels are the SHA-256 of the rows of each table.
	ReadModels map[string]string `json:"read_models"`
	Problems   []string          `json:"problems"`
	// MoreProblems counts those beyond the list.
	MoreProblems int `json:"more_problems,omitempty"`
}

func (v *Verification) problem(format string, args ...any) {
	if len(v.Problems) == maxProblems {
		v.MoreProblems++
		return
	}
	v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
}

// Verify reads the whole log and checks that positions rise strictly, that every stream is gapless from revision 0,
// that no event id stands twice and every fact can be read, that the log is what its seals say, and that the read models
// equal a rebuild into fresh, which must be empty. noted, if any, is the digest of a seal or of a whole log that was
// noted elsewhere: some part of the log from its start must have it. progress, if any, hears positions. It returns an
// error only where it could not look.
func Verify(ctx context.Context, store eventstore.Store, models, fresh *projections.Models, noted []byte, progress func(position uint64)) (Verification, error) {
	v := Verification{Problems: []string{}, ReadModels: map[string]string{}}
	if err := replay.CatchUp(ctx, store, models, nil); err != nil {
		v.problem("the read models can't be brought up to date: %v", err)
	}
	live, err := models.Digest(ctx)
	if err != nil {
		return v, fmt.Errorf("digest of the read models: %w", err)
	}
	before := len(v.Problems)
	if err := v.log(ctx, store, live.Position, fresh, noted, progress); err != nil {
		return v, err
	}
	advice := "run `virtuous6 replay`"
	if len(v.Problems) > before { // a replay would fold that, too
		advice = "mend the log first, or restore a backup, and replay then"
	}
	rebuilt, err := fresh.Digest(ctx)
	if err != nil {
		return v, fmt.Errorf("digest of the rebuild: %w", err)
	}
	parked, err := fresh.Parked(ctx)
	if err != nil {
		return v, fmt.Errorf("parked streams of the rebuild: %w", err)
	}
	for _, p := range parked {
		v.problem("stream %s can't be read from position %d on: %s", p.Stream, p.Position, p.Reason)
	}
	want := map[string]string{}
	for _, t := range rebuilt.Tables {
		want[t.Table] = t.SHA256
	}
	for _, t := range live.Tables {
		v.ReadModels[t.Table] = t.SHA256
		if t.SHA256 != want[t.Table] {
			v.problem("table %s is not what a rebuild gives: %s", t.Table, advice)
		}
	}
	v.OK = len(v.Problems) == 0
	return v, nil
}

// log walks the log to its end, folding it into fresh up to where the live read models are.
func (v *Verification) log(ctx context.Context, store eventstore.Store, live uint64, fresh *projections.Models, noted []byte, progress func(uint64)) error {
	store, unveil := eventstore.AsStored(store)
	to, err := store.Head(ctx)
	if err != nil {
		return err
	}
	sealed := newWitness(ctx, store, noted)
	defer sealed.close()
	_, counted := store.(eventstore.Counted)
	unread := events.Known.Unread()
	next := map[string]uint64{}
	ids := map[[16]byte]uint64{}
	var batch []readmodel.Entry
	var folded uint64
	size := 0 // bytes of the batch's facts
	sound := true
	flush := func() error {
		if len(batch) == 0 || !sound {
			return nil
		}
		err := fresh.Apply(ctx, folded, batch)
		switch {
		case errors.Is(err, readmodel.ErrOrder):
			v.problem("the log can't be folded: %v", err)
			sound = false
			return nil
		case err != nil:
			return err
		}
		folded = batch[len(batch)-1].Envelope.Position
		clear(batch)
		batch, size = batch[:0], 0
		if progress != nil {
			progress(folded)
		}
		return nil
	}
	var cut error
	for e, err := range upToDamage(ctx, store) {
		if errors.Is(err, eventstore.ErrCorrupt) {
			cut = err
			break
		}
		if err != nil {
			return err
		}
		if e.Position > to {
			break
		}
		if e.Position <= v.Position {
			v.problem("position %d comes after position %d", e.Position, v.Position)
		}
		if counted && e.Position > v.Position+1 {
			v.problem("position %d is missing: what stood there was removed", v.Position+1)
		}
		if want := next[e.Stream]; e.Revision != want {
			v.problem("stream %s has revision %d at position %d, want %d", e.Stream, e.Revision, e.Position, want)
		}
		if at, twice := ids[e.ID]; twice {
			v.problem("event %s stands at positions %d and %d", e.ID, at, e.Position)
		}
		next[e.Stream], ids[e.ID] = e.Revision+1, e.Position
		v.Position = e.Position
		v.Events++
		if err := sealed.see(&e); err != nil {
			return err
		}
		if err := unveil(ctx, &e); err != nil {
			return err
		}
		entry := replay.EntryOf(e)
		if slices.Contains(unread, e.Kind) && entry.Err == nil { // the fold does not look at it
			if _, err := events.Decode(e); err != nil {
				v.problem("a fact can't be read: %v", err)
			}
		}
		if sound && e.Position <= live {
			batch, size = append(batch, entry), size+len(entry.Envelope.Data)
		}
		if len(batch) == replay.MaxBatch || size > replay.BatchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	v.Streams = len(next)
	if v.Position < live && cut == nil {
		v.problem("the read models hold what came up to position %d, and the log ends at position %d: its end is gone, or they are another log's", live, v.Position)
	}
	if err := v.ledger(sealed, cut); err != nil {
		return err
	}
	return flush()
}

// upToDamage yields the log's events. An engine reads many at once and fails as a whole where one of them can't be
// read: from there on they are read one by one, so that none before the damage is missed.
func upToDamage(ctx context.Context, store eventstore.Store) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		o := eventstore.ReadOptions{}
		for more := true; more; {
			more = false
			for e, err := range store.ReadAll(ctx, o) {
				if errors.Is(err, eventstore.ErrCorrupt) && o.Limit == 0 {
					o.Limit, more = 1, true
					break
				}
				if !yield(e, err) || err != nil {
					return
				}
				o.From, more = e.Position, o.Limit == 1
			}
		}
	}
}

// ledger tells how far the log is sealed, and first of all problems where it is not what was sealed.
func (v *Verification) ledger(w *witness, cut error) error {
	found, err := w.finish(cut)
	if err != nil {
		return err
	}
	v.Digest, v.SealedPosition, v.UnsealedEvents = hex.EncodeToString(w.chain.link[:]), w.soundPosition, w.ordinal-w.sound.end()
	if v.SealedPosition > 0 {
		v.Seal = hex.EncodeToString(w.sound.Digest[:])
	}
	if !w.notedOne {
		v.problem("no part of the log from its start has the digest %x: it was noted of another log, or this one was rewritten or cut off before it", w.noted)
	}
	if w.unjudged != "" {
		v.problem("%s", w.unjudged)
	}
	for i, t := range found {
		if i == 0 {
			v.Tampered = &t
			v.Problems = slices.Insert(v.Problems, 0, t.Reason)
			continue
		}
		v.problem("%s", t.Reason)
	}
	return nil
}
