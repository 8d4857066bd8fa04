package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// generation is one of the ways to name things that are in use, for the tests' own exporter.
type generation struct {
	name string
	// kind is the attribute that tells what a span is, and its values.
	kind   string
	values map[string]string
	model  string
	input  string
	output string
	cost   string
	// ask and answer write messages as attributes.
	ask, answer func(all []map[string]any) []any
}

var generations = []generation{
	{
		name: "GenAI today", kind: "gen_ai.operation.name",
		values: map[string]string{"chat": "chat", "tool": "execute_tool", "agent": "invoke_agent", "workflow": "invoke_workflow", "retrieval": "retrieval"},
		model:  "gen_ai.request.model", input: "gen_ai.usage.input_tokens", output: "gen_ai.usage.output_tokens", cost: "gen_ai.usage.cost",
		ask:    func(m []map[string]any) []any { return []any{attr("gen_ai.input.messages", mustJSON(m))} },
		answer: func(m []map[string]any) []any { return []any{attr("gen_ai.output.messages", mustJSON(m))} },
	},
	{
		name: "GenAI before", kind: "traceloop.span.kind",
		values: map[string]string{"chat": "llm", "tool": "tool", "agent": "agent", "workflow": "workflow", "retrieval": "retriever"},
		model:  "gen_ai.response.model", input: "gen_ai.usage.prompt_tokens", output: "gen_ai.usage.completion_tokens", cost: "llm.usage.total_cost",
		ask:    func(m []map[string]any) []any { return []any{attr("gen_ai.prompt", mustJSON(m))} },
		answer: func(m []map[string]any) []any { return []any{attr("gen_ai.completion", mustJSON(m))} },
	},
	{
		name: "OpenInference", kind: "openinference.span.kind",
		values: map[string]string{"chat": "LLM", "tool": "TOOL", "agent": "AGENT", "workflow": "CHAIN", "retrieval": "RETRIEVER"},
		model:  "llm.model_name", input: "llm.token_count.prompt", output: "llm.token_count.completion", cost: "llm.cost.total",
		ask:    func(m []map[string]any) []any { return spell("llm.input_messages", m) },
		answer: func(m []map[string]any) []any { return spell("llm.output_messages", m) },
	},
}

func attr(key string, v any) any {
	kind := "stringValue"
	switch v.(type) {
	case int64:
		kind, v = "intValue", fmt.Sprint(v)
	case json.Number:
		kind = "doubleValue"
	}
	return map[string]any{"key": key, "value": map[string]any{kind: v}}
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// spell writes messages over attributes.
func spell(prefix string, all []map[string]any) (out []any) {
	for i, m := range all {
		at := fmt.Sprintf("%s.%d.message.", prefix, i)
		for _, key := range []string{"role", "content", "name", "tool_call_id"} {
			if s, _ := m[key].(string); s != "" {
				out = append(out, attr(at+key, s))
			}
		}
		calls, _ := m["tool_calls"].([]map[string]any)
		for j, c := range calls {
			call := fmt.Sprintf("%stool_calls.%d.tool_call.", at, j)
			out = append(out, attr(call+"id", c["id"]), attr(call+"function.name", c["name"]), attr(call+"function.arguments", c["arguments"]))
		}
	}
	return out
}

func nanos(t *testing.T, s string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(at.UnixNano())
}

// export writes a Langfuse trace as OTLP/JSON, one span a line, the last one first. What kind of thing a span is and
// who does it is taken from the commands of the Langfuse import; all else from the file.
func export(t *testing.T, e exportedTrace, imported Record, g generation) string {
	t.Helper()
	steps, calls := map[string][]commands.StartStep{}, map[int]commands.RecordLLMCall{}
	var start commands.StartRun
	for _, c := range imported.Run {
		switch c := c.(type) {
		case commands.StartRun:
			start = c
		case commands.StartStep:
			key := c.Name + c.At.Format(time.RFC3339Nano)
			steps[key] = append(steps[key], c)
		case commands.RecordLLMCall:
			calls[*c.Step] = c
		}
	}
	known := map[string]bool{}
	for _, o := range e.Observations {
		known[o.ID] = true
	}
	resource := []any{attr("service.name", e.Trace.Name)}
	for key, value := range map[string]string{
		"deployment.environment.name": e.Trace.Environment, "service.version": e.Trace.Version, "langfuse.release": e.Trace.Release,
		"session.id": e.Trace.SessionID, "user.id": e.Trace.UserID, "langfuse.trace.tags": start.Labels["tags"],
	} {
		if value != "" {
			resource = append(resource, attr(key, value))
		}
	}
	var lines []string
	for _, o := range e.Observations {
		at, err := time.Parse(time.RFC3339Nano, o.StartTime)
		if err != nil {
			t.Fatal(err)
		}
		key := withoutIDs(o.Name) + at.UTC().Format(time.RFC3339Nano)
		step := steps[key][0]
		steps[key] = steps[key][1:]
		attributes := []any{attr(g.kind, g.values[string(step.Type)]), attr("gen_ai.agent.name", step.Agent)}
		if step.Agent == "" {
			attributes = attributes[:1]
		}
		if step.Tool != "" {
			attributes = append(attributes, attr("gen_ai.tool.name", step.Tool))
		}
		if o.Model != "" {
			attributes = append(attributes, attr(g.model, o.Model))
		}
		if len(o.UsageDetails) > 0 {
			attributes = append(attributes, attr(g.input, o.UsageDetails["input"]), attr(g.output, o.UsageDetails["output"]))
		}
		if o.TotalCost != "0" {
			attributes = append(attributes, attr(g.cost, o.TotalCost))
		}
		if call, ok := calls[step.Step]; ok {
			if m := plainMessages(call.Asked); len(m) > 0 {
				attributes = append(attributes, g.ask(m)...)
			}
			if m := plainMessages(call.Answered); len(m) > 0 {
				attributes = append(attributes, g.answer(m)...)
			}
		}
		span := map[string]any{
			"traceId": e.Trace.ID, "spanId": o.ID, "name": o.Name, "startTimeUnixNano": nanos(t, o.StartTime),
			"endTimeUnixNano": nanos(t, o.EndTime), "attributes": attributes,
		}
		if known[o.Parent] {
			span["parentSpanId"] = o.Parent
		} else {
			var given []any
			for _, s := range e.Trace.Scores {
				user := s.AuthorUserID
				if user == "" {
					user = s.Source
				}
				given = append(given, map[string]any{
					"name": "gen_ai.evaluation.result", "timeUnixNano": nanos(t, s.Timestamp), "attributes": []any{
						attr("gen_ai.evaluation.name", s.Name), attr("gen_ai.evaluation.score.value", s.Value),
						attr("gen_ai.evaluation.explanation", s.Comment), attr("user.id", user),
					},
				})
			}
			span["events"] = given
			if step.Type != "chat" {
				if start.Prompt != "" {
					span["attributes"] = append(attributes, attr("input.value", start.Prompt))
				}
			}
		}
		if o.Level == "ERROR" {
			span["status"] = map[string]any{"code": 2, "message": o.StatusMessage}
		}
		lines = append(lines, mustJSON(map[string]any{"resourceSpans": []any{map[string]any{
			"resource":   map[string]any{"attributes": resource},
			"scopeSpans": []any{map[string]any{"scope": map[string]any{"name": "test"}, "spans": []any{span}}},
		}}}))
	}
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	return strings.Join(lines, "\n")
}

func plainMessages(all []events.Message) (out []map[string]any) {
	for _, m := range all {
		p := map[string]any{"role": m.Role, "content": m.Content, "name": m.Name, "tool_call_id": m.ToolCallID}
		var calls []map[string]any
		for _, c := range m.ToolCalls {
			calls = append(calls, map[string]any{"id": c.ID, "name": c.Name, "arguments": c.Arguments})
		}
		if calls != nil {
			p["tool_calls"] = calls
		}
		out = append(out, p)
	}
	return out
}

// comparable is what a record tells that must not depend on the format: all but the settings and the makers of calls,
// and the words for what a whole run was asked and answered, which OTLP has no place for.
func comparable(r Record) string {
	for i, c := range r.Run {
		switch c := c.(type) {
		case commands.StartRun:
			c.Prompt = ""
			r.Run[i] = c
		case commands.RecordLLMCall:
			c.Provider, c.Params, c.FinishReason = "", nil, ""
			r.Run[i] = c
		case commands.FinishRun:
			c.Answer = ""
			r.Run[i] = c
		}
	}
	return tell(r)
}

func TestOTLPIsWhatLangfuseIs(t *testing.T) {
	t.Parallel()
	for name, data := range frameworkTraces(t) {
		for _, g := range generations {
			t.Run(name+"/"+g.name, func(t *testing.T) {
				t.Parallel()
				want := mustParse(t, data, name, importing("langfuse"))[0]
				otlp := export(t, readExported(t, data), want, g)
				records := mustParse(t, otlp, "spans.jsonl", importing(""))
				if len(records) != 1 {
					t.Fatalf("%d runs", len(records))
				}
				if got, want := comparable(records[0]), comparable(want); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

func TestOTLPSample(t *testing.T) {
	t.Parallel()
	const want = `09:00:00 start 5b8efff798038103d269b633813fc60c workflow=shop task="" requester="anna" prompt="Where?" labels=map[] undated=false
09:00:00 step 0 "invoke_agent clerk" agent agent="clerk" tool="" model="" in=-1 on=[] labels=map[] undated=false
09:00:01 step 1 "chat gpt-4o" chat agent="clerk" tool="" model="gpt-4o" in=0 on=[] labels=map[] undated=false
09:00:02 call 1 model="gpt-4o-2024-08-06" provider="" [{user  Where? [] }] => [{assistant  Here. [] }]  
09:00:02 done 1 succeeded "" model="gpt-4o-2024-08-06" tokens=12/3/0 cost=0.0000125 undated=false
09:00:03 step 2 "execute_tool find" tool agent="clerk" tool="find" model="" in=0 on=[1] labels=map[] undated=false
09:00:04 done 2 failed "no luck" model="" tokens=0/0/0 cost=0 undated=false
09:00:05 done 0 succeeded "" model="" tokens=0/0/0 cost=0 undated=false
09:00:05 end succeeded "Here." cost=0 undated=false
09:01:40 feedback -1 user="" "helpful" score=0.25 label="" ""
agent clerk
`
	lines := strings.Split(strings.TrimSpace(sample(t, "otlp.jsonl")), "\n")
	first := mustParse(t, lines[0]+"\n"+lines[1], "spans.jsonl", importing(""))[0]
	if got := tell(first); got != want {
		t.Errorf("got\n%s", got)
	}
	// The same spans in other pieces, twice, are the same record.
	again := mustParse(t, "["+lines[1]+",\n"+lines[0]+",\n"+lines[1]+"]", "spans.json", importing(""))
	if len(again) != 1 || again[0].Run[0].About().ID != first.Run[0].About().ID || tell(again[0]) != want {
		t.Errorf("again: %d runs", len(again))
	}
}

func TestOTLPRefuses(t *testing.T) {
	t.Parallel()
	const envelope = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s"%s}]}]}]}`
	const trace, id = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b173"
	good := fill(envelope, "000000000000000000000000000000ff", "00000000000000ff", "")
	bad := func(rest string) string { return fill(envelope, trace, id, rest) }
	for name, c := range map[string]struct {
		data, want string
		records    int
	}{
		"no spans":         {`{"resources":[]}`, `f:2: resourceSpans: is missing; a file of traces holds OTLP/JSON exports`, 1},
		"trace id":         {fill(envelope, "xyz", id, ""), `f:2: resourceSpans[0].scopeSpans[0].spans[0].traceId: "xyz" is no trace id: 16 bytes in hex or base64`, 1},
		"span id":          {fill(envelope, trace, "", ""), `f:2: record ` + trace + `: span.spanId: "" is no span id: 8 bytes in hex or base64`, 1},
		"negative tokens":  {bad(`,"attributes":[{"key":"gen_ai.usage.input_tokens","value":{"intValue":"-7"}}]`), `f:2: record ` + trace + `: span ` + id + `.gen_ai.usage.input_tokens: -7 is negative`, 1},
		"cost not finite":  {bad(`,"attributes":[{"key":"gen_ai.usage.cost","value":{"doubleValue":"NaN"}}]`), `"NaN" is not a decimal amount`, 1},
		"negative time":    {bad(`,"startTimeUnixNano":"-5"`), `span ` + id + `.startTimeUnixNano: "-5" is not a time in nanoseconds since 1970`, 1},
		"ends too early":   {bad(`,"startTimeUnixNano":"1772355600000000000","endTimeUnixNano":"1772355500000000000"`), `ends at 2026-03-01T08:58:20Z, before it starts at 2026-03-01T09:00:00Z`, 1},
		"its own parent":   {bad(`,"parentSpanId":"` + id + `"`), `the parents of step "span" go round in a circle`, 1},
		"evaluates nought": {bad(`,"events":[{"name":"gen_ai.evaluation.result"}]`), `events[0].gen_ai.evaluation.score.value: is missing`, 1},
		"part is missing":  {bad(`,"parentSpanId":"eee19b7ec3c1b174"`) + "\n{\"resourceSpans\":[{", `is cut off`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			records, problems, fatal := parseAll(t, good+"\n"+c.data, "f", importing("otlp"))
			if len(records) != c.records || len(problems) == 0 || fatal != nil || !strings.Contains(problems[0].Error(), c.want) {
				t.Errorf("%d records, problems %v, %v; want %s", len(records), problems, fatal, c.want)
			}
			if name == "part is missing" && (len(problems) != 2 || !strings.Contains(problems[1].Error(), "the trace may be incomplete")) {
				t.Errorf("problems %v", problems)
			}
		})
	}
	o := importing("otlp")
	o.MaxHeldBytes = 100
	if records, _, fatal := parseAll(t, good, "f", o); len(records) > 0 || fatal == nil || !strings.Contains(fatal.Error(), "import them in parts, by trace") {
		t.Error(fatal)
	}
}

func TestOTLPMessageEvents(t *testing.T) {
	t.Parallel()
	const data = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b173","name":"chat",
"attributes":[{"key":"gen_ai.system","value":{"stringValue":"openai"}},{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.request.temperature","value":{"doubleValue":0.5}},{"key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":[{"stringValue":"stop"}]}}}],
"events":[{"name":"gen_ai.user.message","attributes":[{"key":"content","value":{"stringValue":"Where?"}}]},{"name":"gen_ai.choice","attributes":[{"key":"message","value":{"stringValue":"{\"role\":\"assistant\",\"content\":\"Here.\"}"}}]}]}]}]}]}`
	got := tell(mustParse(t, data, "f", importing("otlp"))[0])
	if want := `call 0 model="" provider="openai" [{user  Where? [] }] => [{assistant  Here. [] }] {"temperature":0.5} stop`; !strings.Contains(got, want) {
		t.Errorf("got\n%s", got)
	}
}
