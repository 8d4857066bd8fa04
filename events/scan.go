package events

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"reflect"
	"strings"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Nearly every fact is just what Encode wrote: one JSON object without spaces, its fields in their order. A cursor reads
// such a one in a fraction of the time that the library takes, which reads any JSON. Where anything is otherwise it gives
// up, and the library has the last word. FuzzScan holds it to read what the library reads, or nothing.

// scratch is a fact to be filled, with the places of its fields.
type scratch[E any] struct {
	fact   E
	fields []place
	cursor cursor
}

// place is a field: its name as JSON, colon included, and what reads its value. A nil read gives up.
type place struct {
	name string
	read func(*cursor) bool
}

// scratches lends out scratches of one kind.
func scratches[E any]() *sync.Pool {
	return &sync.Pool{New: func() any {
		s := &scratch[E]{}
		s.fields = places(reflect.ValueOf(&s.fact).Elem())
		s.cursor.seed = maphash.MakeSeed()
		return s
	}}
}

// scan reads a fact as Encode writes it. It is false for all else.
func scan[E Event](pool *sync.Pool, data []byte) (fact Event, ok bool) {
	s := pool.Get().(*scratch[E]) //nolint:forcetypeassert // scratches made it
	s.cursor.rest = data
	if ok = s.cursor.object(s.fields) && len(s.cursor.rest) == 0; ok {
		fact = s.fact
	}
	var none E
	s.fact, s.cursor.rest = none, nil
	pool.Put(s)
	return fact, ok
}

// places are those of a struct's fields, in their order.
func places(v reflect.Value) []place {
	var all []place
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		all = append(all, place{name: `"` + name + `":`, read: filling(v.Field(i))})
	}
	return all
}

// filling is what reads a field, nil for types that only the library reads.
func filling(v reflect.Value) func(*cursor) bool {
	switch v.Addr().Interface().(type) {
	case json.Unmarshaler, encoding.TextUnmarshaler, jsonv2.UnmarshalerFrom:
		return nil // it reads itself
	}
	switch v.Kind() {
	case reflect.String:
		to := v.Addr().Convert(reflect.TypeFor[*string]()).Interface().(*string)
		return func(c *cursor) (ok bool) { *to, ok = c.text(); return ok }
	case reflect.Int64:
		to := v.Addr().Convert(reflect.TypeFor[*int64]()).Interface().(*int64)
		return func(c *cursor) (ok bool) { *to, ok = c.integer(); return ok }
	}
	switch to := v.Addr().Interface().(type) {
	case *int:
		return func(c *cursor) bool { n, ok := c.integer(); *to = int(n); return ok }
	case **int:
		return func(c *cursor) bool { n, ok := c.integer(); m := int(n); *to = &m; return ok }
	case *bool:
		return func(c *cursor) bool { *to = c.take("true"); return *to }
	case *[]int:
		return func(c *cursor) (ok bool) { *to, ok = c.integers(); return ok }
	case *map[string]string:
		return func(c *cursor) (ok bool) { *to, ok = c.labels(); return ok }
	case **Source:
		var source Source
		fields := places(reflect.ValueOf(&source).Elem())
		return func(c *cursor) bool {
			ok := c.object(fields)
			s := source
			*to, source = &s, Source{}
			return ok
		}
	}
	return nil
}

// cursor reads JSON without spaces. Each of its steps is false where it meets anything else; the fact is then the
// library's.
type cursor struct {
	rest []byte
	// texts are short ones met before, so that equal ones share their memory, by their hashes.
	texts [512]string
	seed  maphash.Seed
	room  []byte
}

// take reads just a text.
func (c *cursor) take(s string) bool {
	if len(c.rest) < len(s) || string(c.rest[:len(s)]) != s {
		return false
	}
	c.rest = c.rest[len(s):]
	return true
}

// object reads fields in their order; any may be missing.
func (c *cursor) object(fields []place) bool {
	if !c.take("{") {
		return false
	}
	if c.take("}") {
		return true
	}
	for i := range fields {
		f := &fields[i]
		if !c.take(f.name) {
			continue
		}
		if f.read == nil || !f.read(c) {
			return false
		}
		if c.take("}") {
			return true
		}
		if !c.take(",") {
			return false
		}
	}
	return false
}

// integer reads one of up to 18 digits.
func (c *cursor) integer() (n int64, ok bool) {
	negative := c.take("-")
	i := 0
	for i < len(c.rest) && i < 19 && c.rest[i]-'0' <= 9 {
		n = 10*n + int64(c.rest[i]-'0')
		i++
	}
	if i == 0 || i > 18 || i > 1 && c.rest[0] == '0' || negative && n == 0 {
		return 0, false
	}
	c.rest = c.rest[i:]
	if negative {
		n = -n
	}
	return n, true
}

func (c *cursor) integers() (list []int, ok bool) {
	if !c.take("[") {
		return nil, false
	}
	for {
		n, ok := c.integer()
		if !ok {
			return nil, false
		}
		if list = append(list, int(n)); c.take("]") {
			return list, true
		}
		if !c.take(",") {
			return nil, false
		}
	}
}

func (c *cursor) labels() (labels map[string]string, ok bool) {
	if !c.take("{") {
		return nil, false
	}
	labels = make(map[string]string)
	for {
		k, ok := c.text()
		if !ok || !c.take(":") {
			return nil, false
		}
		v, ok := c.text()
		if !ok {
			return nil, false
		}
		if labels[k] = v; c.take("}") {
			return labels, true
		}
		if !c.take(",") {
			return nil, false
		}
	}
}

// maxShared is the longest text that is remembered.
const maxShared = 40

// text reads a string.
func (c *cursor) text() (string, bool) {
	b, plain := c.quoted()
	if !plain {
		if b == nil {
			return "", false
		}
		var err error
		if c.room, err = jsontext.AppendUnquote(c.room[:0], b); err != nil {
			return "", false
		}
		b = c.room
	}
	if len(b) > maxShared {
		return string(b), true
	}
	known := &c.texts[maphash.Bytes(c.seed, b)%uint64(len(c.texts))]
	if *known != string(b) {
		*known = string(b)
	}
	return *known, true
}

// quoted moves behind a string. Where it is plain, what stands between its quotes is what it says; else it is returned
// with them, and nil where it has no end.
func (c *cursor) quoted() (b []byte, plain bool) {
	if len(c.rest) == 0 || c.rest[0] != '"' {
		return nil, false
	}
	end := bytes.IndexByte(c.rest[1:], '"')
	if end < 0 {
		return nil, false
	}
	if b = c.rest[1 : end+1]; isPlain(b) {
		c.rest = c.rest[end+2:]
		return b, true
	}
	for i := 1; i < len(c.rest); i++ {
		switch c.rest[i] {
		case '\\':
			i++
		case '"':
			b, c.rest = c.rest[:i+1], c.rest[i+1:]
			return b, false
		}
	}
	return nil, false
}

// isPlain tells whether there is only ASCII that JSON does not escape, but for the quote, eight bytes at a time
// (Hyde, Bit Twiddling Hacks: https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord).
func isPlain(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		slash := x ^ ones*'\\'
		if (x|(x-ones*' ')&^x|(slash-ones)&^slash)&highs != 0 {
			return false
		}
	}
	for _, c := range b {
		if c < ' ' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}
