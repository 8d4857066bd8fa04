package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// summary is what a person sees of a run first: how it ended, its steps with their outcomes, tokens, cost, answer.
func summary(r Record) string {
	var steps []string
	outcomes := map[int]events.Outcome{}
	var input, output, cached int64
	var cost events.Nanos
	end, answer, unpriced := "", "", false
	for _, c := range r.Run {
		switch c := c.(type) {
		case commands.StartStep:
			steps = append(steps, c.Name)
		case commands.FinishStep:
			outcomes[c.Step] = c.Outcome
			input, output, cached, cost = input+c.InputTokens, output+c.OutputTokens, cached+c.CachedTokens, cost+c.CostNanos
			unpriced = unpriced || c.Unpriced
		case commands.FinishRun:
			end, answer, cost = string(c.Outcome), c.Answer, max(cost, c.CostNanos)
			unpriced = unpriced || c.UnpricedCalls > 0
		case commands.FailRun:
			end, answer, cost = "failed", c.Error, max(cost, c.CostNanos)
		}
	}
	if r.Verdict != nil {
		end += ", judged " + string(r.Verdict.Verdict)
	}
	for i := range steps {
		steps[i] += " " + string(outcomes[i])
	}
	price := cost.String()
	if unpriced {
		price = "?"
	}
	return fmt.Sprintf("%s [%s] %d/%d/%d $%s %q", end, strings.Join(steps, ", "), input, output, cached, price, answer)
}

// importFiles imports the files of one command.
func importFiles(t *testing.T, o Options, files ...string) (got []string, told []string) {
	t.Helper()
	o.Joint, o.Now = NewJoint(), importing("").Now
	var records []Record
	take := func(r Record, err error) {
		var p *Problem
		switch {
		case errors.As(err, &p) && p.Notice:
			told = append(told, "note: "+p.Reason)
		case err != nil:
			told = append(told, err.Error())
		default:
			if err := checkRecord(r); err != nil {
				t.Fatal(err)
			}
			records = append(records, r)
		}
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range Parse(f, filepath.Base(file), o) {
			take(r, err)
		}
		_ = f.Close()
	}
	for r, err := range o.Joint.Records() {
		take(r, err)
	}
	for _, r := range records {
		got = append(got, summary(r))
	}
	slices.Sort(got)
	return got, told
}

// Each file has a property that was seen to be read wrongly elsewhere, and each line its right value.
func TestSmallInputsFromTheField(t *testing.T) {
	t.Parallel()
	tau := []string{
		`unrated, judged failed [chat succeeded, find_order failed, chat succeeded] 13207/123/0 $0.05 "I can't find it."`,
		`unrated, judged succeeded [chat succeeded, find_order failed, chat succeeded] 13207/123/0 $0.05 "I can't find it."`,
	}
	smith := []string{`succeeded [agent succeeded, ChatOpenAI succeeded] 10/5/0 $0.0001 ""`}
	for _, c := range []struct {
		file string
		o    Options
		want []string
		told string
	}{
		{file: "langfuse/litellm_creation_inside.json", want: []string{`succeeded [g succeeded] 98805/5120/66360 $? ""`}},
		{file: "langfuse/cached_top_reasoning_inside.json", want: []string{`succeeded [gen0 succeeded] 17903/100/17817 $? "ho"`}},
		{file: "langfuse/agent_wrapper_sum.json", want: []string{`succeeded [agent run succeeded, gen1 succeeded, gen2 succeeded] 300/30/0 $0.03 "ho"`}},
		{file: "langfuse/ui_observations.json", want: []string{`succeeded [answer succeeded] 10/5/0 $0.001 "ho"`}},
		{file: "langfuse/blob_observations.jsonl", want: []string{`succeeded [answer succeeded] 10/5/0 $0.001 "ho"`}},
		{file: "langfuse/api_data_envelope.json", want: []string{`succeeded [gen0 succeeded] 1/1/0 $? "ho"`}},
		{file: "langsmith/api_envelope.json", want: smith},
		{file: "langsmith/runs.jsonl", want: smith},
		{file: "langsmith/runs_array.json", want: smith},
		{file: "otlp/cache_exclusive.json", want: []string{`succeeded [chat m succeeded] 130213/100/128955 $? ""`}},
		{file: "otlp/orphan_error.json", want: []string{`succeeded [root succeeded, execute_tool x failed] 0/0/0 $0 ""`}, told: "the parent of span 0000000000000005 is missing"},
		{file: "otlp/anyvalues.json", want: []string{`succeeded [chat m succeeded] 12/3/0 $? "42 and 1"`}},
		{file: "otlp/mixed_signals.jsonl", want: []string{`succeeded [root succeeded] 0/0/0 $0 ""`}, told: "2 exports of logs or metrics"},
		{file: "chat/anthropic_parallel.json", want: []string{`unrated, judged succeeded [calc succeeded, calc failed] 0/0/0 $? "4, and the second failed."`}},
		{file: "chat/anthropic_mixed.json", want: []string{`unrated, judged succeeded [look succeeded] 0/0/0 $? "done"`}},
		{file: "chat/tool_errors.json", want: []string{`unrated, judged failed [f failed, f failed, f failed, f failed, f failed, f succeeded] 0/0/0 $? "done"`}},
		{file: "chat/tau2_results.json", want: tau},
		{file: "chat/tau2_simulations.jsonl", want: tau},
		{file: "chat/usage_on_messages.json", want: []string{`unrated, judged succeeded [chat succeeded] 2006/300/1920 $0.01 "ho"`}},
		{file: "chat/responses_items.json", want: []string{`unrated, judged succeeded [f succeeded] 0/0/0 $? "done"`}},
		{file: "chat/request_response.json", want: []string{`unrated, judged succeeded [chat succeeded] 5/2/0 $? "ho"`}},
		{file: "xes/stray_events.xes", told: "2 events stand outside of any trace"},
		{file: "xes/times_24.xes", want: []string{`unrated [A succeeded] 0/0/0 $0 ""`}},
		{
			file: "xes/lifecycle.xes",
			want: []string{`unrated [A cancelled, B succeeded, B succeeded, C succeeded, D cancelled] 0/0/0 $0 ""`},
		},
		{file: "csv/bom_semicolon_decimal.csv", o: Options{Cost: "Kosten", InputTokens: "Tokens"}, told: `"0,0125" may be meant with decimals or with thousands: name the sign`},
		{
			file: "csv/bom_semicolon_decimal.csv", o: Options{Cost: "Kosten", InputTokens: "Tokens", Decimal: ','},
			want: []string{`unrated [Buchen succeeded] 12000/0/0 $12 ""`, `unrated [Prüfen, dann buchen succeeded, Buchen succeeded] 1820/0/0 $1234.5125 ""`},
		},
		{file: "csv/thousands_silent.csv", o: Options{InputTokens: "tokens"}, told: `"12.000" may be meant as a fraction or as thousands`},
		{file: "csv/thousands_silent.csv", o: Options{InputTokens: "tokens", Decimal: ','}, want: []string{`unrated [A succeeded, B succeeded] 13000/0/0 $? ""`}},
		{file: "csv/nat_tenth.csv", want: slices.Repeat([]string{`unrated [A succeeded] 0/0/0 $0 ""`}, 18), told: `record c18: timestamp: "NaT" is no time`},
		{file: "csv/excel_serial.csv", told: "name it by --time-layout excel"},
		{file: "csv/excel_serial.csv", o: Options{TimeLayout: "excel"}, want: []string{`unrated [A succeeded, B succeeded] 0/0/0 $0 ""`}},
	} {
		t.Run(c.file+fmt.Sprint(c.o.Decimal, c.o.TimeLayout), func(t *testing.T) {
			t.Parallel()
			got, told := importFiles(t, c.o, filepath.Join("testdata", "reports", c.file))
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if all := strings.Join(told, "\n"); c.told == "" && all != "" || !strings.Contains(all, c.told) {
				t.Errorf("told %q, want %q", all, c.told)
			}
		})
	}
}

// What is scheduled, begun, left and taken up again is one step, which tells how long it waited and rested.
func TestAnActivityIsOneStepWhateverItWentThrough(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ log, want string }{
		"one after another": {"schedule,assign,start,suspend,resume,complete", "02 A succeeded [scheduled:2026-03-01T08:00:00Z suspended:1m0s]"},
		"left for ever":     {"start,suspend,complete", "00 A succeeded [suspended:1m0s]"},
		"left twice":        {"start,suspend,resume,suspend,suspend,abort", "00 A cancelled [suspended:3m0s]"},
		"never begun":       {"schedule,withdraw", "01 A cancelled [scheduled:2026-03-01T08:00:00Z]"},
		"two of them":       {"schedule,schedule,start,complete,start,complete", "02 A succeeded [scheduled:2026-03-01T08:00:00Z], 04 A succeeded [scheduled:2026-03-01T08:01:00Z]"},
		"only scheduled":    {"schedule", "00 A succeeded [lifecycle:schedule]"},
		"taken up unseen":   {"resume,complete", "00 A succeeded [lifecycle:resume], 01 A succeeded []"},
	} {
		data := "case,activity,time,lifecycle\n"
		for i, transition := range strings.Split(c.log, ",") {
			data += fmt.Sprintf("1,A,2026-03-01 08:%02d:00,%s\n", i, transition)
		}
		var got []string
		outcomes := map[int]events.Outcome{}
		run := mustParse(t, data, "a.csv", importing(""))[0].Run
		for _, cmd := range run {
			if f, ok := cmd.(commands.FinishStep); ok {
				outcomes[f.Step] = f.Outcome
			}
		}
		for _, cmd := range run {
			if s, ok := cmd.(commands.StartStep); ok {
				got = append(got, fmt.Sprintf("%s %s %s %s", s.At.Format("04"), s.Name, outcomes[s.Step], strings.TrimPrefix(fmt.Sprint(s.Labels), "map")))
			}
		}
		if all := strings.Join(got, ", "); all != c.want {
			t.Errorf("%s: %s, not %s", name, all, c.want)
		}
	}
}

func TestXESPairsByLifecycle(t *testing.T) {
	t.Parallel()
	records := mustParse(t, sample(t, "reports/xes/lifecycle.xes"), "log.xes", importing(""))
	got := tell(records[0])
	for _, want := range []string{
		`09:00:01 step 0 "A" activity agent="u1" tool="" model="" in=-1 on=[] labels=map[scheduled:2026-03-01T09:00:00Z suspended:1s]`,
		"09:00:10 done 0 cancelled", // A ends by its abort
		"09:01:10 done 2 succeeded", // B of u3
		"09:01:20 done 1 succeeded", // B of u2
		"09:03:01 done 4 cancelled", // D is withdrawn
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	at := mustParse(t, sample(t, "reports/xes/times_24.xes"), "log.xes", importing(""))[0].Run[0].About().At
	if at.Format("2006-01-02 15:04") != "2026-03-02 00:00" {
		t.Error(at)
	}
}

func TestTracesOverManyBodies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder string
		want   []string
	}{
		{"traceloop-json", []string{"6 steps, 10/26/0"}},
		{"traceloop-protobuf", []string{"6 steps, 10/26/0"}},
		{"vercel", []string{"2 steps, 0/0/0", "2 steps, 2/13/0", "4 steps, 9/14/0"}},
	} {
		t.Run(c.folder, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join("testdata", "otlp-sdk", c.folder, "*"))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			got, told := importFiles(t, Options{}, files...)
			for i, s := range got {
				steps := strings.Count(s[:strings.Index(s, "]")], ",") + 1
				got[i] = fmt.Sprintf("%d steps, %s", steps, strings.Fields(s[strings.Index(s, "]")+1:])[0])
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) || len(told) > 0 {
				t.Errorf("got %q, told %q", got, told)
			}
			slices.Reverse(files)
			if backwards, _ := importFiles(t, Options{}, files...); len(backwards) != len(c.want) {
				t.Errorf("in another order: %q", backwards)
			}
			if c.folder == "traceloop-json" {
				_, told := importFiles(t, Options{}, files[len(files)-1])
				if len(told) != 1 || !strings.Contains(told[0], "import all files of a trace in one command") {
					t.Errorf("of one body alone it is told %q", told)
				}
				if got, _ := importFiles(t, Options{Partial: true}, files[len(files)-1]); len(got) != 1 {
					t.Errorf("partial: %q", got)
				}
			}
		})
	}
}

func TestDotNetTraces(t *testing.T) {
	t.Parallel()
	got, told := importFiles(t, Options{}, "testdata/otlp-sdk/dotnet/extensions-ai.pb")
	want := []string{
		`failed [orchestrate_tools succeeded, chat gpt-4o-mini failed] 0/0/0 $0 "HTTP 400 (invalid_request_error: bad)\n\nbad request"`,
		`succeeded [handle request succeeded, orchestrate_tools succeeded, chat gpt-4o-mini succeeded, execute_tool get_weather succeeded, chat gpt-4o-mini succeeded, ` +
			`orchestrate_tools succeeded, chat gpt-4o-mini succeeded, execute_tool get_weather succeeded, chat gpt-4o-mini succeeded] 488/120/256 $?`,
		`succeeded [orchestrate_tools succeeded, chat gpt-4o-mini succeeded] 121/42/64 $?`,
	}
	compare(t, got, want, told)
	got, told = importFiles(t, Options{}, "testdata/otlp-sdk/dotnet/semantic-kernel.pb")
	want = []string{
		`failed [execute_tool InvokePromptAsync failed, chat gpt-4o-mini failed] 0/0/0 $0`,
		`succeeded [execute_tool InvokePromptAsync succeeded, chat gpt-4o-mini succeeded, execute_tool get_weather succeeded, chat gpt-4o-mini succeeded] 244/60/0 $?`,
		`succeeded [execute_tool InvokePromptStreamingAsync succeeded, chat gpt-4o-mini succeeded, execute_tool get_weather succeeded, chat gpt-4o-mini succeeded] 0/0/0 $?`,
	}
	compare(t, got, want, told)
}

func compare(t *testing.T, got, want, told []string) {
	t.Helper()
	if len(got) != len(want) || len(told) > 0 {
		t.Fatalf("got %q, told %q", got, told)
	}
	for i := range got {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

// A call without a cost is not free, and one whose cost is told around it is not unknown.
func TestACostIsToldAtTheCallOrAroundIt(t *testing.T) {
	t.Parallel()
	const messages = `"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"},{"role":"user","content":"on"},{"role":"assistant","content":"b"`
	trace := func(agent, call string) string {
		return `{"trace":{"id":"t","timestamp":"2026-01-01T00:00:00Z"},"observations":[` +
			`{"id":"a","type":"AGENT","name":"agent","startTime":"2026-01-01T00:00:00Z","endTime":"2026-01-01T00:00:09Z"` + agent + `},` +
			`{"id":"g","type":"GENERATION","name":"chat","parentObservationId":"a","startTime":"2026-01-01T00:00:01Z","endTime":"2026-01-01T00:00:02Z"` + call + `}]}`
	}
	for name, c := range map[string]struct {
		input string
		nanos events.Nanos
		lacks int64
	}{
		"no answer tells anything":        {`{"id":"r",` + messages + `}]}`, 0, 2},
		"one of two does":                 {`{"id":"r",` + messages + `,"usage":{"prompt_tokens":5,"completion_tokens":1,"cost":0.5}}]}`, 5e8, 1},
		"the conversation has a cost":     {`{"id":"r","total_cost":0.25,` + messages + `}]}`, 25e7, 0},
		"the conversation has a usage":    {`{"id":"r","usage":{"prompt_tokens":9,"completion_tokens":2},` + messages + `}]}`, 0, 1},
		"the call of a trace has none":    {trace("", ""), 0, 1},
		"the call of a trace has one":     {trace("", `,"calculatedTotalCost":0.5`), 5e8, 0},
		"what is around the call has one": {trace(`,"calculatedTotalCost":0.5`, ""), 5e8, 0},
	} {
		got, problems, err := parseAll(t, c.input, "f", importing(""))
		if err != nil || len(problems) > 0 || len(got) != 1 {
			t.Errorf("%s: %d runs, %v, %v", name, len(got), problems, err)
			continue
		}
		var cost events.Cost
		for _, command := range got[0].Run {
			switch f := command.(type) {
			case commands.FinishStep:
				cost = cost.Plus(events.CostOf(f.CostNanos, f.Unpriced))
			case commands.FinishRun:
				cost = cost.Plus(events.Cost{CostNanos: max(f.CostNanos-cost.CostNanos, 0), UnpricedCalls: f.UnpricedCalls})
			}
		}
		if cost != (events.Cost{CostNanos: c.nanos, UnpricedCalls: c.lacks}) {
			t.Errorf("%s: %+v, want %d and %d", name, cost, c.nanos, c.lacks)
		}
	}
}
