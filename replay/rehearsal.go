package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// RehearseEvery is how often the analysts look where a rehearsal is not told.
const RehearseEvery = 6 * time.Hour

// RehearsalConfig tells which part of history the analysts look at, and how often. The zero value looks at all of it.
type RehearsalConfig struct {
	// From and To bound the looks, both inclusive; zero is open. What lies before From is read, but not looked at. The
	// first fact that occurred after To ends the rehearsal.
	From, To time.Time
	// UpTo is the position that the log is read up to, 0 for its end.
	UpTo uint64
	// Every is the time from one look to the next, in event time. Default RehearseEvery.
	Every time.Duration
	// Workspace is whose runs they look at.
	Workspace string
	// Policy is what the deciders would hold proposals to.
	Policy aggregates.Policy
}

// Rehearsal is what today's analysts would have proposed while a history happened, beside what was proposed then.
type Rehearsal struct {
	// Position is the log position that was read up to.
	Position uint64 `json:"position"`
	// Looks is how often the analysts looked, First and Last when, in event time; null where they never did.
	Looks int        `json:"looks"`
	First *time.Time `json:"first_look"`
	Last  *time.Time `json:"last_look"`
	// EverySeconds is the time from one look to the next.
	EverySeconds float64 `json:"every_seconds"`
	// Parked counts the streams that could not be read to their end: neither side tells of what is in there.
	Parked int `json:"parked"`
	// Digest is the SHA-256, in hexadecimal, of all that would have been proposed, with ordinals (an event's number in
	// the log, seals and improvements not counted) in place of positions: the same history has the same digest in every
	// store, and whether it is sealed and analysed or not.
	Digest string `json:"digest"`
	// Proposals are by the time when they would have been made, or were made where they would not; then by id.
	Proposals []Rehearsed `json:"proposals"`
	// Trials are the changes that would have been tried on a part of the runs without a person, and those that were, by the time when they
	// would have been planned.
	Trials []Trial `json:"trials"`
	// Pauses are the times in which the loop was paused.
	Pauses []Pause `json:"pauses"`
}

// Rehearse reads a log from its start into scratch, which must be empty, and lets analysts look at it every so often.
// It gets nothing to append by, and nothing to call out with.
//
// Its clock is a watermark over event time, as in stream processing: the greatest occurred-at that was met so far
// (Akidau et al., The Dataflow Model, PVLDB 8(12), 2015). It is turned by what happened, not by seals and by what became
// of improvements. The looks stand at the whole multiples of Every since the Unix epoch: once a fact from beyond such a
// time is met, the analysts look at all that stands before that fact in the log. Where nothing was added since the last
// look there is none, and there is one more where the history ends. So a fact that was recorded long after it happened
// counts from where it stands in the log, as it did for the system then.
func Rehearse(
	ctx context.Context, store eventstore.Store, scratch *projections.Models, runners []analysts.Runner, c RehearsalConfig,
	progress func(position uint64),
) (Rehearsal, error) {
	if c.Every <= 0 {
		c.Every = RehearseEvery
	}
	head, err := store.Head(ctx)
	if err != nil {
		return Rehearsal{}, err
	}
	if c.UpTo > head {
		return Rehearsal{}, fmt.Errorf("%w: it ends at position %d", ErrBeyond, head)
	}
	if c.UpTo == 0 {
		c.UpTo = head
	}
	at, err := scratch.Position(ctx)
	if err == nil && at > 0 {
		err = fmt.Errorf("a rehearsal needs empty read models, not some at position %d", at)
	}
	if err != nil {
		return Rehearsal{}, err
	}
	r := rehearsal{c: c, models: scratch, runners: runners, progress: progress, would: make(map[string]Claim), ledger: make(map[string]evidence.Known)}
	defer r.thoughts.wait()
	if err := r.read(ctx, store); err != nil {
		return Rehearsal{}, err
	}
	if r.news && !r.paused() && !r.clock.Before(c.From) {
		if err := r.look(ctx, r.clock); err != nil {
			return Rehearsal{}, err
		}
	}
	if err := r.settle(); err != nil {
		return Rehearsal{}, err
	}
	return r.report(ctx, store)
}

// rehearsal is a rehearsal under way.
type rehearsal struct {
	c        RehearsalConfig
	models   *projections.Models
	runners  []analysts.Runner
	progress func(uint64)

	// clock is the greatest occurred-at met so far, zero before the first fact. news tells that something happened since
	// the last look.
	clock time.Time
	news  bool
	// position is what the read models have seen everything up to.
	position    uint64
	ordinals    ordinals
	looks       int
	first, last time.Time
	// thoughts are what the analysts think of the last look, while the log is read on.
	thoughts thoughts
	would    map[string]Claim
	// trials are those that the policy would have let be tried, pauses the times in which nothing would.
	trials []Trial
	pauses []Pause
	// ledger is what the log would hold of the improvements, by analyst and id.
	ledger map[string]evidence.Known
}

// thoughts are what analysts think of one look. The zero value is of none.
type thoughts struct {
	// at and position are those of the look.
	at       time.Time
	position uint64
	around   surroundings
	results  []evidence.Result
	done     chan struct{}
}

func (t *thoughts) wait() {
	if t.done != nil {
		<-t.done
	}
}

// read folds the log, with a look whenever one is due.
func (r *rehearsal) read(ctx context.Context, store eventstore.Store) error {
	for batch, err := range batches(ctx, store, 0, r.c.UpTo, MaxBatch) {
		if err != nil {
			return err
		}
		folded := 0
		for i := range batch {
			e := &batch[i].Envelope
			if Aside(e) {
				continue
			}
			if look, due := r.due(e.OccurredAt); due && !r.paused() {
				if err := r.fold(ctx, batch[folded:i]); err != nil {
					return err
				}
				folded = i
				if err := r.look(ctx, look); err != nil {
					return err
				}
			}
			if r.after(e.OccurredAt) {
				return r.fold(ctx, batch[folded:i])
			}
			if r.clock.IsZero() || e.OccurredAt.After(r.clock) {
				r.clock = e.OccurredAt
			}
			r.news = true
			r.pause(e)
			r.ordinals.add(e.Position)
		}
		if err := r.fold(ctx, batch[folded:]); err != nil {
			return err
		}
	}
	return nil
}

// Aside tells of a fact that it is no part of what the analysts look at: it seals the log, or is about an improvement.
func Aside(e *events.Envelope) bool {
	return e.Stream == commands.LedgerStream || events.Category(e.Stream) == "improvement"
}

// after tells of a time that it lies behind the time to look at.
func (r *rehearsal) after(at time.Time) bool { return !r.c.To.IsZero() && at.After(r.c.To) }

// due is the first time to look that the clock passes on its way to a time. Nothing happens between it and those after
// it, so that they need no look; something happened before it, since the fact that made the last look due came after that.
func (r *rehearsal) due(to time.Time) (time.Time, bool) {
	from := r.clock
	if from.Before(r.c.From) {
		from = r.c.From
	}
	if r.clock.IsZero() || !from.Before(to) {
		return time.Time{}, false
	}
	// Both are within the times that fit into nanoseconds: from lies between two facts.
	ns, every := from.UnixNano(), r.c.Every.Nanoseconds()
	wait := (every - ns%every) % every
	if ns < 0 {
		wait = -(ns % every)
	}
	if wait >= to.Sub(from).Nanoseconds() {
		return time.Time{}, false
	}
	at := from.Add(time.Duration(wait)).UTC()
	return at, !r.after(at)
}

func (r *rehearsal) fold(ctx context.Context, part []readmodel.Entry) error {
	if len(part) == 0 {
		return nil
	}
	if err := r.models.Apply(ctx, r.position, part); err != nil {
		return fmt.Errorf("fold after position %d: %w", r.position, err)
	}
	r.position = part[len(part)-1].Envelope.Position
	if r.progress != nil {
		r.progress(r.position)
	}
	return nil
}

// look lets the analysts look as of a time. They think while the log is read on.
func (r *rehearsal) look(ctx context.Context, at time.Time) error {
	if r.looks == 0 {
		r.first = at
	}
	r.looks++
	r.last, r.news = at, false
	var all []func() evidence.Result
	err := r.models.Fixed(ctx, r.c.Workspace, func(reader projections.Reader) error {
		for _, runner := range r.runners {
			think, err := runner.Load(ctx, reader)
			if err != nil {
				return err
			}
			all = append(all, think)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look as of %s: %w", at.Format(time.RFC3339), err)
	}
	around, err := surroundingsOf(ctx, r.models.In(r.c.Workspace))
	if err != nil {
		return fmt.Errorf("look as of %s: %w", at.Format(time.RFC3339), err)
	}
	if err := r.settle(); err != nil {
		return err
	}
	results, done := make([]evidence.Result, len(all)), make(chan struct{})
	r.thoughts = thoughts{at: at, position: r.position, around: around, results: results, done: done}
	go func() {
		defer close(done)
		for i, think := range all {
			results[i] = think()
		}
	}()
	return nil
}

// settle keeps what the analysts say of the last look, as it would have been recorded: the first time that it is not
// refused.
func (r *rehearsal) settle() error {
	r.thoughts.wait()
	at := r.thoughts.at
	for i, result := range r.thoughts.results {
		known := slices.SortedFunc(maps.Values(r.ledger), func(a, b evidence.Known) int { return cmp.Compare(a.Improvement, b.Improvement) })
		proposals, changes := evidence.Settle(r.runners[i].Name, known, result)
		for _, c := range changes {
			k := r.ledger[c.Improvement]
			k.Strength = c.Strength
			if c.Strength.Withdraws() {
				k.Open, k.Ended, k.EndedAt = false, true, r.thoughts.position
			}
			r.ledger[c.Improvement] = k
			claim := r.would[c.Improvement]
			claim.Strength = c.Strength
			r.would[c.Improvement] = claim
		}
		for _, p := range proposals {
			id := p.ID()
			if kept, ok := r.would[id]; ok && kept.Refused == "" {
				continue
			}
			refused, approved, err := r.refusal(p, at)
			if err == nil && refused == "" {
				err = r.try(p, approved)
			}
			if err != nil {
				return fmt.Errorf("look as of %s: propose %s: %w", at.Format(time.RFC3339), id, err)
			}
			if _, ok := r.would[id]; !ok || refused == "" {
				r.would[id] = claimed(p, at, r.thoughts.position, refused)
				r.ledger[id] = evidence.Known{
					Improvement: id, Analyst: p.Analyst, Generation: p.Generation, Change: p.Change, Claim: p.Claim,
					Strength: cmp.Or(p.Strength, events.Moderate), Open: refused == "",
				}
			}
		}
	}
	r.thoughts = thoughts{}
	return nil
}

// refusal is why the decider would not take a proposal, empty where it would; approved tells that it would need no person.
func (r *rehearsal) refusal(p evidence.Proposal, at time.Time) (refused string, approved bool, err error) {
	c := p.Wish(r.c.Workspace, at)
	c.Bound = r.thoughts.around.bound[p.Analyst]
	facts, err := r.decide(c)
	if aggregates.Refused(err) {
		return err.Error(), false, nil
	}
	return "", slices.ContainsFunc(facts, func(e events.Event) bool { return e.Kind() == events.ImprovementApproved{}.Kind() }), err
}
