package agents

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
)

// regular makes an event stream regular for go-openai: each event becomes one line "data: {…}", however its server broke
// it into lines. Comments, names of events and half an event at the end are left out. An error is an event like any
// other, whether its server named it by "event: error", by a field "error:" or inside its JSON. A server that
// answers with one JSON document is read as if it had streamed it at once.
type regular struct {
	*watched
	in   *bufio.Reader
	rest []byte

	begun bool
	// event is the name of the event under way, data its lines, end where their JSON ends.
	event []byte
	data  []byte
	end   jsonEnd
	// afterCR tells that a line break may still have its other half.
	afterCR bool
	err     error
}

func newRegular(body *watched) *regular {
	return &regular{watched: body, in: bufio.NewReaderSize(body, 16<<10)}
}

var doneEvent = []byte("[DONE]")

// Read hands out whole lines only.
func (s *regular) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		payload, err := s.next()
		if err != nil {
			return 0, err
		}
		s.rest = dataLine(payload)
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// dataLine keeps go-openai from its own reading of errors, which knows one shape of them: that starts with {"error".
func dataLine(payload []byte) []byte {
	line := []byte("data: ")
	if rest, object := bytes.CutPrefix(payload, []byte("{")); object {
		line, payload = append(line, "{ "...), rest
	}
	return append(append(line, payload...), '\n')
}

// next is the payload of the next event, on one line.
func (s *regular) next() ([]byte, error) {
	if !s.begun {
		s.begun = true
		if payload, err := s.document(); payload != nil || err != nil {
			return payload, err
		}
	}
	for s.err == nil {
		line, err := s.line()
		if s.err = err; err != nil && len(line) == 0 {
			break
		}
		if payload := s.take(line); payload != nil {
			return payload, nil
		}
	}
	// The last event may lack its blank line.
	if s.end.reached() || bytes.Equal(s.data, doneEvent) {
		if payload := s.dispatch(); payload != nil {
			return payload, nil
		}
	}
	return nil, s.err
}

// document reads a body that is one JSON document, or none of what is expected. It is nil for a stream.
func (s *regular) document() ([]byte, error) {
	if bom, err := s.in.Peek(3); err == nil && string(bom) == "\uFEFF" {
		_, _ = s.in.Discard(3) // it was peeked at
	}
	for {
		first, err := s.in.ReadByte()
		if err != nil {
			return nil, err
		}
		switch first {
		case ' ', '\t', '\r', '\n':
			continue
		}
		_ = s.in.UnreadByte() // it was just read
		if first != '{' && first != '[' && first != '<' {
			return nil, nil
		}
		all, err := io.ReadAll(io.LimitReader(s.in, maxLine+1))
		if s.err = err; err == nil {
			s.err = io.EOF
		}
		var compact bytes.Buffer
		switch {
		case len(all) > maxLine:
			return nil, errTooMuch
		case err != nil:
			return nil, err
		case first == '<' || json.Compact(&compact, all) != nil:
			return nil, &notStreamed{all}
		}
		return compact.Bytes(), nil
	}
}

// notStreamed is the body of an answer that is neither an event stream nor JSON.
type notStreamed struct{ body []byte }

func (*notStreamed) Error() string { return "the server answered with a document instead of a stream" }

// take takes in a line, and gives an event that it completes.
func (s *regular) take(line []byte) []byte {
	if len(line) == 0 {
		return s.dispatch()
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		s.event = bytes.TrimSpace(value)
	case "error":
		s.event, s.data = []byte("error"), nil
		s.append(value)
		return s.dispatch()
	case "data":
		// Some servers leave out the blank line between events.
		var before []byte
		if s.end.reached() {
			before = s.dispatch()
		}
		s.append(value)
		return before
	}
	return nil
}

func (s *regular) append(value []byte) {
	if len(s.data) > 0 {
		s.data = append(s.data, ' ')
	}
	s.data = append(s.data, value...)
	s.end.write(value)
}

// dispatch ends the event under way. An event without data is none.
func (s *regular) dispatch() []byte {
	event, data := s.event, bytes.TrimSpace(s.data)
	s.event, s.data, s.end = nil, nil, jsonEnd{}
	if len(data) == 0 {
		return nil
	}
	if string(event) != "error" || bytes.Equal(data, doneEvent) {
		return data
	}
	if !json.Valid(data) {
		data, _ = json.Marshal(string(data)) // a text can be marshalled
	}
	return append(append([]byte(`{"error":`), data...), '}')
}

// line reads up to a line break (CR, LF or both) and leaves it out.
func (s *regular) line() ([]byte, error) {
	var line []byte
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return line, err
		}
		after := s.afterCR
		s.afterCR = c == '\r'
		switch {
		case c == '\n' && after:
			continue
		case c == '\n' || c == '\r':
			return line, nil
		}
		if line = append(line, c); len(line)+len(s.data) > maxLine {
			return nil, errTooMuch
		}
	}
}

// jsonEnd finds where a JSON object or array ends while it comes in pieces.
type jsonEnd struct {
	depth                  int
	begun, inText, escaped bool
}

func (e *jsonEnd) write(piece []byte) {
	for _, c := range piece {
		switch {
		case e.escaped:
			e.escaped = false
		case e.inText:
			e.escaped, e.inText = c == '\\', c != '"'
		case c == '"':
			e.inText = true
		case c == '{' || c == '[':
			e.begun, e.depth = true, e.depth+1
		case c == '}' || c == ']':
			e.depth--
		}
	}
}

// reached tells that a whole object or array has come.
func (e *jsonEnd) reached() bool { return e.begun && e.depth == 0 && !e.inText }
