package replay

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// Difference is how what would be proposed compares to what was.
type Difference string

// The differences.
const (
	// DifferenceNew would be proposed today, and was not.
	DifferenceNew Difference = "new"
	// DifferenceGone was proposed, and would not be today.
	DifferenceGone Difference = "gone"
	// DifferenceChanged is proposed both times, not in the same way.
	DifferenceChanged Difference = "changed"
	// DifferenceSame is proposed both times.
	DifferenceSame Difference = "same"
	// DifferenceStanding was proposed before the time that was looked at began: nobody could have proposed it again.
	DifferenceStanding Difference = "standing"
)

// Rehearsed is one proposal, as it would be made and as it was made.
type Rehearsed struct {
	ID         string     `json:"id"`
	Difference Difference `json:"difference"`
	// Differs names what is not the same, for DifferenceChanged: "when" (by as long as from one look of its analyst to the next, or longer),
	// "analyst", "change", "reason", "evidence" (but for its log positions), "expected", "refused".
	Differs []string `json:"differs,omitempty"`
	// Would is what today's analysts propose, null for DifferenceGone. Did is what was proposed, null for DifferenceNew.
	Would *Claim `json:"would"`
	Did   *Claim `json:"did"`
}

// At is when it would have been proposed, or was where it would not.
func (r Rehearsed) At() time.Time {
	if r.Would != nil {
		return r.Would.At
	}
	return r.Did.At
}

// Claim is a proposal at the time when it is made.
type Claim struct {
	At time.Time `json:"at"`
	// Position is the last log position that the analyst had seen, or that of the fact that recorded the proposal.
	Position       uint64          `json:"position"`
	Analyst        string          `json:"analyst"`
	AnalystVersion int             `json:"analyst_version"`
	Change         events.Change   `json:"change"`
	Reason         string          `json:"reason"`
	Evidence       events.Evidence `json:"evidence"`
	Expected       events.Expected `json:"expected"`
	// Strength is how its claim stood at the end, or when it was recorded; empty where that is not known.
	Strength events.Strength `json:"strength,omitempty"`
	// Refused is why the policy would not take it, empty where it would.
	Refused string `json:"refused,omitempty"`
}

func claimed(p evidence.Proposal, at time.Time, position uint64, refused string) Claim {
	return Claim{
		At: at, Position: position, Analyst: p.Analyst, AnalystVersion: p.AnalystVersion, Change: p.Change, Reason: p.Reason,
		Evidence: p.Evidence, Expected: p.Expected, Strength: p.Strength, Refused: refused,
	}
}

func recorded(e *events.Envelope, f *events.ImprovementProposed) Claim {
	return Claim{
		At: e.OccurredAt, Position: e.Position, Analyst: f.Analyst, AnalystVersion: f.AnalystVersion, Change: f.Change,
		Reason: f.Reason, Evidence: f.Evidence, Expected: f.Expected, Strength: f.Strength,
	}
}

// report compares what would be proposed to what was.
func (r *rehearsal) report(ctx context.Context, store eventstore.Store) (Rehearsal, error) {
	did, unread, err := r.proposed(ctx, store)
	if err != nil {
		return Rehearsal{}, fmt.Errorf("read what was proposed: %w", err)
	}
	held, err := r.tried(ctx, store, unread)
	if err != nil {
		return Rehearsal{}, fmt.Errorf("read what was tried: %w", err)
	}
	parked, err := r.models.Parked(ctx)
	if err != nil {
		return Rehearsal{}, err
	}
	for _, p := range parked {
		unread[p.Stream] = true
	}
	out := Rehearsal{
		Position: r.position, Looks: r.looks, Paces: []Pace{}, Parked: len(unread), Proposals: []Rehearsed{},
		Trials: append([]Trial{}, beside(r.trials, held, r.c.From)...), Pauses: append([]Pause{}, r.pauses...),
	}
	every := make(map[string]time.Duration)
	for n, runner := range r.runners {
		every[runner.Name] = runner.Every
		out.Paces = append(out.Paces, Pace{Analyst: runner.Name, EverySeconds: runner.Every.Seconds(), Looks: r.looked[n]})
	}
	if r.looks > 0 {
		out.First, out.Last = &r.first, &r.last
	}
	if out.Digest, err = r.digest(); err != nil {
		return Rehearsal{}, err
	}
	for id, would := range r.would {
		one := Rehearsed{ID: id, Difference: DifferenceNew, Would: &would}
		if then, ok := did[id]; ok {
			one.Did = &then
			one.compare(r.c.From, every[would.Analyst])
		}
		out.Proposals = append(out.Proposals, one)
	}
	for id, then := range did {
		if _, ok := r.would[id]; !ok && !then.At.Before(r.c.From) {
			out.Proposals = append(out.Proposals, Rehearsed{ID: id, Difference: DifferenceGone, Did: &then})
		}
	}
	slices.SortFunc(out.Proposals, func(a, b Rehearsed) int { return cmp.Or(a.At().Compare(b.At()), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// proposed is what analysts proposed up to the end of the time that is looked at, by id, and the streams that could not
// be read.
func (r *rehearsal) proposed(ctx context.Context, store eventstore.Store) (did map[string]Claim, unread map[string]bool, err error) {
	did, unread = make(map[string]Claim), make(map[string]bool)
	kinds := []string{events.ImprovementProposed{}.Kind()}
	for e, err := range store.ReadAll(ctx, eventstore.ReadOptions{Kinds: kinds}) {
		if err != nil {
			return nil, nil, err
		}
		if e.Position > r.c.UpTo {
			break
		}
		if e.Workspace != r.c.Workspace || !strings.HasPrefix(e.Actor, "analyst:") || r.after(e.OccurredAt) {
			continue
		}
		fact, err := events.Decode(e)
		f, ok := fact.(events.ImprovementProposed)
		if err != nil || !ok {
			unread[e.Stream] = true
			continue
		}
		did[f.Improvement] = recorded(&e, &f)
	}
	return did, unread, nil
}

// compare tells how the two sides differ.
func (r *Rehearsed) compare(from time.Time, every time.Duration) {
	if r.Did.At.Before(from) {
		r.Difference = DifferenceStanding
		return
	}
	would, did := r.Would, r.Did
	for _, part := range []struct {
		name   string
		differ bool
	}{
		{"when", would.At.Sub(did.At).Abs() >= every},
		{"analyst", would.Analyst != did.Analyst || would.AnalystVersion != did.AnalystVersion},
		{"change", differ(would.Change, did.Change)},
		{"reason", would.Reason != did.Reason},
		{"evidence", differ(moved(would.Evidence, nowhere), moved(did.Evidence, nowhere))},
		{"expected", would.Expected != did.Expected},
		{"refused", would.Refused != did.Refused},
	} {
		if part.differ {
			r.Differs = append(r.Differs, part.name)
		}
	}
	r.Difference = DifferenceSame
	if len(r.Differs) > 0 {
		r.Difference = DifferenceChanged
	}
}

func differ(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX != nil || errY != nil || !bytes.Equal(x, y)
}

// moved is evidence with other log positions.
func moved(e events.Evidence, to func(position uint64) uint64) events.Evidence {
	e.From, e.To, e.Positions = to(e.From), to(e.To), slices.Clone(e.Positions)
	for i, p := range e.Positions {
		e.Positions[i] = to(p)
	}
	return e
}

// nowhere is for comparing evidence: a copied log has other positions than those that its facts tell of.
func nowhere(uint64) uint64 { return 0 }

// digest is the SHA-256 of all that would be proposed, by time and id, one JSON value a line, with ordinals in place of
// positions.
func (r *rehearsal) digest() (string, error) {
	sum := sha256.New()
	ids := slices.SortedFunc(maps.Keys(r.would), func(a, b string) int {
		return cmp.Or(r.would[a].At.Compare(r.would[b].At), cmp.Compare(a, b))
	})
	for _, id := range ids {
		c := r.would[id]
		c.Position, c.Evidence = r.ordinals.of(c.Position), moved(c.Evidence, r.ordinals.of)
		line, err := json.Marshal(struct {
			ID string `json:"id"`
			Claim
		}{id, c})
		if err != nil {
			return "", fmt.Errorf("proposal %s of analyst %s: %w", id, c.Analyst, err)
		}
		sum.Write(append(line, '\n'))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// ordinals number the events of a log from 1. A span is a row of positions without a gap: most logs have few, one in
// EventStoreDB has one an event, at 24 bytes.
type ordinals struct {
	spans []span
	count uint64
}

type span struct{ position, ordinal, length uint64 }

// add takes the next event in.
func (o *ordinals) add(position uint64) {
	o.count++
	if n := len(o.spans) - 1; n >= 0 && o.spans[n].position+o.spans[n].length == position {
		o.spans[n].length++
		return
	}
	o.spans = append(o.spans, span{position, o.count, 1})
}

// of is the ordinal of the last event up to a position, 0 where there is none.
func (o *ordinals) of(position uint64) uint64 {
	i := sort.Search(len(o.spans), func(i int) bool { return o.spans[i].position > position }) - 1
	if i < 0 {
		return 0
	}
	s := o.spans[i]
	return s.ordinal + min(position-s.position, s.length-1)
}
