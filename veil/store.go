package veil

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// Config is what a Store goes by. Keys is needed.
type Config struct {
	Keys Keys
	// Who tells whose texts are veiled. Default InSlack.
	Who Who
	// Unknown hears once of a person whose key is not there though nobody destroyed it. Default nobody.
	Unknown func(id string)
	// Now tells the time. Default time.Now.
	Now func() time.Time
}

// Store is a log whose texts are veiled where they are stored.
type Store struct {
	eventstore.Store
	c Config

	mu sync.Mutex
	// streams are the marks of people whose streams of runs and goals are, none for those that are nobody's.
	streams *simplelru.LRU[string, []string]
	// known are people by their ids, for as long as knownFor.
	known   map[string]*opened
	unknown map[string]bool
}

type opened struct {
	person Person
	box    box
	state  state
	until  time.Time
}

// state is what became of a person's key.
type state int

const (
	there state = iota
	erased
	missing
)

// knownFor is how long another process's erasure may go unnoticed.
const knownFor = 2 * time.Second

// The bounds of what is remembered.
const (
	maxOwners = 65_536
	maxKnown  = 4_096
)

var _ eventstore.Veiled = (*Store)(nil)

// New veils a log.
func New(stored eventstore.Store, c Config) *Store {
	if c.Who == nil {
		c.Who = InSlack
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	streams, err := simplelru.NewLRU[string, []string](maxOwners, nil)
	if err != nil {
		panic("veil: " + err.Error()) // the size is not positive
	}
	return &Store{Store: stored, c: c, streams: streams, known: map[string]*opened{}, unknown: map[string]bool{}}
}

// Stored is the log as it is stored: what is sealed, copied and digested.
func (s *Store) Stored() eventstore.Store { return s.Store }

// Append implements eventstore.Store.
func (s *Store) Append(ctx context.Context, stream string, expected eventstore.Expected, batch []events.Envelope) (eventstore.Appended, error) {
	veiled, err := s.cover(ctx, stream, batch)
	if err != nil {
		return eventstore.Appended{}, err
	}
	return s.Store.Append(ctx, stream, expected, veiled)
}

// Submit implements eventstore.Store.
func (s *Store) Submit(ctx context.Context, chain *eventstore.Chain, stream string, expected eventstore.Expected, batch []events.Envelope) func() (eventstore.Appended, error) {
	veiled, err := s.cover(ctx, stream, batch)
	if err != nil {
		return func() (eventstore.Appended, error) { return eventstore.Appended{}, err }
	}
	return s.Store.Submit(ctx, chain, stream, expected, veiled)
}

// ReadStream implements eventstore.Store.
func (s *Store) ReadStream(ctx context.Context, stream string, o eventstore.StreamOptions) iter.Seq2[events.Envelope, error] {
	return s.unveiled(ctx, s.Store.ReadStream(ctx, stream, o))
}

// ReadAll implements eventstore.Store. A text is bound to its event's id, which a brief read may leave out: where anyone has a
// key, the whole events are read.
func (s *Store) ReadAll(ctx context.Context, o eventstore.ReadOptions) iter.Seq2[events.Envelope, error] {
	if o.Brief {
		people, err := s.c.Keys.All(ctx)
		o.Brief = err == nil && len(people) == 0
	}
	return s.unveiled(ctx, s.Store.ReadAll(ctx, o))
}

// identify finds the id of a veiled event that was read without: the first person can have got a key since the read began.
func (s *Store) identify(ctx context.Context, e *events.Envelope) error {
	if e.ID != uuid.Nil || !bytes.Contains(e.Data, sealMark) {
		return nil
	}
	for whole, err := range s.Store.ReadStream(ctx, e.Stream, eventstore.StreamOptions{From: &e.Revision, Limit: 1}) {
		if err != nil {
			return err
		}
		e.ID = whole.ID
	}
	return nil
}

func (s *Store) unveiled(ctx context.Context, all iter.Seq2[events.Envelope, error]) iter.Seq2[events.Envelope, error] {
	return func(yield func(events.Envelope, error) bool) {
		for e, err := range all {
			if err == nil {
				err = s.identify(ctx, &e)
			}
			if err == nil {
				err = s.Unveil(ctx, &e)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Subscribe implements eventstore.Store.
func (s *Store) Subscribe(ctx context.Context, after uint64) iter.Seq2[eventstore.Message, error] {
	return func(yield func(eventstore.Message, error) bool) {
		for m, err := range s.Store.Subscribe(ctx, after) {
			if err == nil && !m.CaughtUp {
				err = s.Unveil(ctx, &m.Event)
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// owners are the names, or the marks, of the people whose texts an event of a stream holds, none for nobody's. first are the
// data of the stream's first fact where the caller has them.
func (s *Store) owners(ctx context.Context, stream string, e *events.Envelope, first []byte) ([]string, error) {
	of := s.within(e.Data)
	if acted, said := words[e.Kind]; said {
		if who := s.did(e, acted); who != "" {
			return append([]string{who}, of...), nil
		}
	}
	switch events.Category(stream) {
	case "run", "goal":
	default:
		return of, nil
	}
	s.mu.Lock()
	owners, known := s.streams.Get(stream)
	s.mu.Unlock()
	if known {
		return append(slices.Clip(owners), of...), nil
	}
	if first == nil {
		for stored, err := range s.Store.ReadStream(ctx, stream, eventstore.StreamOptions{Limit: 1}) {
			switch {
			case errors.Is(err, eventstore.ErrNoStream):
				return nil, nil // the append is to be a conflict
			case err != nil:
				return nil, err
			}
			first = stored.Data
		}
	}
	if owners = s.within(first); !slices.ContainsFunc(owners, func(name string) bool { _, is := marked(name); return !is }) {
		// A name is not kept: whose it is may change once that person was erased.
		s.mu.Lock()
		s.streams.Add(stream, owners)
		s.mu.Unlock()
	}
	return append(slices.Clip(owners), of...), nil
}

// words are the facts whose texts are the words of who did it: whom the fact names, or where that is true who acted. Of the others in streams of
// runs and goals they are those of who asked, and elsewhere they are nobody's but those people's that they name.
var words = map[string]bool{
	"feedback.given": false, "review.judged": false, "slack.interacted": false, "conversation.summarised": false, "runbook.saved": false,
	"goal.told": true, "goal.task_answered": true, "goal.task_changed": true, "goal.task_skipped": true, "goal.plan_asked": true, "goal.paused": true, "goal.cancelled": true,
	"improvement.approved": true, "improvement.rejected": true, "improvement.rolled_back": true, "experiment.stopped": true, "loop.paused": true, "loop.resumed": true,
	"run.approval_answered": true, "run.cancelled": true, "tool.accepted": true, "agent.configured": true, "agent.retired": true, "analyst.bound": true, "analyst.freed": true,
	"dataset.run_added": true, "task.opened": true, "task.updated": true, "token.revoked": true, "trigger.removed": true,
}

var ofMark = []byte(`"of":["`)

// within are the people whose words the texts of a fact, or of an object in one, hold by what it says: who asked, and those that it names.
func (s *Store) within(object []byte) (names []string) {
	for _, name := range members(object, "requester", "of") {
		if name = s.covered(name, true); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// did is who did something, as the fact says or, where that counts, who acted, if that is somebody whose texts are veiled.
func (s *Store) did(e *events.Envelope, acted bool) string {
	for i, member := range [...]string{"requester", "user", "by"} {
		for _, name := range members(e.Data, member) {
			if name = s.covered(name, i < 2); name != "" {
				return name
			}
		}
	}
	if !acted || e.Kind == "agent.configured" && len(members(e.Data, "improvement")) > 0 {
		return "" // or the words are those of what proposed it
	}
	return s.covered(e.Actor, false)
}

// covered is the name, or the mark, of a person whose texts are veiled, empty for all else. sure tells that the name can only be a person's.
func (s *Store) covered(name string, sure bool) string {
	prefix, person := acting(name) // as the name itself is replaced
	if _, is := marked(person); is || (sure || prefix != "" || InSlack(person)) && s.c.Who(person) && sound(person) {
		return person
	}
	return ""
}

// person finds somebody by id.
func (s *Store) person(ctx context.Context, id string) (*opened, error) {
	now := s.c.Now()
	s.mu.Lock()
	known := s.known[id]
	s.mu.Unlock()
	if known != nil && now.Before(known.until) {
		return known, nil
	}
	found := &opened{until: now.Add(knownFor)}
	p, err := s.c.Keys.Person(ctx, id)
	switch {
	case errors.Is(err, ErrNoPerson):
		found.person.ID, found.state = id, missing
	case err != nil:
		return nil, away(err)
	case p.Key == nil:
		found.person, found.state = p, erased
	default:
		found.person = p
		if found.box, err = newBox(p.Key); err != nil {
			return nil, fmt.Errorf("the key of %s: %w", id, err)
		}
	}
	s.mu.Lock()
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[id] = found
	tell := found.state == missing && !s.unknown[id] && s.c.Unknown != nil
	if tell {
		s.unknown[id] = true
	}
	s.mu.Unlock()
	if tell {
		s.c.Unknown(id)
	}
	return found, nil
}

// Forget lets go of what is remembered of people: one of them was erased.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
}

func away(err error) error {
	return fmt.Errorf("%w: the keys of people: %w", eventstore.ErrUnavailable, err)
}
