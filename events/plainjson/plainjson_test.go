package plainjson

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type word string

type inner struct {
	Name word  `json:"name"`
	N    int64 `json:"n,omitempty"`
}

type sample struct {
	Text    string            `json:"text"`
	Word    word              `json:"word,omitempty"`
	Int     int               `json:"int,omitempty"`
	Uint    uint64            `json:"uint,omitempty"`
	Pointer *int              `json:"pointer,omitempty"`
	Long    *int64            `json:"long,omitempty"`
	Flag    bool              `json:"flag,omitempty"`
	List    []int             `json:"list,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Inner   *inner            `json:"inner,omitempty"`
	Real    float64           `json:"real,omitempty"`
}

func full() sample {
	n, long := -7, int64(math.MaxInt64)
	return sample{
		Text: "a \"quoted\" naïve <text>\n", Word: "w", Int: -12, Uint: 34, Pointer: &n, Long: &long, Flag: true, List: []int{1, -2, 3},
		Labels: map[string]string{"a": "1", "b\t": "2"}, Inner: &inner{"x", 5},
	}
}

func TestReadsWhatTheStandardLibraryWrites(t *testing.T) {
	t.Parallel()
	reader := New[sample]()
	want := []sample{full(), {}, {Text: "b", Inner: &inner{}}, full()}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := reader.List(data, nil)
	if !ok || !reflect.DeepEqual(got, want) {
		t.Fatalf("read %+v (%t) from %s", got, ok, data)
	}
	if got[0].Inner == got[3].Inner || got[0].Pointer == got[3].Pointer {
		t.Error("two values share what they point to")
	}
	if got, ok := reader.List([]byte("[]"), nil); !ok || got != nil {
		t.Errorf("read %+v (%t) from an empty list", got, ok)
	}
	for i := range want {
		data, err := json.Marshal(want[i])
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := reader.Object(data); !ok || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("read %+v (%t) from %s", got, ok, data)
		}
	}
}

func TestGivesUp(t *testing.T) {
	t.Parallel()
	reader := New[sample]()
	for _, data := range []string{
		``, ` {}`, `{} `, `{"text": "a"}`, `{"text":"a","new":1}`, `{"word":"a","text":"b"}`, `{"text":"a","text":"b"}`, `{"text":null}`, `{"text":1}`,
		`{"real":1.5}`, `{"uint":-1}`, `{"int":1.0}`, `{"int":-0}`, `{"int":01}`, `{"int":9223372036854775808}`, `{"int":12345678901234567890}`, `{"uint":10000000000000000000000}`, `{"text":"\ud800"}`, "{\"text\":\"\x01\"}", "{\"text\":\"\xff\"}",
		`{"list":[]}`, `{"list":[1,]}`, `{"labels":{}}`, `{"inner":null}`, `{"flag":false}`, `{"text":"a"`, `{"text":"a",}`, `{"text":"a\`, `[{}]`,
	} {
		if got, ok := reader.Object([]byte(data)); ok {
			t.Errorf("read %+v from %s", got, data)
		}
		if got, ok := reader.List([]byte("["+data+"]"), nil); ok && data != "" {
			t.Errorf("read %+v from [%s]", got, data)
		}
	}
}

// FuzzReader holds it to read what the library reads, or nothing.
func FuzzReader(f *testing.F) {
	data, err := json.Marshal([]sample{full(), {}, full()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`[{"int":9223372036854775807,"uint":9223372036854775808},{"int":-9223372036854775808}]`))
	f.Add([]byte(`[{"text":"\u00e9\ud83d\ude00","uint":3},{"text":"` + "é" + `"}]`))
	reader := New[sample]()
	lenient := jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := reader.List(data, []sample{})
		if !ok {
			return
		}
		want := []sample{}
		if err := jsonv2.Unmarshal(data, &want, lenient); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is read as %+v, by the library as %+v (%v)", data, got, want, err)
		}
	})
}

func TestLeavesTypesOfTheirOwnToTheLibrary(t *testing.T) {
	t.Parallel()
	type own struct {
		Text string          `json:"text"`
		At   time.Time       `json:"at,omitzero"`
		Then *time.Time      `json:"then,omitempty"`
		Took time.Duration   `json:"took,omitempty"`
		Raw  json.RawMessage `json:"raw,omitempty"`
	}
	for _, data := range []string{`{"text":"a","at":"2026-11-22T00:00:00Z"}`, `{"then":"2026-11-22T00:00:00Z"}`, `{"then":{}}`, `{"took":5}`, `{"raw":1}`} {
		if got, ok := New[own]().Object([]byte(data)); ok {
			t.Errorf("read %+v from %s", got, data)
		}
	}
	if got, ok := New[own]().Object([]byte(`{"text":"a"}`)); !ok || got.Text != "a" {
		t.Errorf("read %+v (%t)", got, ok)
	}
}

func TestPanicsAtATagItDoesNotFollow(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(){
		"untagged": func() { New[struct{ Text string }]() },
		"left out": func() {
			New[struct {
				Text string `json:"-"`
			}]()
		},
		"as a text": func() {
			New[struct {
				N int `json:"n,string"`
			}]()
		},
		"unexported": func() { New[struct{ n int }]() },
		"embedded":   func() { New[struct{ inner }]() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: taken", name)
				}
			}()
			read()
		}()
	}
}
