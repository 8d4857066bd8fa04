package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/virtuous6/virtuous6/eventstore/esdbtest"
)

// fieldCase is a line of cases.tsv: a property that was seen in public reports, inputs that have it, and the right value in words.
type fieldCase struct {
	area, property, right string
	inputs                []string
	folder                string
}

// field is a case at work: the program on stores of its own, in this process.
type field struct {
	t *testing.T
	fieldCase
	log, config string
	// asked are the bodies that the model's double was sent.
	mu    sync.Mutex
	asked []string
	// before is done on a new log, before a model is asked.
	before func()
}

// program runs a command line, and gives both of its outputs.
func (f *field) program(args ...string) (out, errOut string) {
	f.t.Helper()
	var stdout, stderr bytes.Buffer
	Main(f.t.Context(), World{}, append([]string{"--config", f.config, "--store", f.log}, args...), strings.NewReader(""), &stdout, &stderr)
	return stdout.String(), stderr.String()
}

func (f *field) fresh() {
	dir := f.t.TempDir()
	f.log, f.config = "sqlite:"+filepath.Join(dir, "log.db"), write(f.t, dir, "config.yaml", "user: anna\n")
}

// imports is what a person sees of the runs in a file, a line each: how it ended and was judged, its steps, tokens and
// cost, and its answer; then what was told beside them.
func (f *field) imports(file string, flags ...string) string {
	f.t.Helper()
	f.fresh()
	_, told := f.program(append([]string{"import", filepath.Join(f.folder, file)}, flags...)...)
	out, _ := f.program("runs", "--json")
	var runs []struct{ Run string }
	_ = json.Unmarshal([]byte(out), &runs) // without any run there is no log
	var lines []string
	for _, r := range runs {
		lines = append(lines, f.shows(r.Run))
	}
	slices.Sort(lines)
	for line := range strings.Lines(told) {
		if strings.HasPrefix(line, "note") || strings.HasPrefix(line, "left out") {
			lines = append(lines, strings.TrimSpace(line[strings.LastIndex(line, "/")+1:]))
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// shows is a run in a line.
func (f *field) shows(run string) string {
	f.t.Helper()
	out, errOut := f.program("runs", run, "--json")
	var seen struct {
		Run struct {
			Outcome, Answer, Error    string
			InputTokens, OutputTokens int64
			CostUSD                   string `json:"cost_usd"`
			Unpriced                  int64  `json:"unpriced_calls"`
			Verdict                   *struct{ Verdict string }
			In                        int64 `json:"input_tokens"`
			Out                       int64 `json:"output_tokens"`
		}
		Steps []struct {
			Name, Outcome string
			EndedAt       string `json:"ended_at"`
			Cached        int64  `json:"cached_tokens"`
		}
	}
	if err := json.Unmarshal([]byte(out), &seen); err != nil {
		f.t.Fatalf("runs %s: %v, %s%s", run, err, out, errOut)
	}
	r := seen.Run
	if r.Verdict != nil {
		r.Outcome += ", judged " + r.Verdict.Verdict
	}
	if r.Unpriced > 0 {
		r.CostUSD += "?"
	}
	var steps []string
	var cached int64
	for _, s := range seen.Steps {
		steps = append(steps, s.Name+" "+s.Outcome+f.ends(s.EndedAt))
		cached += s.Cached
	}
	return fmt.Sprintf("%s [%s] %d/%d/%d $%s %q", r.Outcome, strings.Join(steps, ", "), r.In, r.Out, cached, r.CostUSD, r.Answer+r.Error)
}

// ends adds the time that a step ended where a case is about times.
func (f *field) ends(at string) string {
	if f.area == "xes" {
		return " " + at
	}
	return ""
}

// asks asks a model that answers with the body, then without any tool; it tells how that ended, what the tools did, what it took, and
// what was said.
func (f *field) asks(body, config string, flags ...string) string {
	f.t.Helper()
	f.fresh()
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"data":[{"id":"m-1"}]}`)
			return
		}
		sent, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.asked = append(f.asked, string(sent))
		f.mu.Unlock()
		answer := body
		if refused, rest, ok := strings.Cut(body, "|"); ok && strings.Contains(string(sent), refused) {
			w.WriteHeader(http.StatusBadRequest)
			answer = rest
		} else if ok || strings.Contains(string(sent), `"role":"tool"`) {
			answer = plainly
		}
		fmt.Fprint(w, answer)
	}))
	defer model.Close()
	f.config = write(f.t, filepath.Dir(f.config), "model.yaml", "base_url: "+model.URL+"/v1\n"+config)
	if f.before != nil {
		f.before()
	}
	out, errOut := f.program(append([]string{"ask", "6*7?", "--json"}, flags...)...)
	var a struct{ Run string }
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		f.t.Fatalf("ask: %v, %s%s", err, out, errOut)
	}
	if !strings.Contains(out, `"unpriced_calls"`) {
		f.t.Errorf("ask --json does not say whether the price is known: %s", out)
	}
	return f.shows(a.Run)
}

const plainly = `data: {"model":"m-1","choices":[{"index":0,"delta":{"content":"The result is 42."},"finish_reason":"stop"}]}` + "\n\n"

// body is a file of the case.
func (f *field) body(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.folder, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

// TestCasesFromTheField goes through every line of the public reports, by the verbs that a person would use. A line that nobody
// has said what to see of fails, as does one whose right value is another than was looked for.
func TestCasesFromTheField(t *testing.T) {
	t.Parallel()
	if os.Getenv("OPENAI_BASE_URL") != "" {
		t.Skip("OPENAI_BASE_URL wins over the doubles that this test asks")
	}
	root := os.Getenv("VIRTUOUS6_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	folders := []string{filepath.Join("testdata", "field"), filepath.Join(root, "reports")}
	for _, folder := range folders {
		table, err := os.ReadFile(filepath.Join(folder, "cases.tsv"))
		if err != nil {
			t.Logf("the reports are not here: %v", err)
			continue
		}
		seen := 0
		for line := range strings.Lines(string(table)) {
			columns := strings.Split(strings.TrimRight(line, "\n"), "\t")
			if len(columns) != 4 || columns[0] == "area" {
				continue
			}
			seen++
			c := fieldCase{columns[0], columns[1], columns[3], strings.Fields(columns[2]), folder}
			t.Run(c.area+"/"+c.property, func(t *testing.T) {
				t.Parallel()
				check, ok := fieldChecks[c.property]
				switch {
				case !ok:
					t.Fatalf("nothing looks at %q", c.property)
				case check.right != c.right:
					t.Errorf("right is %q, what is looked for is made for %q", c.right, check.right)
				}
				f := &field{t: t, fieldCase: c}
				got := check.see(f)
				for _, name := range slices.Sorted(maps.Keys(got)) {
					if got[name] != check.want[name] {
						t.Errorf("%s:\ngot\n%s\nwant\n%s", name, got[name], check.want[name])
					}
				}
				if len(got) == 0 {
					t.Error("nothing was seen")
				}
			})
		}
		if seen == 0 {
			t.Errorf("%s has no case", folder)
		}
	}
}

// fieldCheck is how a case is looked at: what is seen of each of its inputs, and what is wanted of those.
type fieldCheck struct {
	right string
	see   func(*field) map[string]string
	want  map[string]string
}

// asHistory sees each input as a file of history.
func asHistory(f *field) map[string]string {
	got := map[string]string{}
	for _, file := range f.inputs {
		got[file] = f.imports(file)
	}
	return got
}

// asAnswer sees each input as a model's answer.
func asAnswer(f *field) map[string]string {
	got := map[string]string{}
	for _, file := range f.inputs {
		got[file] = f.asks(f.body(file), "")
	}
	return got
}

// tooLarge imports a record that the server takes no append of, and one that it does.
func tooLarge(f *field) map[string]string {
	f.fresh()
	double, err := esdbtest.Start(esdbtest.Config{})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(double.Close)
	var lines []string
	for name, length := range map[string]int{"small": 10, "large": 2 << 20} {
		lines = append(lines, fmt.Sprintf(`{"run":%q,"workflow":"w","outcome":"failed","started_at":"2026-03-01T09:00:00Z","steps":[{"step":"s","error":%q}]}`, name, strings.Repeat("word ", length/5)))
	}
	slices.Sort(lines)
	file := write(f.t, f.t.TempDir(), "runs.jsonl", strings.Join(lines, "\n"))
	f.log = double.URL()
	out, _ := f.program("--read-models", "sqlite:"+filepath.Join(f.t.TempDir(), "models.db"), "import", "--json", file)
	var sum struct {
		Taken, Skipped int
		Problems       []struct{ Record, Reason string }
	}
	if err := json.Unmarshal([]byte(out), &sum); err != nil || len(sum.Problems) != 1 {
		f.t.Fatalf("%v: %s", err, out)
	}
	return map[string]string{"": fmt.Sprintf("%d taken, %d left out: %s", sum.Taken, sum.Skipped, sum.Problems[0].Record)}
}
