package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Detect tells a file's format from how it begins, by content alone. Where none fits it returns an error that lists the formats,
// or says what to give instead of what is known and not read. The prefix may end anywhere.
func Detect(prefix []byte) (string, error) {
	if isProtobuf(prefix) {
		return "otlp", nil
	}
	prefix = bytes.TrimPrefix(prefix, []byte{0xef, 0xbb, 0xbf})
	prefix = bytes.TrimLeft(prefix, " \t\r\n")
	if err := lookalikeOf(prefix); err != nil {
		return "", err
	}
	unknown := fmt.Errorf("%w; name it by --format: one of %s", ErrUnknownFormat, strings.Join(Formats(), ", "))
	if len(prefix) == 0 {
		return "", unknown
	}
	switch prefix[0] {
	case '<':
		if bytes.Contains(prefix, []byte("<log")) {
			return "xes", nil
		}
		return "", unknown
	case '{', '[':
		if format := detectJSON(prefix); format != "" {
			return format, nil
		}
		return "", unknown
	}
	header, _, _ := bytes.Cut(prefix, []byte{'\n'})
	if utf8.Valid(header) && bytes.ContainsRune(header, detectSeparator(prefix)) && !bytes.ContainsRune(header, 0) {
		return "csv", nil
	}
	return "", unknown
}

// detectJSON looks at the keys of the first record.
func detectJSON(prefix []byte) string {
	keys := firstKeys(prefix)
	if list := envelopeOf(prefix); list == "simulations" {
		return "chat"
	} else if list != "" {
		keys = listKeys(prefix, list)
	}
	has := func(names ...string) bool {
		for _, n := range names {
			if keys[n] {
				return true
			}
		}
		return false
	}
	for _, around := range otlpAround {
		if inner := innerKeys(prefix, around); inner["resourceSpans"] || inner["batches"] {
			return "otlp"
		}
	}
	switch {
	case has("resourceSpans", "resource_spans", "batches", "resourceLogs", "resourceMetrics", "resource_logs", "resource_metrics"):
		return "otlp"
	case has("run_type"), has("dotted_order"):
		return "langsmith"
	case has("observations"), has("trace") && !has("run", "steps"),
		has("traceId", "trace_id") && has("type", "startTime", "start_time", "parentObservationId", "parent_observation_id"):
		return "langfuse"
	case has("schema_version") && has("steps", "agent", "session_id"):
		return "atif"
	case has("traj", "messages", "conversation", "simulations", "sample", "history"), has("request", "body") && has("response"),
		has("output") && has("object", "model", "usage"), has("items") && !has("steps"), has("role"), has("data") && has("object"),
		has("termination_reason"), has("response") && has("custom_id"):
		return "chat"
	case has("steps"), has("run"):
		return "runs"
	case has("task_id", "trial", "reward"):
		return "chat"
	case has("sessionId", "timestamp") && has("id", "name"), has("traceName"):
		return "langfuse"
	}
	return ""
}

// firstKeys collects the keys of the first object, in an array or not, of a text that may be cut off.
func firstKeys(prefix []byte) map[string]bool {
	keys := map[string]bool{}
	depth, base := 0, 1
	if prefix[0] == '[' {
		base = 2
	}
	for i := 0; i < len(prefix); i++ {
		switch prefix[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < base {
				return keys
			}
		case '"':
			end := i + 1
			for end < len(prefix) && prefix[end] != '"' {
				if prefix[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(prefix) {
				return keys
			}
			rest := bytes.TrimLeft(prefix[end+1:], " \t\r\n")
			if depth == base && len(rest) > 0 && rest[0] == ':' {
				keys[string(prefix[i+1:end])] = true
			}
			i = end
		}
	}
	return keys
}
