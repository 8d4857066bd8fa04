package projections

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// ColumnType is how an engine stores a column.
type ColumnType uint8

// The types of columns. Integers are 64 bits and signed, reals IEEE 754 doubles, text is valid UTF-8, which may hold NUL:
// facts are decoded to that. Blobs are bytes that nobody compares.
const (
	Integer ColumnType = iota
	Real
	Text
	Blob
)

// Sink takes a row's columns one after the other, in the order of its table. It copies what it is given.
type Sink interface {
	Int(v int64)
	Real(v float64)
	Text(v string)
	// JSON takes a text column from a buffer that the caller uses again.
	JSON(v []byte)
	Blob(v []byte)
	Null()
	// Scratch is a buffer to build a JSON column in.
	Scratch() *[]byte
}

// Source gives the columns of the row that a scan is at, by their place in the query.
type Source interface {
	Int(i int) int64
	Real(i int) float64
	Text(i int) string
	// Symbol is Text for columns of few different values: equal ones share their memory.
	Symbol(i int) string
	// Blob is a copy that belongs to the caller.
	Blob(i int) []byte
	Null(i int) bool
}

// column is one column of the row type R: its place in the table, and how it goes into a row and out again.
type column[R any] struct {
	Column
	put     func(*R, Sink) error
	take    func(*R, Source, int) error
	compare func(a, b *R) int
}

// key makes a column part of the primary key.
func key[R any](c column[R]) column[R] {
	c.Key = true
	return c
}

func text[R any, T ~string](name string, field func(*R) *T) column[R] {
	return column[R]{
		Column:  Column{Name: name, Type: Text},
		put:     func(r *R, s Sink) error { s.Text(string(*field(r))); return nil },
		take:    func(r *R, s Source, i int) error { *field(r) = T(s.Text(i)); return nil },
		compare: func(a, b *R) int { return strings.Compare(string(*field(a)), string(*field(b))) },
	}
}

// symbol is a text column of few different values.
func symbol[R any, T ~string](name string, field func(*R) *T) column[R] {
	c := text(name, field)
	c.take = func(r *R, s Source, i int) error { *field(r) = T(s.Symbol(i)); return nil }
	return c
}

// blob is a column of bytes.
func blob[R any](name string, field func(*R) *[]byte) column[R] {
	return column[R]{
		Column: Column{Name: name, Type: Blob},
		put:    func(r *R, s Sink) error { s.Blob(*field(r)); return nil },
		take:   func(r *R, s Source, i int) error { *field(r) = s.Blob(i); return nil },
	}
}

func integer[R any, T ~int64 | ~uint64](name string, field func(*R) *T) column[R] {
	return column[R]{
		Column:  Column{Name: name, Type: Integer},
		put:     func(r *R, s Sink) error { s.Int(int64(*field(r))); return nil },
		take:    func(r *R, s Source, i int) error { *field(r) = T(s.Int(i)); return nil },
		compare: func(a, b *R) int { return cmp.Compare(*field(a), *field(b)) },
	}
}

func flag[R any](name string, field func(*R) *bool) column[R] {
	return column[R]{
		Column: Column{Name: name, Type: Integer},
		put: func(r *R, s Sink) error {
			if *field(r) {
				s.Int(1)
			} else {
				s.Int(0)
			}
			return nil
		},
		take: func(r *R, s Source, i int) error { *field(r) = s.Int(i) != 0; return nil },
	}
}

func instant[R any](name string, field func(*R) *time.Time) column[R] {
	return column[R]{
		Column: Column{Name: name, Type: Integer},
		put:    func(r *R, s Sink) error { s.Int(unixNanos(*field(r))); return nil },
		take:   func(r *R, s Source, i int) error { *field(r) = timeOf(s.Int(i)); return nil },
	}
}

// The times that 64 bits of nanoseconds hold.
var (
	firstInstant = time.Unix(0, math.MinInt64)
	lastInstant  = time.Unix(0, math.MaxInt64)
)

// unixNanos is 0 for the zero time, and for 1970-01-01T00:00:00Z sharp, which exports write where they know no time. One
// beyond what 64 bits hold (1677 to 2262) is moved to their end.
func unixNanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Before(firstInstant):
		return math.MinInt64
	case t.After(lastInstant):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// timeOf is the time that unixNanos stored.
func timeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// optional is a real column that may be NULL.
func optional[R any](name string, field func(*R) **float64) column[R] {
	return column[R]{
		Column: Column{Name: name, Type: Real, Null: true},
		put: func(r *R, s Sink) error {
			v := *field(r)
			switch {
			case v == nil:
				s.Null()
			case math.IsNaN(*v):
				return fmt.Errorf("column %s: %w: not a number", name, ErrDamaged)
			default:
				s.Real(*v + 0) // SQLite does not keep the sign of -0
			}
			return nil
		},
		take: func(r *R, s Source, i int) error {
			*field(r) = nil
			if !s.Null(i) {
				v := s.Real(i)
				*field(r) = &v
			}
			return nil
		},
	}
}

// list is a JSON array of texts.
func list[R any](name string, field func(*R) *[]string) column[R] {
	return column[R]{
		Column: Column{Name: name, Type: Text},
		put: func(r *R, s Sink) error {
			v := *field(r)
			if len(v) == 0 {
				s.Text("[]")
				return nil
			}
			b := s.Scratch()
			*b = appendStrings((*b)[:0], v)
			s.JSON(*b)
			return nil
		},
		take: func(r *R, s Source, i int) (err error) {
			*field(r), err = parseStrings(s.Text(i))
			return columnError(name, err)
		},
	}
}

// once is a text column whose value never changes while its row is in memory: what it is encoded to is remembered.
func once[R any](c column[R], encoded func(*R) *string) column[R] {
	put := c.put
	c.put = func(r *R, s Sink) error {
		text := encoded(r)
		if *text == "" {
			k := keeper{Sink: s}
			if err := put(r, &k); err != nil {
				return err
			}
			*text = k.text
		}
		s.Text(*text)
		return nil
	}
	return c
}

// keeper is a Sink for one text.
type keeper struct {
	Sink
	text string
}

func (k *keeper) Text(v string) { k.text = v }
func (k *keeper) JSON(v []byte) { k.text = string(v) }

// labels is a JSON object of texts, with sorted keys.
func labels[R any](name string, field func(*R) *map[string]string) column[R] {
	c := document(name, field)
	put, take := c.put, c.take
	c.put = func(r *R, s Sink) error {
		v := *field(r)
		if len(v) == 0 {
			s.Text("{}")
			return nil
		}
		b := s.Scratch()
		var ok bool
		if *b, ok = appendLabels((*b)[:0], v); !ok {
			return put(r, s)
		}
		s.JSON(*b)
		return nil
	}
	c.take = func(r *R, s Source, i int) error {
		if *field(r) = nil; s.Symbol(i) == "{}" {
			return nil
		}
		return take(r, s, i)
	}
	return c
}

// document is anything as JSON.
func document[R, T any](name string, field func(*R) *T) column[R] {
	return column[R]{
		Column: Column{Name: name, Type: Text},
		put: func(r *R, s Sink) error {
			b, err := json.Marshal(*field(r))
			if err == nil && bytes.Contains(b, []byte(`\ufffd`)) {
				// Bytes that were no UTF-8 are escaped, and won't be when they are read and written again.
				var v T
				if err = json.Unmarshal(b, &v); err == nil {
					b, err = json.Marshal(v)
				}
			}
			if err != nil {
				return columnError(name, err)
			}
			s.JSON(b)
			return nil
		},
		take: func(r *R, s Source, i int) error {
			var v T
			err := json.Unmarshal([]byte(s.Text(i)), &v)
			*field(r) = v
			return columnError(name, err)
		},
	}
}

func columnError(name string, err error) error {
	if err != nil {
		return fmt.Errorf("column %s: %w", name, err)
	}
	return nil
}
