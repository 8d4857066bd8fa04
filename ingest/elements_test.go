package ingest

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

func TestElements(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want string
	}{
		"array":             {"[1, {\"a\":[]},\n\"x,]\" ]", `1:1 1:{"a":[]} 2:"x,]"`},
		"empty array":       {"\n [ ] \n", ``},
		"lines":             {"{}\n{\"a\":\"}\\\"\"}\n\n{\n}", `1:{} 2:{"a":"}\""} 4:{} `},
		"one line":          {"{}{}", `1:{} 1:{}`},
		"nothing":           {"  \n", ``},
		"junk":              {"{}\nhello\n{}", `1:{} 2:hello 3:{}`},
		"cut in a text":     {"{\"a\":\"x\n{\"b\":1}\n", `!1 2:{"b":1}`},
		"cut in a list":     {"{\"a\":[1,2\n{\"b\":1}\n", `!1 2:{"b":1}`},
		"cut at the end":    {"{}\n{\"a\":", `1:{} !2`},
		"cut indented":      {"{\n \"a\": {\n", `!1`},
		"closes too much":   {"{}}\n{}\n", `1:{} !1 2:{}`},
		"array cut":         {"[{},\n{\"a\"", `1:{} !2`},
		"array not closed":  {"[{}\n", `1:{} !2`},
		"array too closed":  {"[{}}", `1:{} fatal`},
		"array with more":   {"[{}]\n {}", `1:{} fatal`},
		"array, cut string": {"[\"a\n\",{}]", `fatal`},
		"long one":          {"{\"a\":\"" + strings.Repeat("x", 2000) + "\"}\n{}", `!1 2:{}`},
		"long in array":     {"[{\"a\":\"" + strings.Repeat("x", 2000) + "\"},\n{}]", `!1 2:{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(c.data), iotest.OneByteReader(strings.NewReader(c.data))} {
				in, err := newInput(r, "f")
				if err != nil {
					t.Fatal(err)
				}
				e := newElements(in, 1000)
				var got []string
				for {
					data, line, err := e.next()
					var p *Problem
					if errors.Is(err, io.EOF) {
						break
					} else if errors.As(err, &p) {
						got = append(got, fmt.Sprintf("!%d", p.Line))
						continue
					} else if err != nil {
						got = append(got, "fatal")
						break
					}
					got = append(got, fmt.Sprintf("%d:%s", line, strings.Join(strings.Fields(string(data)), "")))
				}
				if s := strings.Join(got, " "); s != strings.TrimSpace(c.want) {
					t.Errorf("got %s, want %s", s, c.want)
				}
			}
		})
	}
}

// A tool's result that says by a flag that the call failed is believed, though its span ended well.
func TestAFlagInAToolsResult(t *testing.T) {
	t.Parallel()
	smith := func(output string) string {
		return `[{"id":"a","trace_id":"a","run_type":"chain","name":"agent","start_time":"2026-03-01T09:00:00","end_time":"2026-03-01T09:00:05","status":"success"},` +
			`{"id":"b","trace_id":"a","parent_run_id":"a","run_type":"tool","name":"look","start_time":"2026-03-01T09:00:01","end_time":"2026-03-01T09:00:02","status":"success","outputs":` + output + `}]`
	}
	fuse := func(output string) string {
		return `{"id":"t","timestamp":"2026-03-01T09:00:00Z","observations":[{"id":"o","traceId":"t","type":"SPAN","name":"agent","startTime":"2026-03-01T09:00:00Z","endTime":"2026-03-01T09:00:05Z"},` +
			`{"id":"p","traceId":"t","parentObservationId":"o","type":"TOOL","name":"look","startTime":"2026-03-01T09:00:01Z","endTime":"2026-03-01T09:00:02Z","output":` + output + `}]}`
	}
	spans := func(result string) string {
		return `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"agent","startTimeUnixNano":"1","endTimeUnixNano":"9","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"invoke_agent"}}]},` +
			`{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","parentSpanId":"0000000000000001","name":"execute_tool look","startTimeUnixNano":"2","endTimeUnixNano":"3","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},` +
			`{"key":"gen_ai.tool.call.result","value":{"stringValue":` + strconv.Quote(result) + `}}]}]}]}]}`
	}
	const message = `{"output":{"lc":1,"type":"constructor","id":["langchain","schema","messages","ToolMessage"],"kwargs":{"content":"Error: not there","type":"tool","status":"STATUS"}}}`
	for data, failed := range map[string]bool{
		smith(strings.Replace(message, "STATUS", "error", 1)):             true,
		smith(strings.Replace(message, "STATUS", "success", 1)):           false, // the flag comes before the words
		smith(`{"output":"Error: not there"}`):                            false, // the run's own status comes before them too
		smith(`{"error":"","rows":[]}`):                                   false,
		fuse(`{"isError":true,"content":[{"type":"text","text":"no"}]}`):  true,
		fuse(`{"isError":false,"content":[{"type":"text","text":"no"}]}`): false,
		fuse(`{"success":false}`):                                         true,
		fuse(`"fine"`):                                                    false,
		spans(`{"isError":true,"content":[{"type":"text","text":"no"}]}`): true,
		spans(`{"rows":3}`):                                               false,
	} {
		got := summary(mustParse(t, data, "f.json", importing(""))[0])
		if !strings.HasPrefix(got, "succeeded [agent succeeded, ") || strings.Contains(got, "look failed") != failed {
			t.Errorf("%s\n%s, want a failed step: %v", data, got, failed)
		}
	}
}

// LangSmith tells of the cache on the message alone, and of judgements as means and labels.
func TestLangSmithsCountsAndJudgements(t *testing.T) {
	t.Parallel()
	const data = `[{"id":"a","trace_id":"a","run_type":"llm","name":"m","start_time":"2026-03-01T09:00:00","end_time":"2026-03-01T09:00:05","status":"success","prompt_tokens":100,"completion_tokens":20,
		"outputs":{"llm_output":{"token_usage":{"prompt_tokens":100,"completion_tokens":20}},"generations":[[{"message":{"lc":1,"id":["AIMessage"],"kwargs":{"content":"ho","usage_metadata":{"input_tokens":100,"output_tokens":20,"input_token_details":{"cache_read":40}}}}}]]},
		"feedback_stats":{"correctness":{"n":2,"avg":0.25},"grade":{"n":1,"avg":null,"values":{"bad":1}},"split":{"n":2,"avg":null,"values":{"a":1,"b":1}}}}]`
	r := mustParse(t, data, "f.json", importing(""))[0]
	if got := summary(r); got != `succeeded [m succeeded] 100/20/40 $? "ho"` {
		t.Error(got)
	}
	var judged []string
	for _, c := range r.Feedback {
		score := "-"
		if c.Score != nil {
			score = fmt.Sprint(*c.Score)
		}
		judged = append(judged, fmt.Sprintf("%s %s %s %v", c.Name, score, c.Label, c.Step))
	}
	if got := strings.Join(judged, ", "); got != "correctness 0.25  <nil>, grade - bad <nil>" {
		t.Error(got)
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for file, format := range samples {
		data := sample(t, file)
		for _, prefix := range []string{data, "\xef\xbb\xbf\n" + data, data[:min(len(data), 400)]} {
			if got, err := Detect([]byte(prefix)); got != format || err != nil {
				t.Errorf("%s is %q (%v)", file, got, err)
			}
		}
	}
	for _, data := range []string{"", "hello", "<a></a>", `{"a":1}`, `[]`, `[1]`, "\x00;\x00", `{"a":{"run":1}}`} {
		if got, err := Detect([]byte(data)); !errors.Is(err, ErrUnknownFormat) || !strings.Contains(fmt.Sprint(err), "runs, chat, langfuse, langsmith, otlp, atif, xes, csv") {
			t.Errorf("%q is %q (%v)", data, got, err)
		}
	}
	_, _, fatal := parseAll(t, "hello", "f", importing(""))
	if !errors.Is(fatal, ErrUnknownFormat) {
		t.Error(fatal)
	}
	if _, _, fatal = parseAll(t, "hello", "f", importing("yaml")); !errors.Is(fatal, ErrUnknownFormat) || !strings.Contains(fatal.Error(), `"yaml"; name one of runs, `) {
		t.Error(fatal)
	}
}
