// Package plainjson reads the JSON that encoding/json writes of a struct, in a fraction of the time that a library takes for any
// JSON: one object without spaces, its fields in their order. Where anything is otherwise it gives up, and the library has
// the last word.
package plainjson

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Reader reads structs of type T: their fields are texts, integers, booleans, lists of integers, maps of texts, and pointers to
// integers and to structs, none of which holds itself. At a field of another type it gives up. It may be used concurrently.
type Reader[T any] struct{ pool sync.Pool }

// scratch is a value to be filled, with the places of its fields.
type scratch[T any] struct {
	value  T
	fields []place
	cursor cursor
}

// place is a field: its name as JSON, colon included, and what reads its value. A nil read gives up.
type place struct {
	name string
	read func(*cursor) bool
}

// New is a Reader. It panics at a type whose tags it does not follow.
func New[T any]() *Reader[T] {
	fresh := func() any {
		s := &scratch[T]{}
		s.fields = places(reflect.ValueOf(&s.value).Elem())
		s.cursor.seed = maphash.MakeSeed()
		return s
	}
	r := &Reader[T]{sync.Pool{New: fresh}}
	r.pool.Put(fresh())
	return r
}

// Object reads one value. It is false for what encoding/json would not write.
func (r *Reader[T]) Object(data []byte) (value T, ok bool) {
	s := r.begin(data)
	value, ok = s.next()
	return value, r.end(s) && ok
}

// List reads a list, and appends its values to room. It is false for what encoding/json would not write.
func (r *Reader[T]) List(data []byte, room []T) ([]T, bool) {
	s := r.begin(data)
	if !s.cursor.take("[") {
		r.end(s)
		return room, false
	}
	if s.cursor.take("]") {
		return room, r.end(s)
	}
	for {
		value, ok := s.next()
		if !ok {
			r.end(s)
			return room, false
		}
		room = append(room, value)
		if s.cursor.take("]") {
			return room, r.end(s)
		}
		if !s.cursor.take(",") {
			r.end(s)
			return room, false
		}
	}
}

func (r *Reader[T]) begin(data []byte) *scratch[T] {
	s := r.pool.Get().(*scratch[T]) //nolint:forcetypeassert // New made it
	s.cursor.rest = data
	return s
}

// end tells whether all was read.
func (r *Reader[T]) end(s *scratch[T]) bool {
	all := len(s.cursor.rest) == 0
	s.cursor.rest = nil
	r.pool.Put(s)
	return all
}

func (s *scratch[T]) next() (value T, ok bool) {
	var none T
	if ok = s.cursor.object(s.fields); ok {
		value = s.value
	}
	s.value = none
	return value, ok
}

// places are those of a struct's fields, in their order. It panics at a field whose tag says more than a name and
// omitempty or omitzero: that is a mistake in the code, and must show at the start.
func places(v reflect.Value) []place {
	var all []place
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" || option != "" && option != "omitempty" && option != "omitzero" {
			panic("plainjson: " + v.Type().String() + "." + f.Name + " needs a json tag of a name, with omitempty or omitzero at most")
		}
		all = append(all, place{name: `"` + name + `":`, read: filling(v.Field(i))})
	}
	return all
}

// special tells of types that the library reads in ways of their own.
func special(v reflect.Value) bool {
	switch v.Addr().Interface().(type) {
	case json.Unmarshaler, encoding.TextUnmarshaler, jsonv2.UnmarshalerFrom, *time.Duration:
		return true
	}
	return false
}

// filling is what reads a field, nil for types that only the library reads.
func filling(v reflect.Value) func(*cursor) bool {
	if special(v) {
		return nil
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
	case *uint64:
		return func(c *cursor) bool { n, ok := c.integer(); *to = uint64(n); return ok && n >= 0 }
	case **int:
		return func(c *cursor) bool { n, ok := c.integer(); m := int(n); *to = &m; return ok }
	case **int64:
		return func(c *cursor) bool { n, ok := c.integer(); *to = &n; return ok }
	case *bool:
		return func(c *cursor) bool { *to = c.take("true"); return *to }
	case *[]int:
		return func(c *cursor) (ok bool) { *to, ok = c.integers(); return ok }
	case *map[string]string:
		return func(c *cursor) (ok bool) { *to, ok = c.labels(); return ok }
	}
	if v.Kind() != reflect.Pointer || v.Type().Elem().Kind() != reflect.Struct {
		return nil
	}
	inner := reflect.New(v.Type().Elem()).Elem()
	if special(inner) {
		return nil
	}
	fields := places(inner)
	return func(c *cursor) bool {
		ok := c.object(fields)
		v.Set(reflect.New(inner.Type()))
		v.Elem().Set(inner)
		inner.SetZero()
		return ok
	}
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

// integer reads one of 64 bits, but for the least of them.
func (c *cursor) integer() (int64, bool) {
	negative := c.take("-")
	n, i := uint64(0), 0
	for i < len(c.rest) && i < 20 && c.rest[i]-'0' <= 9 {
		n = 10*n + uint64(c.rest[i]-'0')
		i++
	}
	// 19 digits fit into an unsigned one.
	if i == 0 || i == 20 || n > math.MaxInt64 || i > 1 && c.rest[0] == '0' || negative && n == 0 {
		return 0, false
	}
	c.rest = c.rest[i:]
	if negative {
		return -int64(n), true
	}
	return int64(n), true
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
