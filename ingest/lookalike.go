package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// lookalike is what is often met and not read, and what to give instead.
type lookalike struct {
	// begins is how the file begins.
	begins string
	// keys are what the first record has, or the first one of the list in it. An XML file has them as its elements, and a table in
	// its first line.
	keys, list string
	// table tells that it is one.
	table         bool
	what, instead string
}

// What several say.
const (
	sendOTLP  = "have it sent to an OpenTelemetry Collector with the file exporter, and import what that writes"
	asMessage = "write each conversation as {\"id\": ..., \"messages\": [{\"role\": ..., \"content\": ...}]}"
	unpack    = "unpack it first: plain and gzip files are read"
	asXES     = "export an XES or CSV log instead"
)

// lookalikes are held against a file before its format is told, so that each names what no format that is read has.
var lookalikes = []lookalike{
	{begins: "PAR1", what: "a Parquet file", instead: "write it as CSV or JSON Lines: in pandas, read_parquet(...).to_json(..., orient='records', lines=True)"},
	{begins: "ARROW1", what: "an Arrow file", instead: "write it as CSV or JSON Lines"},
	{begins: "PK\x03\x04", what: "a zip archive or an Excel workbook", instead: "unpack it, or save the sheet as CSV"},
	{begins: "SQLite format 3", what: "an SQLite database", instead: "export the table with the runs: sqlite3 -json FILE 'SELECT ...'. Between stores of Virtuous6, `virtuous6 copy` moves the log"},
	{begins: "\x28\xb5\x2f\xfd", what: "packed by zstd", instead: unpack},
	{begins: "\xfd7zXZ", what: "packed by xz", instead: unpack},
	{begins: "BZh", what: "packed by bzip2", instead: unpack},
	{begins: "\x80\x04\x95", what: "a Python pickle", instead: "write it as JSON Lines: json.dumps of each run"},
	{begins: "%PDF", what: "a PDF document", instead: "give the export that it was made from"},
	{begins: "<!DOCTYPE html", what: "a web page", instead: "a download often ends in a page that asks to log in: look at it, and fetch the export again"},
	{begins: "<html", what: "a web page", instead: "a download often ends in a page that asks to log in: look at it, and fetch the export again"},
	{keys: "WorkflowLog", what: "an MXML log", instead: "convert it to XES: ProM does, and so does Disco's export"},
	{keys: "pnml", what: "a Petri net, a model and no log", instead: asXES},
	{keys: "bpmn", what: "a BPMN diagram, a model and no log", instead: asXES},
	{keys: "object-types event-types", what: "an object-centric log (OCEL)", instead: "flatten it to the objects that are the runs: in pm4py, ocel_flattening(ocel, TYPE), then write_xes"},
	{keys: "objectTypes eventTypes", what: "an object-centric log (OCEL)", instead: "flatten it to the objects that are the runs: in pm4py, ocel_flattening(ocel, TYPE), then write_xes"},
	{keys: "ocel:events", what: "an object-centric log (OCEL)", instead: "flatten it to the objects that are the runs: in pm4py, ocel_flattening(ocel, TYPE), then write_xes"},

	{keys: "from value", list: "conversations", what: "conversations in ShareGPT's shape", instead: asMessage +
		"; jq -c '.[] | {id, messages: [.conversations[] | {role: ({human: \"user\", gpt: \"assistant\"}[.from] // .from), content: .value}]}' does"},
	{keys: "instruction output", what: "training data in Alpaca's shape", instead: "there are no runs in it: export what the agents did"},
	{keys: "mapping create_time", what: "ChatGPT's export of a person's data", instead: asMessage},
	{keys: "chat_messages", what: "Claude's export of a person's data", instead: asMessage},
	{keys: "parentUuid sessionId", what: "a session of Claude Code", instead: "give its ATIF trajectory, which Harbor writes, or " + asMessage},
	{keys: "traceID spans processes", list: "data", what: "Jaeger's JSON", instead: "give the OTLP of the same trace: Jaeger has it at /api/v3/traces/ID"},
	{keys: "traceId localEndpoint", what: "Zipkin's JSON", instead: "send the spans as OTLP: " + sendOTLP},
	{keys: "context span_kind status_code", list: "data", what: "spans of Phoenix", instead: "give them as OTLP: Phoenix has them at /v1/projects/PROJECT/spans/otlpv1"},
	{keys: "context.span_id context.trace_id", table: true, what: "a table of Phoenix's spans", instead: "give them as OTLP: Phoenix has them at /v1/projects/PROJECT/spans/otlpv1"},
	{keys: "traceId parentObservationId startTime", table: true, what: "a CSV of Langfuse's observations", instead: "choose JSON or JSON Lines in the same menu, which is read as it is"},
	{keys: "timestamp sessionId bookmarked", table: true, what: "a CSV of Langfuse's traces, which lacks their steps", instead: "open the table of observations and export that, as JSON or JSON Lines"},
	{keys: "run_type dotted_order", table: true, what: "a CSV of LangSmith's runs", instead: "export JSON Lines, or list them by the SDK: client.list_runs(...), each as json()"},
	{keys: "call_type spend", what: "LiteLLM's spend logs, which know single calls and no runs", instead: "turn on its callback otel and " + sendOTLP},
	{keys: "call_type spend", list: "data", what: "LiteLLM's spend logs, which know single calls and no runs", instead: "turn on its callback otel and " + sendOTLP},
	{keys: "call_type response_cost", what: "calls as LiteLLM's loggers write them, which know single calls and no runs", instead: "turn on its callback otel and " + sendOTLP},
	{keys: "type body timestamp", list: "batch", what: "what a program sends to Langfuse", instead: "have it sent, and export the observations (/api/public/observations), or each trace from /api/public/traces/ID"},
	{keys: "traceId name dataType", list: "data", what: "scores of Langfuse without their traces", instead: "export each trace from /api/public/traces/ID, which holds its scores"},
	{keys: "traces createdAt projectId", what: "a session of Langfuse", instead: "export each of its traces from /api/public/traces/ID"},
	{keys: "run_id key score", what: "feedback of LangSmith without its runs", instead: "list the runs by the SDK: client.list_runs(...), each as json(), which holds feedback_stats"},
	{keys: "dataset_id inputs outputs", what: "examples of a data set of LangSmith", instead: "there are no runs in it: list the runs of an experiment by the SDK, client.list_runs(project_name=...), each as json()"},
	{keys: "case:concept:name concept:name", what: "an event log of pm4py as JSON", instead: "write it by to_csv, or pm4py.write_xes"},
	{keys: "request_created_at request_body", what: "requests of Helicone", instead: "take the bodies: jq -c '{id: .request_id, messages: (.request_body.messages + [.response_body.choices[0].message])}'"},
	{keys: "op_name started_at", what: "calls of W&B Weave", instead: "have the program send OTLP beside it: " + sendOTLP},
	{keys: "info data", what: "a trace of MLflow", instead: "set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT where it is made: " + sendOTLP},
	{keys: "span_data trace_id", what: "spans of the OpenAI Agents SDK", instead: "add the OpenTelemetry instrumentation of that SDK: " + sendOTLP},
	{keys: "evalId results", what: "results of promptfoo", instead: asMessage + ", with \"success\" beside it"},
	{keys: "eval plan samples", what: "a log of Inspect", instead: "take its samples: jq -c '.samples[] | {task_id: .id, trial: .epoch, messages}'"},
	{keys: "trajectory history", what: "a trajectory of SWE-agent", instead: "take its messages: jq -c '{messages: .history}'"},
	{keys: "action source args", what: "events of OpenHands", instead: "give its ATIF trajectory, which Harbor writes"},
}

// lookalikeOf says of what is not read what to give instead, nil where it is none of these.
func lookalikeOf(prefix []byte) error {
	keys, table := marksOf(prefix)
	for _, l := range lookalikes {
		of := keys
		if l.list != "" {
			of = listKeys(prefix, l.list)
		}
		switch {
		case !bytes.HasPrefix(prefix, []byte(l.begins)), l.keys != "" && l.table != table:
		case !slices.ContainsFunc(strings.Fields(l.keys), func(key string) bool { return !of[key] }):
			all := ""
			if l.table {
				all = ". --format csv reads it as any other table"
			}
			return fmt.Errorf("%w: this looks like %s, which is not read. Instead: %s%s", ErrUnknownFormat, l.what, l.instead, all)
		}
	}
	return nil
}

// marksOf are the keys of the first record, the names of the elements of XML, or those of the columns of what may be a table.
func marksOf(prefix []byte) (keys map[string]bool, table bool) {
	if len(prefix) > 0 && (prefix[0] == '{' || prefix[0] == '[') {
		return firstKeys(prefix), false
	}
	keys = map[string]bool{}
	if bytes.HasPrefix(prefix, []byte{'<'}) {
		for tag := range bytes.SplitSeq(prefix, []byte{'<'}) {
			name, _, _ := bytes.Cut(tag, []byte{'>'})
			if fields := bytes.Fields(name); len(fields) > 0 {
				keys[strings.TrimRight(string(fields[0]), "/")] = true
			}
			if bytes.Contains(tag, []byte("/BPMN/")) {
				keys["bpmn"] = true
			}
		}
		return keys, false
	}
	header, _, _ := bytes.Cut(prefix, []byte{'\n'})
	for name := range bytes.SplitSeq(header, []byte(string(detectSeparator(prefix)))) {
		keys[strings.Trim(string(name), "\" \r")] = true
	}
	return keys, true
}
