package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
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
	// Digest is the SHA-256 over the log in order, and ReadModels over the rows of each table.
	Digest     string            `json:"digest"`
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
// that no event id stands twice and every fact can be read, and that the read models equal a rebuild into fresh, which
// must be empty. progress, if any, hears positions. It returns an error only where it could not look.
func Verify(ctx context.Context, store eventstore.Store, models, fresh *projections.Models, progress func(position uint64)) (Verification, error) {
	v := Verification{Problems: []string{}, ReadModels: map[string]string{}}
	if err := CatchUp(ctx, store, models, nil); err != nil {
		v.problem("the read models can't be brought up to date: %v", err)
	}
	live, err := models.Digest(ctx)
	if err != nil {
		return v, fmt.Errorf("digest of the read models: %w", err)
	}
	if err := v.log(ctx, store, live.Position, fresh, progress); err != nil {
		return v, err
	}
	rebuilt, err := fresh.Digest(ctx)
	if err != nil {
		return v, fmt.Errorf("digest of the rebuild: %w", err)
	}
	want := map[string]string{}
	for _, t := range rebuilt.Tables {
		want[t.Table] = t.SHA256
	}
	for _, t := range live.Tables {
		v.ReadModels[t.Table] = t.SHA256
		if t.SHA256 != want[t.Table] {
			v.problem("table %s is not what a rebuild gives: run `virtuous6 replay`", t.Table)
		}
	}
	v.OK = len(v.Problems) == 0
	return v, nil
}

// log walks the log up to a position, folding it into fresh on the way.
func (v *Verification) log(ctx context.Context, store eventstore.Store, to uint64, fresh *projections.Models, progress func(uint64)) error {
	sum := sha256.New()
	next := map[string]uint64{}
	ids := map[[16]byte]uint64{}
	var batch []projections.Entry
	var folded uint64
	sound := true
	flush := func() error {
		if len(batch) == 0 || !sound {
			return nil
		}
		err := fresh.Apply(ctx, folded, batch)
		var fold *projections.FoldError
		switch {
		case errors.As(err, &fold), errors.Is(err, projections.ErrOrder):
			v.problem("the log can't be folded: %v", err)
			sound = false
			return nil
		case err != nil:
			return err
		}
		folded = batch[len(batch)-1].Envelope.Position
		batch = batch[:0]
		if progress != nil {
			progress(folded)
		}
		return nil
	}
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{}) {
		if err != nil {
			return err
		}
		if e.Position > to {
			break
		}
		if e.Position <= v.Position {
			v.problem("position %d comes after position %d", e.Position, v.Position)
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
		seal(sum, e)
		fact, err := events.Decode(e)
		if err != nil {
			v.problem("%v", err)
			sound = false
			continue
		}
		if sound {
			batch = append(batch, projections.Entry{Envelope: e, Event: fact})
		}
		if len(batch) == maxBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	v.Streams = len(next)
	v.Digest = hex.EncodeToString(sum.Sum(nil))
	return flush()
}

// seal adds an event to a digest of the log: all that is immutable in it, each part with its length before it.
func seal(h hash.Hash, e events.Envelope) {
	var n [8]byte
	number := func(v uint64) {
		binary.BigEndian.PutUint64(n[:], v)
		h.Write(n[:])
	}
	text := func(b []byte) {
		number(uint64(len(b)))
		h.Write(b)
	}
	h.Write(e.ID[:])
	text([]byte(e.Stream))
	number(e.Revision)
	number(e.Position)
	text([]byte(e.Kind))
	number(uint64(e.Version))
	number(uint64(e.OccurredAt.UnixNano()))
	h.Write(e.Causation[:])
	text([]byte(e.Correlation))
	text([]byte(e.Actor))
	text([]byte(e.Workspace))
	text(e.Data)
}
