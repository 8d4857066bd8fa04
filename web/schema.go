package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// The rows write their own JSON, so their Go fields don't tell its shape. The description is taken from what they
// write, so that it can't differ from the answers.

// document is one value that writes its own JSON.
type document[T any] struct{ value T }

// MarshalJSON writes the value.
func (d document[T]) MarshalJSON() ([]byte, error) { return json.Marshal(d.value) }

// Schema describes the value.
func (document[T]) Schema(huma.Registry) *huma.Schema { return shape[T]() }

// anyKey stands for all keys of a map.
const anyKey = "*"

// shape is the schema of what a T writes: found from a value that is full, and from some that are full down to some
// depth and empty below. What is null in one of those may be null, what is missing in one isn't required.
func shape[T any]() *huma.Schema {
	return shapeOf(func(depth int, leaves bool) any {
		var v T
		fill(reflect.ValueOf(&v).Elem(), depth, leaves)
		return v
	})
}

// shapeOf is shape of the values that sample fills.
func shapeOf(sample func(depth int, leaves bool) any) *huma.Schema {
	const deepest = 5
	var samples [deepest + 1]any
	for depth := range samples {
		samples[depth] = written(sample(depth, depth == deepest))
	}
	return describe(samples[deepest], samples[:deepest])
}

func written(v any) (plain any) {
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &plain)
	}
	if err != nil {
		panic(fmt.Sprintf("web: %T does not write JSON: %v", v, err))
	}
	return plain
}

func describe(full any, others []any) *huma.Schema {
	s := &huma.Schema{Nullable: slices.Contains(others, nil)}
	switch v := full.(type) {
	case string:
		s.Type = huma.TypeString
		if _, err := time.Parse(time.RFC3339Nano, v); err == nil {
			s.Format = "date-time"
		}
	case float64:
		s.Type = huma.TypeNumber
		// Fractions are filled with a fraction.
		if v == math.Trunc(v) {
			s.Type = huma.TypeInteger
		}
	case bool:
		s.Type = huma.TypeBoolean
	case []any:
		s.Type = huma.TypeArray
		var items []any
		for _, o := range others {
			if list, ok := o.([]any); ok && len(list) > 0 {
				items = append(items, list[0])
			}
		}
		if len(v) > 0 {
			s.Items = describe(v[0], items)
		}
	case map[string]any:
		s.Type = huma.TypeObject
		if of, isMap := v[anyKey]; isMap {
			values, _ := field(others, anyKey)
			s.AdditionalProperties = describe(of, values)
			return s
		}
		s.Properties = map[string]*huma.Schema{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			values, always := field(others, key)
			s.Properties[key] = describe(v[key], values)
			if always {
				s.Required = append(s.Required, key)
			}
		}
	}
	return s
}

// field collects the values of a key, and tells whether every object has it.
func field(samples []any, key string) (values []any, always bool) {
	always = true
	for _, sample := range samples {
		object, ok := sample.(map[string]any)
		if !ok {
			continue
		}
		value, ok := object[key]
		if !ok {
			always = false
			continue
		}
		values = append(values, value)
	}
	return values, always
}

// fill gives lists and maps one member each down to a depth. With leaves, texts, numbers, times and pointers get a
// value as well.
func fill(v reflect.Value, depth int, leaves bool) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		if leaves {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 9, 30, 0, 1, time.UTC)))
		}
		return
	}
	if v.Type() == reflect.TypeFor[json.RawMessage]() { // an object of which nothing is known
		v.SetBytes([]byte("{}"))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), depth, leaves)
			}
		}
		return
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), depth-1, leaves)
		}
		return
	case reflect.Map:
		if depth > 0 {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(value, depth-1, leaves)
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf(anyKey).Convert(v.Type().Key()), value)
		}
		return
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), depth-1, leaves)
		}
		return
	}
	if !leaves {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint64:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(1.5)
	}
}
