package veil

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/virtuous6/virtuous6/events"
)

// Locked is what is read of a text whose key is not there, though nobody destroyed it.
const Locked = "[no key]"

var (
	sealMark = []byte(`"` + seal)
	nameMark = []byte(mark)
)

// Unveil makes an event that was read from the log as it is stored what it was before. Texts of people who were erased read as
// events.Erased, lists of theirs as empty.
func (s *Store) Unveil(ctx context.Context, e *events.Envelope) error {
	if strings.Contains(e.Actor, mark) {
		name, err := s.nameOf(ctx, e.Actor)
		if err != nil {
			return err
		}
		e.Actor = name
	}
	if !bytes.Contains(e.Data, sealMark) && !bytes.Contains(e.Data, nameMark) {
		return nil
	}
	w := rewrite{
		text: func(raw jsontext.Value, at string) ([]byte, error) {
			if raw.Kind() != '"' || !bytes.HasPrefix(raw, sealMark) {
				return nil, nil
			}
			return s.textOf(ctx, raw, place{e.ID, at})
		},
		name: func(raw jsontext.Value, at string) ([]byte, error) {
			if at == "/task" && bytes.HasPrefix(raw, sealMark) && titled(e) {
				return s.textOf(ctx, raw, place{e.ID, at})
			}
			if raw.Kind() != '"' || !bytes.Contains(raw, nameMark) {
				return nil, nil
			}
			name := string(raw[1 : len(raw)-1])
			other, err := s.nameOf(ctx, name)
			if err != nil || other == name {
				return nil, err
			}
			return json.Marshal(other)
		},
	}
	data, err := w.run(e.Data)
	if err == nil {
		e.Data = data
	}
	return err
}

// textOf is what stands behind a seal. What only looks like one is a text as any other.
func (s *Store) textOf(ctx context.Context, raw jsontext.Value, at place) ([]byte, error) {
	parts := strings.SplitN(string(raw[len(sealMark):len(raw)-1]), ":", 3)
	if len(parts) != 3 || !isID(parts[1]) {
		return nil, nil
	}
	shape := parts[0]
	p, err := s.person(ctx, parts[1])
	if err != nil {
		return nil, err
	}
	switch p.state {
	case erased:
		return gone(shape, events.Erased), nil
	case missing:
		return gone(shape, Locked), nil
	case there:
	}
	text, err := p.box.open(parts[2], at)
	if err == nil && bytes.HasPrefix(text, sealMark) { // it is another person's too
		var inner []byte
		if inner, err = s.textOf(ctx, text, at); err != nil {
			return nil, err
		}
		if inner != nil {
			text = inner
		}
	}
	if err != nil || shapes[jsontext.Value(text).Kind()] != shape {
		return nil, nil //nolint:nilerr // somebody wrote it so
	}
	return text, nil
}

// nameOf is the name that a mark stands for.
func (s *Store) nameOf(ctx context.Context, name string) (string, error) {
	prefix, person := acting(name)
	id, is := marked(person)
	if !is {
		return name, nil
	}
	p, err := s.person(ctx, id)
	if err != nil {
		return "", err
	}
	switch p.state {
	case erased:
		return prefix + erasedName(id), nil
	case there:
		return prefix + p.person.Name, nil
	case missing:
	}
	return name, nil
}
