package ingest

import (
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// exportedTrace is a trace file as the tests read it for themselves.
type exportedTrace struct {
	Trace struct {
		ID          string
		Name        string
		Timestamp   string
		UserID      string `json:"userId"`
		SessionID   string `json:"sessionId"`
		Environment string
		Release     string
		Version     string
		Tags        []string
		Input       any
		Output      any
		Scores      []struct {
			Name         string
			Value        json.Number
			Comment      string
			Source       string
			AuthorUserID string `json:"authorUserId"`
			Timestamp    string
		}
	}
	Observations []exportedObservation
}

type exportedObservation struct {
	ID            string
	Parent        string `json:"parentObservationId"`
	Type          string
	Name          string
	StartTime     string
	EndTime       string
	Level         string
	StatusMessage string
	Model         string
	UsageDetails  map[string]int64
	TotalCost     json.Number
	Input, Output any
	Metadata      any
}

// outer are the observations that have some with usage beneath them.
func (e exportedTrace) outer() map[string]bool {
	parents, outer := map[string]string{}, map[string]bool{}
	for _, o := range e.Observations {
		parents[o.ID] = o.Parent
	}
	for _, o := range e.Observations {
		if o.UsageDetails["input"]+o.UsageDetails["output"] > 0 {
			for at := o.Parent; at != ""; at = parents[at] {
				outer[at] = true
			}
		}
	}
	return outer
}

// frameworkTraces are the real traces, by file name.
func frameworkTraces(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dataFile(t, "agent-runs/langfuse-framework-traces"), "*.trace.json"))
	if err != nil || len(files) != 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	out := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(b)
	}
	return out
}

func readExported(t *testing.T, data string) exportedTrace {
	t.Helper()
	var e exportedTrace
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestLangfuseTracesHoldWhatTheirFilesHold(t *testing.T) {
	t.Parallel()
	for name, data := range frameworkTraces(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := readExported(t, data)
			records := mustParse(t, data, name, importing(""))
			if len(records) != 1 {
				t.Fatalf("%d runs", len(records))
			}
			r := records[0]
			if start := r.Run[0].(commands.StartRun); start.Run != want.Trace.ID || start.Workflow != withoutIDs(want.Trace.Name) || start.Requester != want.Trace.UserID {
				t.Errorf("started as %+v", start)
			}
			var names, wantNames, models, wantModels []string
			var input, output, wantInput, wantOutput int64
			var cost, wantCost events.Nanos
			exact := new(big.Rat)
			parents := map[int]string{}
			for _, c := range r.Run {
				switch c := c.(type) {
				case commands.StartStep:
					names = append(names, c.Name)
					parents[c.Step] = c.Name
					if c.Model != "" {
						models = append(models, c.Model)
					}
				case commands.FinishStep:
					input, output, cost = input+c.InputTokens, output+c.OutputTokens, cost+c.CostNanos
				}
			}
			outer := want.outer()
			for _, o := range want.Observations {
				wantNames = append(wantNames, withoutIDs(o.Name))
				if o.Model != "" {
					wantModels = append(wantModels, o.Model)
				}
				if outer[o.ID] {
					continue // it sums up what is beneath it
				}
				wantInput, wantOutput = wantInput+o.UsageDetails["input"], wantOutput+o.UsageDetails["output"]
				dollars, ok := new(big.Rat).SetString(o.TotalCost.String())
				if !ok {
					t.Fatal(o.TotalCost)
				}
				exact.Add(exact, dollars)
				nanos, err := events.RoundUSD(dollars)
				if err != nil {
					t.Fatal(err)
				}
				wantCost += nanos
			}
			for _, s := range [][]string{names, wantNames, models, wantModels} {
				slices.Sort(s)
			}
			if !slices.Equal(names, wantNames) {
				t.Errorf("steps %v, want %v", names, wantNames)
			}
			if !slices.Equal(models, wantModels) {
				t.Errorf("models %v, want %v", models, wantModels)
			}
			if input != wantInput || output != wantOutput || cost != wantCost {
				t.Errorf("tokens %d/%d, cost %s, want %d/%d and %s", input, output, cost, wantInput, wantOutput, wantCost)
			}
			if off := exact.Sub(exact, big.NewRat(int64(cost), 1e9)); off.Abs(off).Cmp(big.NewRat(int64(len(want.Observations)), 2e9)) > 0 {
				t.Errorf("the cost is %s off by more than rounding", off)
			}
			if len(r.Feedback) != len(want.Trace.Scores) {
				t.Fatalf("%d scores, want %d", len(r.Feedback), len(want.Trace.Scores))
			}
			for i, s := range want.Trace.Scores {
				got := r.Feedback[i]
				value, err := s.Value.Float64()
				if err != nil || got.Score == nil || *got.Score != value || got.Name != s.Name || got.Text != s.Comment || got.Run != want.Trace.ID {
					t.Errorf("score %d is %+v, want %+v", i, got, s)
				}
			}
		})
	}
}

// Two of the files hold the same trace with its observations in another order: importing both is importing one twice.
func TestLangfuseTraceIsTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	files := frameworkTraces(t)
	a := mustParse(t, files["pydantic-ai-2025-06-06.trace.json"], "a.json", importing("langfuse"))[0]
	b := mustParse(t, files["pydantic-ai-tools-2025-06-06.trace.json"], "b.json", importing("langfuse"))[0]
	if len(a.Run) != len(b.Run) {
		t.Fatalf("%d commands and %d", len(a.Run), len(b.Run))
	}
	for i := range a.Run {
		if a.Run[i].About() != b.Run[i].About() {
			t.Errorf("command %d: %+v and %+v", i, a.Run[i], b.Run[i])
		}
	}
	if tell(a) != tell(b) {
		t.Errorf("%s\n%s", tell(a), tell(b))
	}
}

func TestLangfuseSample(t *testing.T) {
	t.Parallel()
	const want = `09:00:00 start t1 workflow=shop task="" requester="anna" prompt="Where is it?" labels=map[environment:test tags:a,b version:1.0] undated=false conversation="s1"
09:00:00 step 0 "root" workflow agent="" tool="" model="" in=-1 on=[] labels=map[] undated=false
09:00:00 step 1 "clerk" agent agent="clerk" tool="" model="" in=0 on=[] labels=map[] undated=false
09:00:01 step 2 "find" tool agent="clerk" tool="find" model="" in=1 on=[] labels=map[] undated=false
09:00:02 done 2 failed "no luck" model="" tokens=0/0/0 cost=0 undated=false
09:00:03 step 3 "think" chat agent="clerk" tool="" model="gpt-4o" in=1 on=[] labels=map[] undated=false
09:00:05 call 3 model="gpt-4o" provider="openai" [{system  Be kind. [] } {user  Where is it? [] }] => [{assistant  Here. [] }] {"temperature":0.5} 
09:00:05 done 3 succeeded "" model="" tokens=140/7/40 cost=0.00023445 undated=false
09:00:05 step 4 "think" chat agent="clerk" tool="" model="gpt-4o" in=1 on=[] labels=map[] undated=false
09:00:05 call 4 model="gpt-4o" provider="" [{user  Again? [] }] => []  
09:00:05 done 4 succeeded "" model="" tokens=100/7/40 cost=0.0000001 undated=true
09:00:05 done 1 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:00:05 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:00:05.5 step 5 "event" activity agent="" tool="" model="" in=-1 on=[] labels=map[] undated=false
09:00:05.5 done 5 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:00:05.5 end succeeded "Here." cost=0 undated=false
09:10:00 feedback -1 user="EVAL" "helpful" score=0.25 label="" "meh"
09:11:00 feedback -1 user="bob" "tone" score=- label="kind" ""
09:12:00 feedback 2 user="" "safe" score=1 label="True" ""
agent clerk
`
	records := mustParse(t, sample(t, "langfuse.json"), "langfuse.json", importing(""))
	if got := tell(records[0]); got != want {
		t.Errorf("got\n%s", got)
	}
	// The trace with its observations and scores inside, one a line, is the same.
	inside := strings.Replace(strings.ReplaceAll(sample(t, "langfuse.json"), "\n", " "), `"trace": {`, "", 1)
	inside = strings.Replace(inside, "]},   \"observations\"", `], "observations"`, 1)
	records = mustParse(t, inside+"\n", "langfuse.jsonl", importing(""))
	if got := tell(records[0]); got != want {
		t.Errorf("inside: got\n%s", got)
	}
}

func TestLangfuseRefuses(t *testing.T) {
	t.Parallel()
	const trace = `{"trace":{"id":"t","name":"n"%s},"observations":[{"id":"a","type":"SPAN","name":"s","startTime":"2026-03-01T09:00:00Z","endTime":"2026-03-01T09:00:01Z"%s}]}`
	for name, c := range map[string]struct{ data, want string }{
		"no object":         {`[1]`, `f.json:1: is a number; a trace is an object`},
		"no id":             {`{"trace":{},"observations":[]}`, `f.json:1: trace.id: is missing; it names the run`},
		"no observations":   {`{"trace":{"id":"t","observations":["a"]}}`, `f.json:1: record t: observations: holds only ids, as the list of traces has them. Export the observations (/api/public/observations), or each trace from /api/public/traces/ID`},
		"negative tokens":   {fill(trace, "", `,"usageDetails":{"input":-1}`), `f.json:1: record t: observations[0].usageDetails.input: -1 is negative`},
		"huge tokens":       {fill(trace, "", `,"usageDetails":{"input":1e400}`), `f.json:1: record t: observations[0].usageDetails.input: "1e400" is not a number of tokens from 0 to 2^53`},
		"negative cost":     {fill(trace, "", `,"totalCost":-0.1`), `f.json:1: record t: observations[0].totalCost: the cost -0.1 is negative`},
		"ends too early":    {fill(trace, "", `,"x":1},{"id":"b","type":"TOOL","startTime":"2026-03-01T09:00:00Z","endTime":"2026-03-01T08:00:01Z"`), `f.json:1: record t: step "tool" ends at 2026-03-01T08:00:01Z, before it starts at 2026-03-01T09:00:00Z`},
		"circle":            {fill(trace, "", `,"parentObservationId":"a"`), `f.json:1: record t: the parents of step "s" go round in a circle`},
		"same id":           {fill(trace, "", `},{"id":"a","type":"TOOL"`), `f.json:1: record t: id: two steps have the id a, with different content`},
		"score on nothing":  {fill(trace, `,"scores":[{"value":1,"observationId":"z"}]`, ""), `f.json:1: record t: trace.scores[0].observationId: no observation has the id z`},
		"score of nothing":  {fill(trace, `,"scores":[{"name":"x"}]`, ""), `f.json:1: record t: trace.scores[0].value: is missing, and there is no comment either`},
		"score not finite":  {fill(trace, `,"scores":[{"value":1e999}]`, ""), `f.json:1: record t: trace.scores[0].value: "1e999" is not a number that can be kept`},
		"no time":           {fill(trace, `,"timestamp":"soon"`, ""), `f.json:1: record t: trace.timestamp: "soon" is not a time like 2026-11-01T09:30:00Z (RFC 3339)`},
		"control character": {`{"trace":{"id":"t\u0007","observations":[]}}`, `f.json:1: record t\a: run: holds the control character U+0007`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			records, problems, fatal := parseAll(t, c.data, "f.json", importing("langfuse"))
			if len(records) > 0 || len(problems) != 1 || fatal != nil || problems[0].Error() != c.want {
				t.Errorf("%d records, problems %v, %v; want %s", len(records), problems, fatal, c.want)
			}
		})
	}
}

// fill puts texts where a template has %s.
func fill(template string, parts ...string) string {
	for _, p := range parts {
		template = strings.Replace(template, "%s", p, 1)
	}
	return template
}
