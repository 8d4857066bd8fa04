package readmodel

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

// ColumnOf is one column of the row type R: its place in the table, and how it goes into a row and out again.
type ColumnOf[R any] struct {
	Column
	Put     func(*R, Sink) error
	Take    func(*R, Source, int) error
	Compare func(a, b *R) int
	// Shown is the key by which doors show it, empty for the column's name, and Show is the value that they show, as JSON
	// takes it. A column without Show isn't shown.
	Shown string
	Show  func(*R) any
}

// Key makes a column part of the primary key.
func Key[R any](c ColumnOf[R]) ColumnOf[R] {
	c.Key = true
	return c
}

// String is a text column.
func String[R any, T ~string](name string, field func(*R) *T) ColumnOf[R] {
	return ColumnOf[R]{
		Column:  Column{Name: name, Type: Text},
		Put:     func(r *R, s Sink) error { s.Text(string(*field(r))); return nil },
		Take:    func(r *R, s Source, i int) error { *field(r) = T(s.Text(i)); return nil },
		Compare: func(a, b *R) int { return strings.Compare(string(*field(a)), string(*field(b))) },
		Show:    func(r *R) any { return string(*field(r)) },
	}
}

// Symbol is a text column of few different values.
func Symbol[R any, T ~string](name string, field func(*R) *T) ColumnOf[R] {
	c := String(name, field)
	c.Take = func(r *R, s Source, i int) error { *field(r) = T(s.Symbol(i)); return nil }
	return c
}

// Bytes is a column of bytes.
func Bytes[R any](name string, field func(*R) *[]byte) ColumnOf[R] {
	return ColumnOf[R]{
		Column: Column{Name: name, Type: Blob},
		Put:    func(r *R, s Sink) error { s.Blob(*field(r)); return nil },
		Take:   func(r *R, s Source, i int) error { *field(r) = s.Blob(i); return nil },
	}
}

// Int is a column of whole numbers.
func Int[R any, T ~int64 | ~uint64](name string, field func(*R) *T) ColumnOf[R] {
	return ColumnOf[R]{
		Column:  Column{Name: name, Type: Integer},
		Put:     func(r *R, s Sink) error { s.Int(int64(*field(r))); return nil },
		Take:    func(r *R, s Source, i int) error { *field(r) = T(s.Int(i)); return nil },
		Compare: func(a, b *R) int { return cmp.Compare(*field(a), *field(b)) },
		Show:    func(r *R) any { return *field(r) },
	}
}

// Bool is a column of yes and no.
func Bool[R any](name string, field func(*R) *bool) ColumnOf[R] {
	return ColumnOf[R]{
		Column: Column{Name: name, Type: Integer},
		Put: func(r *R, s Sink) error {
			if *field(r) {
				s.Int(1)
			} else {
				s.Int(0)
			}
			return nil
		},
		Take: func(r *R, s Source, i int) error { *field(r) = s.Int(i) != 0; return nil },
		Show: func(r *R) any { return *field(r) },
	}
}

// Time is a column of Unix nanoseconds, 0 for a time that is not known.
func Time[R any](name string, field func(*R) *time.Time) ColumnOf[R] {
	return ColumnOf[R]{
		Column: Column{Name: name, Type: Integer},
		Put:    func(r *R, s Sink) error { s.Int(UnixNanos(*field(r))); return nil },
		Take:   func(r *R, s Source, i int) error { *field(r) = TimeOf(s.Int(i)); return nil },
		Show:   func(r *R) any { return shownTime(*field(r)) },
	}
}

// The times that 64 bits of nanoseconds hold.
var (
	firstInstant = time.Unix(0, math.MinInt64)
	lastInstant  = time.Unix(0, math.MaxInt64)
)

// UnixNanos is 0 for the zero time, and for 1970-01-01T00:00:00Z sharp, which exports write where they know no time. One
// beyond what 64 bits hold (1677 to 2262) is moved to their end.
func UnixNanos(t time.Time) int64 {
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

// TimeOf is the time that UnixNanos stored.
func TimeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// Optional is a real column that may be NULL.
func Optional[R any](name string, field func(*R) **float64) ColumnOf[R] {
	return ColumnOf[R]{
		Column: Column{Name: name, Type: Real, Null: true},
		Put: func(r *R, s Sink) error {
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
		Take: func(r *R, s Source, i int) error {
			*field(r) = nil
			if !s.Null(i) {
				v := s.Real(i)
				*field(r) = &v
			}
			return nil
		},
		Show: func(r *R) any { return *field(r) },
	}
}

// Strings is a JSON array of texts.
func Strings[R any](name string, field func(*R) *[]string) ColumnOf[R] {
	return ColumnOf[R]{
		Column: Column{Name: name, Type: Text},
		Put: func(r *R, s Sink) error {
			v := *field(r)
			if len(v) == 0 {
				s.Text("[]")
				return nil
			}
			b := s.Scratch()
			*b = AppendStrings((*b)[:0], v)
			s.JSON(*b)
			return nil
		},
		Take: func(r *R, s Source, i int) (err error) {
			*field(r), err = ParseStrings(s.Text(i))
			return ColumnError(name, err)
		},
		Show: func(r *R) any { return shownList(*field(r)) },
	}
}

// Once is a text column whose value never changes while its row is in memory: what it is encoded to is remembered.
func Once[R any](c ColumnOf[R], encoded func(*R) *string) ColumnOf[R] {
	put := c.Put
	c.Put = func(r *R, s Sink) error {
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

// Labels is a JSON object of texts, with sorted keys.
func Labels[R any](name string, field func(*R) *map[string]string) ColumnOf[R] {
	c := Document(name, field)
	put, take := c.Put, c.Take
	c.Put = func(r *R, s Sink) error {
		v := *field(r)
		if len(v) == 0 {
			s.Text("{}")
			return nil
		}
		b := s.Scratch()
		var ok bool
		if *b, ok = AppendLabels((*b)[:0], v); !ok {
			return put(r, s)
		}
		s.JSON(*b)
		return nil
	}
	c.Take = func(r *R, s Source, i int) error {
		if *field(r) = nil; s.Symbol(i) == "{}" {
			return nil
		}
		return take(r, s, i)
	}
	c.Show = func(r *R) any {
		if *field(r) == nil {
			return map[string]string{}
		}
		return *field(r)
	}
	return c
}

// Document is anything as JSON.
func Document[R, T any](name string, field func(*R) *T) ColumnOf[R] {
	return ColumnOf[R]{
		Column: Column{Name: name, Type: Text},
		Put: func(r *R, s Sink) error {
			b, err := json.Marshal(*field(r))
			if err == nil && bytes.Contains(b, []byte(`\ufffd`)) {
				// Bytes that were no UTF-8 are escaped, and won't be when they are read and written again.
				var v T
				if err = json.Unmarshal(b, &v); err == nil {
					b, err = json.Marshal(v)
				}
			}
			if err != nil {
				return ColumnError(name, err)
			}
			s.JSON(b)
			return nil
		},
		Take: func(r *R, s Source, i int) error {
			var v T
			err := json.Unmarshal([]byte(s.Text(i)), &v)
			*field(r) = v
			return ColumnError(name, err)
		},
		Show: func(r *R) any { return *field(r) },
	}
}

// ColumnError names the column that an error is about, if there is one.
func ColumnError(name string, err error) error {
	if err != nil {
		return fmt.Errorf("column %s: %w", name, err)
	}
	return nil
}
