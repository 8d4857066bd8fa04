package events

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzScan holds the scan to give what the library gives, or nothing.
func FuzzScan(f *testing.F) {
	for _, k := range Known.Kinds() {
		golden, err := filepath.Glob(filepath.Join("testdata", "golden", k+".v*.json"))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range golden {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, seed := range []string{
		`{}`, `{"step":0}`, `{"step":-0}`, `{"step":01}`, `{"step":1e2}`, `{"step":999999999999999999}`, `{"step":1234567890123456789012}`, `{"step":-5}`,
		`{"step":1,"step":2}`, `{"outcome":"failed","step":2}`, `{"step":1,"outcome":"a\u0000b\n\"","error":"é"}`, "{\"error\":\"\xff\"}",
		`{"run":"r","workflow":"w","labels":{"a":"b","a":"c"}}`, `{"labels":{}}`, `{"depends_on":[]}`, `{"depends_on":[1,2]}`, `{"parent":null}`, `{"parent":3}`,
		`{"run":"r","source":{"format":"f","record":"\ud800","digest":"d"}}`, `{"run":"r","source":null}`, `{"undated":true}`, `{"undated":false}`,
		`{"step":1,"name":"\ud83d\ude00"}`, "{\"name\":\"\x01\"}", `{"name":"\x"}`, `{"name":"a\`, `{"step":1}x`, `{"step":1,}`, ``, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := string(data)
		for _, k := range Known.Kinds() {
			s := Known.byKind[k]
			got, ok := s.scan(data)
			if !ok {
				continue
			}
			if want, err := s.library(data); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %q is read as %#v, by the library as %#v (%v)", k, data, got, want, err)
			}
		}
		if string(data) != before {
			t.Fatal("the fact itself was changed")
		}
	})
}

// TestScanReadsWhatEncodeWrites keeps the facts that make up a history on the short way.
func TestScanReadsWhatEncodeWrites(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a \"quoted\" naïve <text>\n\twith\x00 all — ", 9)
	step := 3
	for _, e := range []Event{
		RunStarted{
			Run: "r", Workflow: "w", Task: "t", Requester: "anna", Prompt: text, Labels: map[string]string{"region": "eu", text: text},
			Source: &Source{Format: "otlp", Record: text, Digest: "d"}, Undated: true,
		},
		RunStepStarted{Step: 3, Name: text, Type: ChatStep, Agent: "a", Tool: "b", Model: "c", Parent: &step, DependsOn: []int{0, 1, 2}},
		RunStepFinished{Step: 3, Outcome: Failed, Error: text, InputTokens: 1e17, OutputTokens: 5, CachedTokens: 7, CostNanos: 11, Unpriced: true},
		RunFinished{Outcome: Succeeded, Answer: text, CostNanos: -1},
		RunFailed{Error: text},
		RunCancelled{Reason: text},
		TaskOpened{Workflow: "w", Title: text},
	} {
		kind, _, data, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		s := Known.byKind[kind]
		got, ok := s.scan(data)
		if !ok {
			t.Errorf("the scan gives up on %s", data)
			continue
		}
		if want, err := s.library(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %#v, want %#v (%v)", got, want, err)
		}
	}
}
