package ingest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep JSON and XML may nest. Parsing recurses, so the bound holds before anything is decoded.
const maxDepth = 200

// kind is the sort of a JSON value. Zero is a value that is not there.
type kind uint8

const (
	missing kind = iota
	null
	boolean
	number
	text
	list
	object
)

func (k kind) String() string {
	return [...]string{"nothing", "null", "true or false", "a number", "a text", "a list", "an object"}[k]
}

// node is one value of a document. Nodes stand in the order of the text: a value's children follow it, and next is
// the index behind its last descendant.
type node struct {
	kind kind
	// escaped and keyEscaped tell that the text, or the key, holds escapes and can't be taken as it stands.
	escaped, keyEscaped bool
	keyStart, keyEnd    int32
	// start and end bound the raw value; for a text they bound what is between its quotes.
	start, end int32
	next       int32
}

// document is one parsed JSON text. Its values are read in place, so that a record costs one string and one reused
// list of nodes.
//
// It is stricter than encoding/json, for input that nobody vouches for: a key may stand only once in an object, texts
// must be UTF-8 without NUL and without halves of surrogate pairs, and nesting is bounded.
type document struct {
	data  string
	nodes []node
	pos   int
	depth int
}

// syntaxError is what is wrong with a JSON text, and where.
type syntaxError struct {
	offset int
	path   string
	reason string
}

func (e *syntaxError) Error() string { return e.reason }

// under prefixes the path with the member or the element that the error was met in.
func (e *syntaxError) under(step string) *syntaxError {
	if e.path != "" && e.path[0] != '[' {
		step += "."
	}
	e.path = step + e.path
	return e
}

// parse reads one JSON value that makes up all of data, which must be shorter than 2 GiB. The document may be reused:
// values of the text before are then invalid, while texts taken from them stay.
func (d *document) parse(data string) (value, *syntaxError) {
	d.data, d.nodes, d.pos, d.depth = data, d.nodes[:0], 0, 0
	d.space()
	if err := d.value(0, 0, false); err != nil {
		return value{}, err
	}
	d.space()
	if d.pos < len(data) {
		return value{}, d.fail("more text follows the end of the value")
	}
	return value{doc: d}, nil
}

func (d *document) fail(format string, args ...any) *syntaxError {
	return &syntaxError{offset: d.pos, reason: fmt.Sprintf(format, args...)}
}

func (d *document) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\n', '\r', '\t':
			d.pos++
		default:
			return
		}
	}
}

func (d *document) value(keyStart, keyEnd int, keyEscaped bool) *syntaxError {
	if d.pos >= len(d.data) {
		return d.fail("the JSON is cut off")
	}
	at := len(d.nodes)
	d.nodes = append(d.nodes, node{keyStart: int32(keyStart), keyEnd: int32(keyEnd), keyEscaped: keyEscaped, start: int32(d.pos)})
	var err *syntaxError
	var k kind
	switch c := d.data[d.pos]; c {
	case '{':
		k, err = object, d.object(at)
	case '[':
		k, err = list, d.list()
	case '"':
		var start, end int
		var escaped bool
		k = text
		start, end, escaped, err = d.text()
		n := &d.nodes[at]
		n.start, n.end, n.escaped = int32(start), int32(end), escaped
	case 't':
		k, err = boolean, d.literal("true")
	case 'f':
		k, err = boolean, d.literal("false")
	case 'n':
		k, err = null, d.literal("null")
	default:
		if c != '-' && (c < '0' || c > '9') {
			return d.fail("%q can't start a JSON value", rest(d.data[d.pos:]))
		}
		k, err = number, d.number()
	}
	if err != nil {
		return err
	}
	n := &d.nodes[at]
	n.kind, n.next = k, int32(len(d.nodes))
	if k != text {
		n.end = int32(d.pos)
	}
	return nil
}

// rest is the next character, to be shown.
func rest(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}

func (d *document) enter() *syntaxError {
	if d.depth++; d.depth > maxDepth {
		return d.fail("nests deeper than %d levels", maxDepth)
	}
	d.pos++
	d.space()
	return nil
}

// leave reads what stands behind a member or an element: a comma, or the closing bracket.
func (d *document) leave(closing byte) (done bool, err *syntaxError) {
	d.space()
	switch {
	case d.pos >= len(d.data):
		return false, d.fail("the JSON is cut off")
	case d.data[d.pos] == closing:
		d.pos++
		d.depth--
		return true, nil
	case d.data[d.pos] != ',':
		return false, d.fail("%q stands where ',' or '%c' is due", rest(d.data[d.pos:]), closing)
	}
	d.pos++
	d.space()
	return false, nil
}

func (d *document) object(at int) *syntaxError {
	if err := d.enter(); err != nil {
		return err
	}
	if d.pos < len(d.data) && d.data[d.pos] == '}' {
		d.pos++
		d.depth--
		return nil
	}
	keys := keySet{first: at + 1}
	for {
		if d.pos >= len(d.data) || d.data[d.pos] != '"' {
			return d.fail("a key in quotes is due")
		}
		start, end, escaped, err := d.text()
		if err != nil {
			return err
		}
		d.space()
		if d.pos >= len(d.data) || d.data[d.pos] != ':' {
			return d.fail("':' is due behind the key %q", clip(d.data[start:end]))
		}
		if keys.has(d, start, end, escaped) {
			d.pos = start
			return d.fail("stands twice in the same object").under(clip(d.key(start, end, escaped)))
		}
		d.pos++
		d.space()
		if err := d.value(start, end, escaped); err != nil {
			return err.under(clip(d.key(start, end, escaped)))
		}
		if done, err := d.leave('}'); done || err != nil {
			return err
		}
	}
}

func (d *document) list() *syntaxError {
	if err := d.enter(); err != nil {
		return err
	}
	if d.pos < len(d.data) && d.data[d.pos] == ']' {
		d.pos++
		d.depth--
		return nil
	}
	for i := 0; ; i++ {
		if err := d.value(0, 0, false); err != nil {
			return err.under(fmt.Sprintf("[%d]", i))
		}
		if done, err := d.leave(']'); done || err != nil {
			return err
		}
	}
}

func (d *document) literal(word string) *syntaxError {
	if !strings.HasPrefix(d.data[d.pos:], word) {
		return d.fail("%q can't start a JSON value", rest(d.data[d.pos:]))
	}
	d.pos += len(word)
	return nil
}

func (d *document) number() *syntaxError {
	n := numberLength(d.data[d.pos:])
	if n == 0 {
		return d.fail("%q is not a JSON number", clip(d.data[d.pos:min(len(d.data), d.pos+20)]))
	}
	d.pos += n
	return nil
}

// numberLength is the length of the JSON number (RFC 8259) that s starts with, or 0.
func numberLength(s string) int {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return 0
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}
