package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// samples are our own small files, by format.
var samples = map[string]string{
	"runs.jsonl": "runs", "chat.json": "chat", "langfuse.json": "langfuse", "otlp.jsonl": "otlp", "log.xes": "xes", "log.csv": "csv",
	"reports/langsmith/runs.jsonl": "langsmith", "atif.json": "atif",
}

// fuzzFormat feeds a parser anything: it must neither panic nor hand on half a run, and must do the same each time.
func fuzzFormat(f *testing.F, format string, o Options, seeds ...string) {
	for file, of := range samples {
		if of == format {
			seeds = append(seeds, sample(f, file))
		}
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	o.Format, o.Now, o.MaxRecordBytes, o.MaxHeldBytes = format, importing("").Now, 1<<20, 1<<20
	f.Fuzz(func(t *testing.T, data []byte) {
		once := func() string {
			records, problems, fatal := parseAll(t, string(data), "fuzz", o)
			var b strings.Builder
			for _, r := range records {
				fmt.Fprintln(&b, r.Line, r.Name, r.Run[0].About().ID, tell(r))
			}
			for _, p := range problems {
				if p.Reason == "" || p.File != "fuzz" || !utf8.ValidString(p.Error()) {
					t.Errorf("problem %q", p.Error())
				}
				fmt.Fprintln(&b, p)
			}
			if fatal != nil && !errors.Is(fatal, ErrUnreadable) {
				t.Errorf("%v", fatal)
			}
			return b.String() + fmt.Sprint(fatal)
		}
		if a, b := once(), once(); a != b {
			t.Errorf("first\n%s\nthen\n%s", a, b)
		}
	})
}

func FuzzRuns(f *testing.F) {
	var seeds []string
	for _, b := range badRuns {
		seeds = append(seeds, b.line)
	}
	fuzzFormat(f, "runs", Options{}, seeds...)
}

func FuzzChat(f *testing.F) {
	fuzzFormat(f, "chat", Options{}, `[{"messages":[{"role":"assistant"}]},`, "{\"messages\":[\n{\"traj\":[]}", `[[]]`, `{"messages":[],"reward":1e999}`)
}

func FuzzLangfuse(f *testing.F) {
	fuzzFormat(f, "langfuse", Options{}, `{"id":"t","observations":[{"id":"a","parentObservationId":"a"}]}`)
}

func FuzzLangSmith(f *testing.F) {
	fuzzFormat(f, "langsmith", Options{}, sample(f, "reports/langsmith/api_envelope.json"), `{"id":"a","child_runs":[{"id":"b","parent_run_id":"a"}]}`)
}

func FuzzATIF(f *testing.F) {
	fuzzFormat(f, "atif", Options{}, `{"schema_version":"ATIF-v1.7","steps":[{"source":"agent","observation":{"results":[{}]}}]}`)
}

// FuzzOTLPProtobuf reads bodies behind their lengths and without.
func FuzzOTLPProtobuf(f *testing.F) {
	body := sample(f, "otlp-sdk/traceloop-protobuf/005_v1_traces.pb")
	fuzzFormat(f, "otlp", Options{Partial: true}, body, "\x00\x00\x03\x50"+body)
}

func FuzzOTLP(f *testing.F) {
	fuzzFormat(f, "otlp", Options{}, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"","spanId":""}]}]}]}`)
}

func FuzzXES(f *testing.F) {
	fuzzFormat(f, "xes", Options{Outcome: "verdict"}, `<log><trace><event>`, `<!DOCTYPE a [<!ENTITY b "c">]><log><trace>&b;</trace></log>`)
}

func FuzzCSV(f *testing.F) {
	fuzzFormat(f, "csv", Options{}, "case,activity,time\n1,\"a,2026-01-01", "a;b\n1;2\n", "case,activity,time\n1,a,1772355600\n1,b,1e400\n", "activity,time,case\nA,2026-03-01,c1\n1 row\n")
}

func FuzzCSVCalls(f *testing.F) {
	fuzzFormat(f, "csv", Options{InputTokens: "in", OutputTokens: "out"}, "time,in,out\n2026-01-01 10:00:00,1,2\n,-1,x\n")
}

func FuzzDetect(f *testing.F) {
	for file := range samples {
		f.Add([]byte(sample(f, file)))
	}
	f.Add([]byte(`[{"\`))
	f.Fuzz(func(t *testing.T, data []byte) {
		format, err := Detect(data)
		known := false
		for _, name := range Formats() {
			known = known || name == format
		}
		if known == (err != nil) || (err != nil && !errors.Is(err, ErrUnknownFormat)) {
			t.Errorf("%q, %v", format, err)
		}
	})
}

// FuzzJSON holds our reader of JSON against encoding/json: what it takes means the same, and what it refuses beyond
// that is what it is meant to refuse.
func FuzzJSON(f *testing.F) {
	for file, format := range samples {
		if format != "xes" && format != "csv" {
			f.Add([]byte(sample(f, file)))
		}
	}
	for _, s := range []string{`"\u00fc\ud83d\ude00\/\b\f\n\r\t\"\\"`, `[1,-0,1.5e-7,01]`, `{"a":{"b":[true,false,null]},"":1}`, `{"a":1,"\u0061":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, syntax := new(document).parse(string(data))
		if syntax != nil {
			if syntax.offset < 0 || syntax.offset > len(data) || syntax.reason == "" {
				t.Errorf("%+v", syntax)
			}
			if json.Valid(data) && utf8.Valid(data) && !stricter(syntax.reason) {
				t.Errorf("refused: %s at %d", syntax.reason, syntax.offset)
			}
			return
		}
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("encoding/json refuses what was taken: %v", err)
		}
		if got := plain(v); !reflect.DeepEqual(got, want) {
			t.Errorf("%#v, want %#v", got, want)
		}
		canonical := v.appendCanonical(nil)
		again, syntax := new(document).parse(string(canonical))
		if syntax != nil || !reflect.DeepEqual(plain(again), want) {
			t.Errorf("the canonical form %s means something else (%v)", canonical, syntax)
		}
		if string(again.appendCanonical(nil)) != string(canonical) {
			t.Errorf("the canonical form of %s is another", canonical)
		}
	})
}

func stricter(reason string) bool {
	for _, s := range []string{"stands twice", "nests deeper", "a NUL character", "surrogate"} {
		if strings.Contains(reason, s) {
			return true
		}
	}
	return false
}

func plain(v value) any {
	switch v.kind() {
	case text:
		return v.text()
	case number:
		return json.Number(v.raw())
	case boolean:
		return v.isTrue()
	case list:
		out := []any{}
		for _, item := range v.items() {
			out = append(out, plain(item))
		}
		return out
	case object:
		out := map[string]any{}
		for k, m := range v.members() {
			out[k] = plain(m)
		}
		return out
	}
	return nil
}
