package readmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Line is a row as doors show it: a JSON object, and the cells of a table.
type Line struct {
	Keys   []string
	Values []any
}

// MarshalJSON writes an object, its keys in the order of the columns.
func (l Line) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, key := range l.Keys {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(append(AppendString(b, key), ':'), l.Values[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return append(b, '}'), nil
}

// appendValue appends what json.Marshal makes of a value; most of them need none of its work.
func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case uint64:
		return strconv.AppendUint(b, v, 10), nil
	case string:
		if plain(v) {
			return append(append(append(b, '"'), v...), '"'), nil
		}
	}
	v, err := json.Marshal(value)
	return append(b, v...), err
}

// Line is a row as doors show it.
func (t *TableOf[K, R]) Line(r *R) Line {
	l := Line{Keys: t.keys, Values: make([]any, 0, len(t.keys))}
	for i := range t.Row {
		if show := t.Row[i].Show; show != nil {
			l.Values = append(l.Values, show(r))
		}
	}
	return l
}

// JSON is a row as doors show it.
func (t *TableOf[K, R]) JSON(r *R) ([]byte, error) { return t.Line(r).MarshalJSON() }

// shownTime is RFC 3339 in UTC, null for a time that is not known.
func shownTime(t time.Time) any {
	if t.IsZero() {
		return (*time.Time)(nil)
	}
	return t.UTC()
}

// shownList is an array, never null.
func shownList[T any](list []T) any {
	if list == nil {
		return []T{}
	}
	return list
}

// As changes how doors show a column: its key, and its value.
func As[R any](c ColumnOf[R], key string, show func(*R) any) ColumnOf[R] {
	c.Shown, c.Show = key, show
	return c
}

// Filter narrows a List to the rows in which a text column has a value.
type Filter struct {
	Column string
	// Help says what is left then.
	Help string
	// Values are the only ones that there are. Empty: any.
	Values []string
}

// List is what every door shows of a table without more ado: a route, what `list` prints, and a page of docs/readmodels.md.
type List struct {
	// Name is a noun in the plural.
	Name string
	// Help says what it lists, in the order in which it does.
	Help    string
	Order   []Order
	Filters []Filter
	// Table is where it stands, and Keys are those of its lines: the columns' names but for units.
	Table string
	Keys  []string
	// Sample is an empty row, and what shows it once it has been filled: for a description of the lines.
	Sample func() (row any, line func() Line)
	table  *Table
	read   func(ctx context.Context, v View, q Query) iter.Seq2[Line, error]
}

// List finishes a list of the table. It panics where it can't be right.
func (t *TableOf[K, R]) List(l List) List {
	if l.Name == "" || l.Help == "" {
		panic("readmodel: a list of " + t.Name + " lacks Name or Help")
	}
	for _, o := range l.Order {
		t.Type(o.Column)
	}
	for _, f := range l.Filters {
		if t.Type(f.Column) != Text {
			panic("readmodel: the list " + l.Name + " can't be narrowed by " + f.Column + ", which is no text")
		}
	}
	// Wide columns that nobody sees stand last.
	shown := len(t.Row)
	for t.Row[shown-1].Show == nil {
		shown--
	}
	columns := t.Names(shown)
	l.Keys, l.Table, l.table = t.keys, t.Name, &t.Table
	l.Sample = func() (any, func() Line) {
		r := new(R)
		return r, func() Line { return t.Line(r) }
	}
	l.read = func(ctx context.Context, v View, q Query) iter.Seq2[Line, error] {
		q.Columns = columns
		return func(yield func(Line, error) bool) {
			for row, err := range Rows(ctx, v, t, q) {
				var line Line
				if err == nil {
					line = t.Line(&row)
				}
				if !yield(line, err) {
					return
				}
			}
		}
	}
	return l
}

// Read yields the lines that meet the conditions of always, and in which columns have the values of where, an empty value for
// any; limit 0 is all. A column that is none of the Filters is the caller's mistake.
func (l *List) Read(ctx context.Context, v View, always []Condition, where map[string]string, limit int) iter.Seq2[Line, error] {
	q := Query{Where: slices.Clone(always), Order: l.Order, Limit: limit}
	for column, value := range where {
		if !slices.ContainsFunc(l.Filters, func(f Filter) bool { return f.Column == column }) {
			panic("readmodel: the list " + l.Name + " has no filter " + column)
		}
		q.Where = append(q.Where, Only(column, value)...)
	}
	// The order of a map must not make another statement.
	slices.SortFunc(q.Where, func(a, b Condition) int { return strings.Compare(a.Column, b.Column) })
	return l.read(ctx, v, q)
}
