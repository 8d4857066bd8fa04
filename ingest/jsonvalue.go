package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"iter"
	"slices"
	"strings"
)

// keySet finds a key that stands twice. Most objects are small: it looks through the keys before, and makes a map
// only for a large one.
type keySet struct {
	first int
	count int
	large map[string]struct{}
}

func (k *keySet) has(d *document, start, end int, escaped bool) bool {
	const few = 12
	key := d.key(start, end, escaped)
	if k.large != nil {
		if _, twice := k.large[key]; twice {
			return true
		}
		k.large[key] = struct{}{}
		return false
	}
	for i := k.first; i < len(d.nodes); i = int(d.nodes[i].next) {
		if (value{d, int32(i)}).key() == key {
			return true
		}
	}
	if k.count++; k.count > few {
		k.large = map[string]struct{}{key: {}}
		for i := k.first; i < len(d.nodes); i = int(d.nodes[i].next) {
			k.large[value{d, int32(i)}.key()] = struct{}{}
		}
	}
	return false
}

func (d *document) key(start, end int, escaped bool) string {
	if escaped {
		return unescape(d.data[start:end])
	}
	return d.data[start:end]
}

// value is a value of a document. The zero value is one that is not there, and everything may be asked of it.
type value struct {
	doc *document
	at  int32
}

// key is what an object's member stands under.
func (v value) key() string {
	n := v.node()
	return v.doc.key(int(n.keyStart), int(n.keyEnd), n.keyEscaped)
}

func (v value) node() *node { return &v.doc.nodes[v.at] }

func (v value) kind() kind {
	if v.doc == nil {
		return missing
	}
	return v.node().kind
}

// given tells that the value is there and is not null.
func (v value) given() bool { return v.kind() > null }

// members are an object's keys and values.
func (v value) members() iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		if v.kind() != object {
			return
		}
		for i := v.at + 1; i < v.node().next; i = v.doc.nodes[i].next {
			m := value{v.doc, i}
			if !yield(m.key(), m) {
				return
			}
		}
	}
}

// items are a list's elements.
func (v value) items() iter.Seq2[int, value] {
	return func(yield func(int, value) bool) {
		if v.kind() != list {
			return
		}
		index := 0
		for i := v.at + 1; i < v.node().next; i = v.doc.nodes[i].next {
			if !yield(index, value{v.doc, i}) {
				return
			}
			index++
		}
	}
}

// length counts a list's elements.
func (v value) length() int {
	n := 0
	for range v.items() {
		n++
	}
	return n
}

// get is an object's member, or nothing.
func (v value) get(key string) value {
	for k, m := range v.members() {
		if k == key {
			return m
		}
	}
	return value{}
}

// first is the first of several members that is given.
func (v value) first(keys ...string) value {
	for _, k := range keys {
		if m := v.get(k); m.given() {
			return m
		}
	}
	return value{}
}

// text is a text's content, and empty for everything else.
func (v value) text() string {
	if v.kind() != text {
		return ""
	}
	n := v.node()
	s := v.doc.key(int(n.start), int(n.end), n.escaped)
	if len(v.doc.data) > longDocument && len(s) < len(v.doc.data)/2 {
		return strings.Clone(s)
	}
	return s
}

// longDocument is from how many bytes on a text of a document is copied out of it: a name that is kept would keep all of it.
const longDocument = 64 << 10

// raw is the JSON as it stands; for a text it is without the quotes.
func (v value) raw() string {
	if v.doc == nil {
		return ""
	}
	n := v.node()
	return v.doc.data[n.start:n.end]
}

// scalar is a text, a number or a boolean as text, null and nothing as the empty one, and a list or an object as JSON.
func (v value) scalar() string {
	switch v.kind() {
	case missing, null:
		return ""
	case text:
		return v.text()
	}
	return v.raw()
}

func (v value) isTrue() bool { return v.kind() == boolean && v.raw() == "true" }

// unwrapped is the value inside a text that is itself a JSON object or list, as exporters that can only store texts
// write it; any other value is returned as it is. Such a text may be wrapped several times.
func (v value) unwrapped() value {
	for range 4 {
		s := strings.TrimLeft(v.text(), " \t\r\n")
		if s == "" || (s[0] != '{' && s[0] != '[' && s[0] != '"') {
			return v
		}
		inner, err := new(document).parse(s)
		if err != nil {
			return v
		}
		v = inner
	}
	return v
}

// appendCanonical appends the value with sorted keys and without white space, so that a digest of it is the same
// however the file is indented and in whatever order its keys stand. Numbers stay as they are written.
func (v value) appendCanonical(b []byte) []byte {
	c := canonical{b: b}
	c.value(v)
	return c.b
}

// digest is the SHA-256 of a value's canonical form, in hex. That form goes through a buffer, which may be used again: a record
// of many megabytes is not held a second time for it.
func (v value) digest(buffer *[]byte) string {
	c := canonical{b: (*buffer)[:0], hash: sha256.New()}
	c.value(v)
	_, _ = c.hash.Write(c.b)
	*buffer = c.b
	return hex.EncodeToString(c.hash.Sum(nil))
}

// canonical is a canonical form in the making.
type canonical struct {
	b []byte
	// hash, if any, takes what there is from time to time.
	hash hash.Hash
}

// piece is how much of a canonical form is made before the hash takes it.
const piece = 32 << 10

func (c *canonical) passOn() {
	if c.hash != nil && len(c.b) >= piece {
		_, _ = c.hash.Write(c.b)
		c.b = c.b[:0]
	}
}

func (c *canonical) value(v value) {
	switch v.kind() {
	case missing:
	case text:
		n := v.node()
		add, s := appendEscaped, v.doc.data[n.start:n.end]
		if n.escaped {
			s = v.text()
		} else {
			add = func(b []byte, s string) []byte { return append(b, s...) }
		}
		c.b = append(c.b, '"')
		for ; len(s) > piece; s = s[piece:] {
			c.b = add(c.b, s[:piece])
			c.passOn()
		}
		c.b = append(add(c.b, s), '"')
	case list:
		c.b = append(c.b, '[')
		for i, item := range v.items() {
			if i > 0 {
				c.b = append(c.b, ',')
			}
			c.value(item)
		}
		c.b = append(c.b, ']')
	case object:
		c.object(v)
	default:
		c.b = append(c.b, v.raw()...)
	}
	c.passOn()
}

// object sorts the members by insertion while they are few: sorting by a function
// took a tenth of an import's time.
func (c *canonical) object(v value) {
	var fewKeys [24]string
	var few [24]int32
	keys, order := fewKeys[:0], few[:0]
	for i := v.at + 1; i < v.node().next; i = v.doc.nodes[i].next {
		key := value{v.doc, i}.key()
		if keys, order = append(keys, key), append(order, i); len(keys) > len(few) {
			continue
		}
		for j := len(keys) - 1; j > 0 && keys[j-1] > key; j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	if len(keys) > len(few) {
		slices.SortFunc(order, func(x, y int32) int {
			return strings.Compare(value{v.doc, x}.key(), value{v.doc, y}.key())
		})
		slices.Sort(keys)
	}
	c.b = append(c.b, '{')
	for i, at := range order {
		if i > 0 {
			c.b = append(c.b, ',')
		}
		c.b = append(appendText(c.b, keys[i]), ':')
		c.value(value{v.doc, at})
	}
	c.b = append(c.b, '}')
}
