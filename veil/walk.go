package veil

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/virtuous6/virtuous6/redact"
)

// rewrite walks a fact's JSON and puts other values in the place of those that it is told to. Every other byte stays as it is.
type rewrite struct {
	data []byte
	in   *jsontext.Decoder
	// text is asked about the whole value of a member that holds what was said, name about every other string.
	text, name func(raw jsontext.Value, at string) ([]byte, error)
	// enter is told of every object within the fact, with its member's name and its beginning, and leave of its end.
	enter func(member string, object []byte) error
	leave func()

	out  []byte
	last int
	// failed is what text or name returned.
	failed error
}

// run returns the new JSON, or the old one where nothing changed, or where it is none: who decodes it tells.
func (w *rewrite) run(data []byte) ([]byte, error) {
	w.data = data
	w.in = jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	switch err := w.value(""); {
	case w.failed != nil:
		return nil, w.failed
	case err != nil || w.last == 0:
		return data, nil
	}
	return append(w.out, data[w.last:]...), nil
}

func (w *rewrite) value(member string) error {
	if redact.IsText(member) {
		return w.leaf(w.text)
	}
	switch w.in.PeekKind() {
	case '{':
		if w.enter != nil && w.in.StackDepth() > 0 {
			if err := w.enter(member, bytes.TrimLeft(w.data[w.in.InputOffset():], " \t\r\n,:")); err != nil {
				w.failed = err
				return err
			}
			defer w.leave()
		}
		if _, err := w.in.ReadToken(); err != nil {
			return err
		}
		for w.in.PeekKind() != '}' {
			name, err := w.in.ReadToken()
			if err != nil {
				return err
			}
			if err := w.value(name.String()); err != nil {
				return err
			}
		}
		_, err := w.in.ReadToken()
		return err
	case '[':
		if _, err := w.in.ReadToken(); err != nil {
			return err
		}
		for w.in.PeekKind() != ']' {
			if err := w.element(member); err != nil {
				return err
			}
		}
		_, err := w.in.ReadToken()
		return err
	case '"':
		return w.leaf(w.name)
	}
	return w.in.SkipValue()
}

// element is one of a list. What is no object has no member's name: a list of texts is one value.
func (w *rewrite) element(of string) error {
	if w.in.PeekKind() != '{' {
		of = ""
	}
	return w.value(of)
}

// leaf reads a whole value and puts another one in its place, where it is to have one.
func (w *rewrite) leaf(other func(jsontext.Value, string) ([]byte, error)) error {
	raw, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	n := len(raw)
	end := int(w.in.InputOffset())
	var put []byte
	if put, w.failed = other(raw, string(w.in.StackPointer())); w.failed != nil || put == nil {
		return w.failed
	}
	w.out = append(append(w.out, w.data[w.last:end-n]...), put...)
	w.last = end
	return nil
}

// members are the texts of some members of an object, in the order of those, each of which is a text or a list of them. What follows the object does
// not matter.
func members(object []byte, names ...string) (texts []string) {
	if !slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(object, []byte(`"`+name+`":`)) }) {
		return nil
	}
	of := make([][]string, len(names))
	in := jsontext.NewDecoder(bytes.NewReader(object), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := in.ReadToken(); err != nil || t.Kind() != '{' {
		return nil
	}
	for in.PeekKind() == '"' {
		name, err := in.ReadToken()
		if err != nil {
			break
		}
		i := slices.Index(names, name.String())
		if i < 0 {
			if in.SkipValue() != nil {
				break
			}
			continue
		}
		raw, err := in.ReadValue()
		if err != nil {
			break
		}
		var one string
		if json.Unmarshal(raw, &one) == nil {
			of[i] = []string{one}
		} else {
			_ = json.Unmarshal(raw, &of[i]) // what is neither names nobody
		}
	}
	for _, list := range of {
		texts = append(texts, list...)
	}
	return texts
}
