package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type testFact struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
}

func (testFact) Kind() string { return "test.fact" }

func TestDecodeUpcastsFromEveryVersion(t *testing.T) {
	t.Parallel()
	// Version 1 called the name "title"; version 2 had no unit.
	rename := func(data []byte) ([]byte, error) {
		return []byte(strings.Replace(string(data), `"title"`, `"name"`, 1)), nil
	}
	addUnit := func(data []byte) ([]byte, error) {
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil {
			return nil, err
		}
		m["unit"] = "s"
		return json.Marshal(m)
	}
	table := NewTable(kind[testFact](rename, addUnit))
	want := testFact{Name: "a", Unit: "s"}
	for version, data := range map[int]string{1: `{"title":"a"}`, 2: `{"name":"a"}`, 3: `{"name":"a","unit":"s"}`} {
		got, err := table.Decode("test.fact", version, []byte(data))
		if err != nil || got != want {
			t.Errorf("version %d: got %+v, %v", version, got, err)
		}
	}
	if table.Version("test.fact") != 3 {
		t.Errorf("today's version is %d, want 3", table.Version("test.fact"))
	}
}

func TestDecodeRefusesWhatANewerProgramWrote(t *testing.T) {
	t.Parallel()
	if _, err := Known.Decode("run.teleported", 1, []byte(`{}`)); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("unknown kind: %v", err)
	}
	if _, err := Known.Decode("run.started", 99, []byte(`{}`)); !errors.Is(err, ErrNewerVersion) {
		t.Errorf("newer version: %v", err)
	}
	for _, data := range []string{``, `{`, `[]`, `{"step":"x"}`, `nul`} {
		if _, err := Known.Decode("run.step_started", 1, []byte(data)); err == nil {
			t.Errorf("%q decoded", data)
		}
	}
}

func TestTablePanicsAtADuplicate(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a duplicate kind did not panic")
		}
	}()
	NewTable(kind[RunStarted](), kind[RunStarted]())
}

// TestBriefIsDecodeButForUnreadKinds compares the two on every golden file.
func TestBriefIsDecodeButForUnreadKinds(t *testing.T) {
	t.Parallel()
	if got := Known.Unread(); !slices.Equal(got, []string{"run.llm_called", "run.tool_called"}) {
		t.Errorf("the data of %v is not read", got)
	}
	for _, k := range Known.Kinds() {
		for version := 1; version <= Known.Version(k); version++ {
			data, err := os.ReadFile(filepath.Join("testdata", "golden", fmt.Sprintf("%s.v%d.json", k, version)))
			if err != nil {
				t.Fatal(err)
			}
			want, err := Known.Decode(k, version, data)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(Known.Unread(), k) {
				want, data = reflect.Zero(reflect.TypeOf(want)).Interface().(Event), nil
			}
			if got, err := Known.Brief(k, version, data); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s version %d: got %#v (%v), want %#v", k, version, got, err, want)
			}
		}
		if _, err := Known.Brief(k, Known.Version(k)+1, nil); !errors.Is(err, ErrNewerVersion) {
			t.Errorf("%s of a newer version: %v", k, err)
		}
	}
}

// FuzzDecode holds the decoder to encoding/json: what the standard library reads of our own encoding, it reads the
// same.
func FuzzDecode(f *testing.F) {
	f.Add("prompt \u2028 <b>", "error\n\t\"", int64(5), 3)
	f.Add("\x00\x1f\u00e9\U0001F600", "\\u00", int64(-1), 0)
	f.Fuzz(func(t *testing.T, text, other string, n int64, step int) {
		for _, e := range []Event{
			RunStarted{Run: text, Workflow: other, Labels: map[string]string{text: other, other: text}, Source: &Source{Format: text}},
			RunStepFinished{Step: step, Error: text, InputTokens: n, CostNanos: Nanos(n), Model: other},
			RunLLMCalled{Step: &step, Asked: []Message{{Role: text, Content: other, ToolCalls: []ToolCall{{Name: text, Arguments: other}}}}},
			RunStepStarted{Step: step, Name: text, DependsOn: []int{step, int(n)}, Parent: &step},
		} {
			kind, version, data, err := Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Known.Decode(kind, version, data)
			if err != nil {
				t.Fatalf("decode %s: %v", data, err)
			}
			want := reflect.New(reflect.TypeOf(e))
			if err := json.Unmarshal(data, want.Interface()); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want.Elem().Interface()) {
				t.Errorf("%s\n got %#v\nwant %#v", data, got, want.Elem().Interface())
			}
		}
	})
}

// FuzzDecodeBytes feeds it anything: it never panics.
func FuzzDecodeBytes(f *testing.F) {
	f.Add([]byte(`{"run":"a","labels":{"a":"b"},"source":{"format":1e400}}`))
	f.Add([]byte(`{"step":99999999999999999999}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, k := range Known.Kinds() {
			_, _ = Known.Decode(k, 1, data)
			_, _ = Known.Brief(k, 1, data)
		}
	})
}
