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

// RehearsalConfig tells which part of history the analysts look at. The zero value looks at all of it.
type RehearsalConfig struct {
	// From and To bound the looks, both inclusive; zero is open. What lies before From is read, but not looked at. The
	// first fact that occurred after To ends the rehearsal.
	From, To time.Time
	// UpTo is the position that the log is read up to, 0 for its end.
	UpTo uint64
	// Workspace is whose runs they look at.
	Workspace string
	// Policy is what the deciders would hold proposals to.
	Policy aggregates.Policy
}

// Rehearsal is what today's analysts would have proposed while a history happened, beside what was proposed then.
type Rehearsal struct {
	// Position is the log position that was read up to.
	Position uint64 `json:"position"`
	// Looks is how often analysts looked, First and Last when, in event time; null where they never did.
	Looks int        `json:"looks"`
	First *time.Time `json:"first_look"`
	Last  *time.Time `json:"last_look"`
	// Paces tell of each analyst how often it looks.
	Paces []Pace `json:"analysts"`
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

// Pace is how often an analyst looks.
type Pace struct {
	Analyst string `json:"analyst"`
	// EverySeconds is the time from one look to the next, 0 for never. Looks is how often it did.
	EverySeconds float64 `json:"every_seconds"`
	Looks        int     `json:"looks"`
}

// Rehearse reads a log from its start into scratch, which must be empty, and lets each analyst look at it as often as it does
// (Runner.Every, 0 for never), in event time. It gets nothing to append by, and nothing to call out with.
//
// Its clock is a watermark over event time, as in stream processing: the greatest occurred-at that was met so far
// (Akidau et al., The Dataflow Model, PVLDB 8(12), 2015). It is turned by what happened, not by seals and by what became
// of improvements. An analyst's looks stand at the whole multiples of its Every since the Unix epoch: once a fact from beyond
// such a time is met, it looks at all that stands before that fact in the log. Where nothing was added since its last
// look there is none, and there is one more where the history ends. So a fact that was recorded long after it happened
// counts from where it stands in the log, as it did for the system then.
func Rehearse(
	ctx context.Context, store eventstore.Store, scratch *projections.Models, runners []analysts.Runner, c RehearsalConfig,
	progress func(position uint64),
) (Rehearsal, error) {
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
	r := rehearsal{
		c: c, models: scratch, runners: runners, progress: progress, would: make(map[string]Claim), ledger: make(map[string]evidence.Known),
		news: make([]bool, len(runners)), looked: make([]int, len(runners)),
	}
	defer r.thoughts.wait()
	if err := r.read(ctx, store); err != nil {
		return Rehearsal{}, err
	}
	if last := r.behind(); len(last) > 0 && !r.paused() && !r.clock.Before(c.From) {
		if err := r.look(ctx, r.clock, last); err != nil {
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

	// clock is the greatest occurred-at met so far, zero before the first fact. news tells of each analyst that something
	// happened since it looked last, looked how often it did.
	clock  time.Time
	news   []bool
	looked []int
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
	// at and position are those of the look, runners those who look.
	at       time.Time
	position uint64
	runners  []int
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
			if looks := r.due(e.OccurredAt); len(looks) > 0 && !r.paused() {
				if err := r.fold(ctx, batch[folded:i]); err != nil {
					return err
				}
				folded = i
				for _, l := range looks {
					if err := r.look(ctx, l.at, l.runners); err != nil {
						return err
					}
				}
			}
			if r.after(e.OccurredAt) {
				return r.fold(ctx, batch[folded:i])
			}
			if r.clock.IsZero() || e.OccurredAt.After(r.clock) {
				r.clock = e.OccurredAt
			}
			for n := range r.news {
				r.news[n] = true
			}
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

// appointment is a time at which some of the analysts look.
type appointment struct {
	at      time.Time
	runners []int
}

// due are the first times to look that the clock passes on its way to a time, one an analyst at most. Nothing happens between
// the first and those after it, so that they need no look; something happened before it, since the fact that made the last look
// due came after that.
func (r *rehearsal) due(to time.Time) (looks []appointment) {
	from := r.clock
	if from.Before(r.c.From) {
		from = r.c.From
	}
	if r.clock.IsZero() || !from.Before(to) {
		return nil
	}
	// Both are within the times that fit into nanoseconds: from lies between two facts.
	ns, left := from.UnixNano(), to.Sub(from).Nanoseconds()
	for n, runner := range r.runners {
		every := runner.Every.Nanoseconds()
		if every <= 0 {
			continue
		}
		wait := (every - ns%every) % every
		if ns < 0 {
			wait = -(ns % every)
		}
		if wait >= left {
			continue
		}
		at := from.Add(time.Duration(wait)).UTC()
		if r.after(at) {
			continue
		}
		i, found := slices.BinarySearchFunc(looks, at, func(l appointment, at time.Time) int { return l.at.Compare(at) })
		if !found {
			looks = slices.Insert(looks, i, appointment{at: at})
		}
		looks[i].runners = append(looks[i].runners, n)
	}
	return looks
}

// behind are the analysts that have not seen everything, and look at all.
func (r *rehearsal) behind() (runners []int) {
	for n, runner := range r.runners {
		if r.news[n] && runner.Every > 0 {
			runners = append(runners, n)
		}
	}
	return runners
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

// look lets some of the analysts look as of a time. They think while the log is read on.
func (r *rehearsal) look(ctx context.Context, at time.Time, runners []int) error {
	if r.looks == 0 {
		r.first = at
	}
	r.looks++
	r.last = at
	for _, n := range runners {
		r.looked[n]++
		r.news[n] = false
	}
	var all []func() evidence.Result
	err := r.models.Fixed(ctx, r.c.Workspace, func(reader projections.Reader) error {
		for _, n := range runners {
			think, err := r.runners[n].Load(ctx, reader)
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
	r.thoughts = thoughts{at: at, position: r.position, runners: runners, around: around, results: results, done: done}
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
		proposals, changes := evidence.Settle(r.runners[r.thoughts.runners[i]].Name, known, result)
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
