package ingest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/ingest"
)

// What is met often and not read is told from what is, and the refusal says what to give instead.
func TestARefusalSaysWhichExportToMake(t *testing.T) {
	t.Parallel()
	for instead, inputs := range map[string][]string{
		"role":                {`[{"id":"a","conversations":[{"from":"human","value":"hi"}]}]`, `{"conversations":[{"from":"gpt","value":"hi"}]}`, `[{"title":"x","create_time":1.5,"mapping":{}}]`, `[{"uuid":"u","chat_messages":[]}]`},
		"OTLP":                {`{"data":[{"traceID":"a","spans":[],"processes":{}}],"total":0}`, `[{"traceId":"a","id":"1","name":"chat","timestamp":1,"localEndpoint":{}}]`, `{"data":[{"id":"x","context":{"trace_id":"t"},"span_kind":"LLM","status_code":"OK"}],"next_cursor":null}`, "context.span_id,name,context.trace_id\ns,n,t\n", `{"op_name":"weave:///x","trace_id":"t","started_at":"2026-01-01T00:00:00Z"}`},
		"JSON Lines":          {"PAR1\x15\x04", "\x80\x04\x95\x10", `"id","traceId","type","name","startTime","parentObservationId"` + "\n", "id,name,run_type,dotted_order\n"},
		"/api/public/traces":  {`{"data":[{"id":"s","traceId":"t","name":"ok","value":1,"dataType":"NUMERIC"}]}`, `{"id":"s","createdAt":"2026","projectId":"p","traces":[]}`},
		"/observations":       {`{"batch":[{"id":"e","type":"trace-create","timestamp":"2026","body":{"id":"t"}}]}`},
		"list_runs":           {`[{"id":"f","run_id":"r","key":"correctness","score":0}]`, `[{"id":"x","inputs":{},"outputs":{},"dataset_id":"d"}]`},
		"callback":            {`{"data":[{"request_id":"r","call_type":"acompletion","spend":0.1}]}`, `{"id":"c","trace_id":"t","call_type":"acompletion","status":"failure","startTime":1.5,"response_cost":0}`},
		"to_csv":              {`[{"case:concept:name":"1","concept:name":"A","time:timestamp":"2026-03-01T09:00:00Z"}]`},
		"observations":        {"\ufeffid;timestamp;name;sessionId;bookmarked\n"},
		"COLLECTOR":           {`[{"request_id":"r","call_type":"acompletion","spend":0.1,"messages":{},"response":{}}]`, `{"info":{"trace_id":"t"},"data":{"spans":[]}}`, `{"object":"trace.span","trace_id":"t","span_data":{"type":"generation"}}`},
		"write_xes":           {`{"objectTypes":[],"eventTypes":[],"events":[],"objects":[]}`, `{"ocel:global-log":{},"ocel:events":{}}`, "<?xml version='1.0'?>\n<log><object-types/><event-types/></log>"},
		"XES":                 {"<WorkflowLog><Process/></WorkflowLog>", "<?xml version='1.0'?><pnml><net/></pnml>", `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>`},
		"unpack":              {"\x28\xb5\x2f\xfd\x04", "\xfd7zXZ\x00", "BZh91AY", "PK\x03\x04\x14"},
		"log in":              {"\n<!DOCTYPE html><html></html>", "<html><body/></html>"},
		"ATIF":                {`{"type":"user","message":{},"uuid":"1","parentUuid":null,"sessionId":"s","timestamp":"2026-01-01T00:00:00Z"}`, `[{"id":0,"timestamp":"2026-01-01","source":"user","action":"message","args":{}}]`},
		"jq -c":               {`{"version":2,"eval":{},"plan":{},"samples":[]}`, `{"trajectory":[],"history":[]}`, `{"request_id":"r","request_created_at":"2026","request_body":{}}`},
		"what the agents did": {`[{"instruction":"Say hi","input":"","output":"hi"}]`},
	} {
		for _, input := range inputs {
			format, err := ingest.Detect([]byte(input))
			if !errors.Is(err, ingest.ErrUnknownFormat) || !strings.Contains(strings.ToUpper(err.Error()), strings.ToUpper(instead)) || !strings.Contains(err.Error(), "Instead: ") {
				t.Errorf("%q: %q, %v, want %q", input, format, err, instead)
			}
		}
	}
	for input, format := range map[string]string{
		`{"trace":{"resourceSpans":[]}}`:                                                  "otlp", // Tempo
		`{"result":{"resourceSpans":[]}}`:                                                 "otlp", // Jaeger
		`{"conversations":[{"messages":[{"role":"user","content":"hi"}]}],"messages":[]}`: "chat",
		"case,activity,timestamp\n":                                                       "csv",
		"case:concept:name,concept:name,time:timestamp\n":                                 "csv",
		`[{"id":"o","traceId":"t","type":"SPAN","startTime":"2026-01-01T00:00:00Z","parentObservationId":null}]`: "langfuse",
		`<?xml version="1.0"?><log xes.version="1.0"><trace/></log>`:                                             "xes",
	} {
		if got, err := ingest.Detect([]byte(input)); got != format {
			t.Errorf("%q: %q, %v, want %q", input, got, err, format)
		}
	}
}
