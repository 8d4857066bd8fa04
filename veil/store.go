package veil

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
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
	// owners are the marks of people whose streams of runs and goals are, empty for those that are nobody's.
	owners *simplelru.LRU[string, string]
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
	owners, err := simplelru.NewLRU[string, string](maxOwners, nil)
	if err != nil {
		panic("veil: " + err.Error()) // the size is not positive
	}
	return &Store{Store: stored, c: c, owners: owners, known: map[string]*opened{}, unknown: map[string]bool{}}
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

// owner is the name, or the mark, of the person whose texts an event of a stream holds, empty for nobody's. first are the
// data of the stream's first fact where the caller has them.
func (s *Store) owner(ctx context.Context, stream string, e *events.Envelope, first []byte) (string, error) {
	if words[e.Kind] {
		if who := s.names(e.Data); who != "" {
			return who, nil
		}
	}
	switch events.Category(stream) {
	case "run", "goal":
	default:
		return "", nil
	}
	s.mu.Lock()
	owner, known := s.owners.Get(stream)
	s.mu.Unlock()
	if known {
		return owner, nil
	}
	if first == nil {
		for stored, err := range s.Store.ReadStream(ctx, stream, eventstore.StreamOptions{Limit: 1}) {
			switch {
			case errors.Is(err, eventstore.ErrNoStream):
				return "", nil // the append is to be a conflict
			case err != nil:
				return "", err
			}
			first = stored.Data
		}
	}
	owner = s.names(first)
	if _, is := marked(owner); is || owner == "" {
		// A name is not kept: whose it is may change once that person was erased.
		s.mu.Lock()
		s.owners.Add(stream, owner)
		s.mu.Unlock()
	}
	return owner, nil
}

// words are the facts whose texts are the words of who did it. Of the others in streams of runs and goals they are those of who
// asked, and elsewhere they are nobody's.
var words = map[string]bool{
	"feedback.given": true, "review.judged": true, "slack.interacted": true, "conversation.summarised": true,
	"goal.told": true, "goal.task_answered": true, "goal.task_changed": true, "goal.task_skipped": true, "goal.plan_asked": true, "goal.paused": true, "goal.cancelled": true,
	"improvement.approved": true, "improvement.rejected": true, "experiment.stopped": true, "loop.paused": true, "loop.resumed": true,
	"run.approval_answered": true, "tool.accepted": true, "runbook.saved": true,
}

// names is who a fact says asked, or did it, if that is somebody whose texts are veiled.
func (s *Store) names(data []byte) string {
	if !bytes.Contains(data, []byte(`"requester":"`)) && !bytes.Contains(data, []byte(`"user":"`)) && !bytes.Contains(data, []byte(`"by":"`)) {
		return ""
	}
	var by struct {
		Requester string `json:"requester"`
		User      string `json:"user"`
		By        string `json:"by"`
	}
	if json.Unmarshal(data, &by) != nil {
		return ""
	}
	for _, name := range []string{by.Requester, by.User, by.By} {
		_, name = acting(name) // as the name itself is replaced
		if _, is := marked(name); is || s.c.Who(name) && sound(name) {
			return name
		}
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
