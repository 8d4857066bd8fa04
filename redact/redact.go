package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/virtuous6/virtuous6/events"
)

// ErrName tells that a name looks like a credential. The fact is not to be appended.
var ErrName = errors.New("looks like a credential, and a name is never rewritten: give it another one")

// redacted stands for a credential.
const redacted = "[redacted]"

// texts are the members of facts that hold what people, models and tools say, with all that is inside of them. All
// other texts in a fact are names: of runs, workflows, tasks, agents, steps, tools, models, users, and the keys of
// labels.
var texts = []string{
	"answer", "answered", "arguments", "asked", "better", "criterion", "description", "error", "ground", "instruction", "invalid", "note", "notes", "params", "prompt", "question", "reason", "result", "schema", "slots", "text", "title", "undrafted", "wish",
}

// tagged are members that hold names with a text each.
const tagged = "labels"

// IsText tells of a member that holds what people, models and tools say, with all that is inside of it.
func IsText(member string) bool { return member == tagged || slices.Contains(texts, member) }

// Envelope is what may be appended in place of an envelope: with the credentials in its texts replaced. It returns
// ErrName where a name looks like one, and tells which.
func Envelope(e events.Envelope) (events.Envelope, error) {
	r := known()
	if r.keywords.in(e.Data) || foreign(e.Data) {
		data, err := r.fact(e.Data)
		if err != nil {
			return e, fmt.Errorf("%s: %w", e.Kind, err)
		}
		e.Data = data
	}
	for _, n := range [...]struct{ member, name string }{
		{"stream", e.Stream}, {"run", e.Correlation}, {"actor", e.Actor}, {"workspace", e.Workspace},
	} {
		if err := r.name(n.member, n.name); err != nil {
			return e, fmt.Errorf("%s: %w", e.Kind, err)
		}
	}
	return e, nil
}

// foreign tells of JSON with escapes that our encoder need not have made. It can stand in a fact where a source's own
// JSON is kept, and hides keywords.
func foreign(data []byte) bool {
	return bytes.Contains(data, []byte(`\u`)) || bytes.Contains(data, []byte(`\/`))
}

// Text is a text without its credentials.
func Text(text string) string {
	return known().text(text)
}

func (r *rules) text(text string) string {
	hits := r.find(text)
	if len(hits) == 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	last := 0
	for _, h := range hits {
		out = append(append(out, text[last:h.from]...), redacted...)
		last = h.to
	}
	return string(append(out, text[last:]...))
}

func (r *rules) name(member, name string) error {
	if hits := r.find(name); len(hits) > 0 {
		return fmt.Errorf("%s (%s) %w", member, hits[0].rule, ErrName)
	}
	return nil
}

// fact replaces the credentials in the texts of a fact's JSON, and leaves every other byte as it is.
func (r *rules) fact(data []byte) ([]byte, error) {
	f := fact{
		rules: r, data: data,
		in: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
	}
	if err := f.value("", false); err != nil {
		return nil, err
	}
	if f.last == 0 {
		return data, nil
	}
	return append(f.out, data[f.last:]...), nil
}

// fact is a fact's JSON being read.
type fact struct {
	rules *rules
	data  []byte
	in    *jsontext.Decoder
	// out is what the data up to last became.
	out  []byte
	last int
}

func (f *fact) value(member string, text bool) error {
	switch f.in.PeekKind() {
	case '{':
		return f.object(member, text)
	case '[':
		if _, err := f.in.ReadToken(); err != nil {
			return err
		}
		for f.in.PeekKind() != ']' {
			if err := f.value(member, text); err != nil {
				return err
			}
		}
		_, err := f.in.ReadToken()
		return err
	case '"':
		s, raw, err := f.string()
		if err != nil {
			return err
		}
		if !text {
			return f.rules.name(member, s)
		}
		return f.replace(s, raw)
	}
	return f.in.SkipValue()
}

func (f *fact) object(member string, text bool) error {
	if _, err := f.in.ReadToken(); err != nil {
		return err
	}
	for f.in.PeekKind() != '}' {
		name, _, err := f.string()
		if err != nil {
			return err
		}
		inside := name
		if member != "" {
			inside = member + "." + name
		}
		if err := f.rules.name("a name in "+member, name); err != nil {
			return err
		}
		if err := f.value(inside, text || member == tagged || slices.Contains(texts, name)); err != nil {
			return err
		}
	}
	_, err := f.in.ReadToken()
	return err
}

// string reads a string, and tells how many bytes it is in the JSON.
func (f *fact) string() (string, int, error) {
	raw, err := f.in.ReadValue()
	if err != nil {
		return "", 0, err
	}
	// What is no UTF-8 is told of as an error and replaced: nothing looks for it.
	s, _ := jsontext.AppendUnquote(nil, raw)
	return string(s), len(raw), nil
}

// replace puts a text in the place of the string that was read last.
func (f *fact) replace(s string, raw int) error {
	clean := f.rules.text(s)
	if clean == s {
		return nil
	}
	quoted, err := json.Marshal(clean)
	if err != nil {
		return err
	}
	end := int(f.in.InputOffset())
	f.out = append(append(f.out, f.data[f.last:end-raw]...), quoted...)
	f.last = end
	return nil
}
