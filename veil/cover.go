package veil

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/eventstore"
)

// ErrNoKey tells that what belongs to a person can't be added to, since the key is not there and nobody destroyed it.
var ErrNoKey = errors.New("the key of the person is missing: put the store of keys back, or give it with --keys")

// covering is one append on its way into the log.
type covering struct {
	*Store
	ctx context.Context
	// people are those of this append by name or mark: keys are never remembered for longer, so that nobody's texts are
	// encrypted with a key that was destroyed meanwhile.
	people map[string]*opened
}

// cover veils a batch.
func (s *Store) cover(ctx context.Context, stream string, batch []events.Envelope) ([]events.Envelope, error) {
	c := covering{Store: s, ctx: ctx, people: map[string]*opened{}}
	var first []byte
	var veiled []events.Envelope
	for i := range batch {
		e := &batch[i]
		if i == 0 && begins[e.Kind] {
			first = e.Data
		}
		owners, err := s.owners(ctx, stream, e, first)
		if err != nil {
			return nil, err
		}
		out, err := c.event(*e, owners)
		if err != nil {
			return nil, fmt.Errorf("append to %s: %w", stream, err)
		}
		if veiled == nil && (out.Actor != e.Actor || !bytes.Equal(out.Data, e.Data)) {
			veiled = append(make([]events.Envelope, 0, len(batch)), batch[:i]...)
		}
		if veiled != nil {
			veiled = append(veiled, out)
		}
	}
	if veiled == nil {
		return batch, nil
	}
	return veiled, nil
}

// begins are the first facts of streams whose texts are those of who asked.
var begins = map[string]bool{"run.started": true, "goal.created": true}

// event is an event as it is stored. owners are those whose texts are in it.
func (c covering) event(e events.Envelope, owners []string) (events.Envelope, error) {
	whose, err := c.add(nil, owners)
	if err != nil {
		return e, err
	}
	if e.Actor, err = c.name(e.Actor, false); err != nil {
		return e, err
	}
	asked := titled(&e)
	w := rewrite{}
	w.text = func(raw jsontext.Value, at string) ([]byte, error) {
		if len(whose) == 0 || empty(raw) || e.Kind == "run.approval_answered" && at == "/answer" { // which is granted or refused
			return nil, nil
		}
		shape := shapes[raw.Kind()]
		for _, p := range whose {
			if p.state == erased {
				return gone(shape, events.Erased), nil
			}
		}
		sealed := []byte(raw)
		for _, p := range whose { // without the keys of all of them nobody reads it
			sealed = []byte(`"` + seal + shape + ":" + p.person.ID + ":" + p.box.seal(sealed, place{e.ID, at}) + `"`)
		}
		return sealed, nil
	}
	w.name = func(raw jsontext.Value, at string) ([]byte, error) {
		if asked && at == "/task" {
			return w.text(raw, at)
		}
		if len(raw) < 3 || raw.Kind() != '"' {
			return nil, nil
		}
		name, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return nil, nil //nolint:nilerr // what is no UTF-8 names nobody
		}
		up, member, _ := cutLast(at)
		if _, of, _ := cutLast(up); of == "of" {
			member = "user"
		}
		other, err := c.name(string(name), member == "requester" || member == "user")
		if err != nil || other == string(name) {
			return nil, err
		}
		return json.Marshal(other)
	}
	if category := events.Category(e.Stream); category != "run" && category != "goal" || bytes.Contains(e.Data, ofMark) {
		var around [][]*opened
		w.enter = func(member string, object []byte) error {
			around = append(around, whose)
			if configuration[member] {
				whose = nil
			}
			var err error
			whose, err = c.add(whose, c.within(object))
			return err
		}
		w.leave = func() { whose, around = around[len(around)-1], around[:len(around)-1] }
	}
	e.Data, err = w.run(e.Data)
	return e, err
}

// titled tells of a fact whose task is not a name that runs share, but the title that a goal's plan gives it, in the words of whoever asked for that.
func titled(e *events.Envelope) bool {
	return e.Kind == "run.started" && len(members(e.Data, "goal")) > 0
}

// configuration are the members that hold what agents are made of: what they are told is the workspace's, whoever wrote it, but for what it names
// people of.
var configuration = map[string]bool{"config": true, "before": true, "others": true}

func cutLast(pointer string) (up, last string, ok bool) {
	i := strings.LastIndexByte(pointer, '/')
	if i < 0 {
		return "", pointer, false
	}
	return pointer[:i], pointer[i+1:], true
}

// add are people and others that names tell, without those that are nobody's.
func (c covering) add(people []*opened, names []string) ([]*opened, error) {
	for _, name := range names {
		p, err := c.whose(name)
		if err != nil {
			return nil, err
		}
		if p != nil && !slices.Contains(people, p) {
			people = append(slices.Clip(people), p)
		}
	}
	return people, nil
}

// name is what stands for a name in the log. sure tells that it can only be a person's.
func (c covering) name(name string, sure bool) (string, error) {
	prefix, person := acting(name)
	if _, is := marked(person); is {
		return "", fmt.Errorf("%w: %w: %q stands for somebody, and is no name", eventstore.ErrInvalid, ErrNoKey, name)
	}
	if !(sure || prefix != "" || InSlack(person)) || !c.c.Who(person) || !sound(person) {
		return name, nil
	}
	p, err := c.whose(person)
	if err != nil {
		return "", err
	}
	return prefix + mark + p.person.ID, nil
}

// whose is the person of a name or of a mark, with a key made where there is none yet. It is nil for nobody.
func (c covering) whose(name string) (*opened, error) {
	if name == "" {
		return nil, nil
	}
	if known := c.people[name]; known != nil {
		return known, nil
	}
	var p Person
	var err error
	if id, is := marked(name); is {
		p, err = c.c.Keys.Person(c.ctx, id)
		if errors.Is(err, ErrNoPerson) {
			return nil, fmt.Errorf("%w: %w", eventstore.ErrUnavailable, ErrNoKey)
		}
	} else {
		p, err = c.c.Keys.Of(c.ctx, newPerson(name, c.c.Now()))
	}
	if err != nil {
		return nil, away(err)
	}
	found := &opened{person: p}
	if p.Key == nil {
		found.state = erased
	} else if found.box, err = newBox(p.Key); err != nil {
		return nil, fmt.Errorf("the key of %s: %w", p.ID, err)
	}
	c.people[name] = found
	return found, nil
}

// empty tells of a value that says nothing.
func empty(raw jsontext.Value) bool {
	switch raw.Kind() {
	case '"', '[', '{':
		return len(raw) <= 2
	}
	return true
}

// shapes tell in a seal what is behind it: a text, a list or an object.
var shapes = map[jsontext.Kind]string{'"': "s", '[': "a", '{': "o"}

// gone is what stands where something was that can't be read any more.
func gone(shape, says string) []byte {
	switch shape {
	case "a":
		return []byte("[]")
	case "o":
		return []byte("{}")
	}
	return []byte(`"` + says + `"`)
}
