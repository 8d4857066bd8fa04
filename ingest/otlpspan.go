package ingest

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// otlpID reads an id in hex, as OTLP/JSON prescribes, or in base64, as plain protobuf JSON has it. No id, and one of
// nothing but zeros, is the empty one.
func otlpID(s string, size int) (id string, ok bool) {
	if s == "" {
		return "", true
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != size {
		if b, err = base64.StdEncoding.DecodeString(s); err != nil || len(b) != size {
			return "", false
		}
	}
	if !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
		return "", true
	}
	return hex.EncodeToString(b), true
}

// otlpAttributes flattens a list of keys and values.
func otlpAttributes(v value) attributes {
	a := attributes{}
	for _, kv := range v.items() {
		any := kv.get("value")
		for kind, inner := range any.members() {
			switch kind {
			case "arrayValue", "array_value", "kvlistValue", "kvlist_value":
				a[kv.get("key").text()] = string(appendAny(nil, any))
			default:
				a[kv.get("key").text()] = inner.scalar()
			}
		}
	}
	return a
}

// appendAny appends OTLP's AnyValue as plain JSON.
func appendAny(b []byte, v value) []byte {
	for kind, inner := range v.members() {
		switch kind {
		case "arrayValue", "array_value":
			b = append(b, '[')
			for i, item := range inner.get("values").items() {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendAny(b, item)
			}
			return append(b, ']')
		case "kvlistValue", "kvlist_value":
			b = append(b, '{')
			for i, item := range inner.get("values").items() {
				if i > 0 {
					b = append(b, ',')
				}
				b = append(appendText(b, item.get("key").text()), ':')
				b = appendAny(b, item.get("value"))
			}
			return append(b, '}')
		case "intValue", "int_value", "doubleValue", "double_value":
			// 64-bit integers are texts in protobuf's JSON.
			if s := inner.scalar(); s != "" && numberLength(s) == len(s) {
				return append(b, s...)
			}
		}
		return inner.appendCanonical(b)
	}
	return append(b, "null"...)
}

func readSpan(v value, held heldItem) (span, attributes, *flaw) {
	s := span{content: string(v.appendCanonical(nil)) + held.resource.content + held.scope}
	a := otlpAttributes(v.get("attributes"))
	var ok bool
	if s.id, ok = otlpID(v.first("spanId", "span_id").text(), 8); !ok || s.id == "" {
		return s, a, flawed("spanId", "%q is no span id: 8 bytes in hex or base64", clip(v.first("spanId", "span_id").scalar()))
	}
	if s.parent, ok = otlpID(v.first("parentSpanId", "parent_span_id").text(), 8); !ok {
		return s, a, flawed("parentSpanId", "%q is no span id: 8 bytes in hex or base64", clip(v.first("parentSpanId", "parent_span_id").scalar()))
	}
	st := &s.step
	var f *flaw
	if st.started, f = unixNanos("startTimeUnixNano", v.first("startTimeUnixNano", "start_time_unix_nano").scalar()); f != nil {
		return s, a, f
	}
	if st.ended, f = unixNanos("endTimeUnixNano", v.first("endTimeUnixNano", "end_time_unix_nano").scalar()); f != nil {
		return s, a, f
	}
	st.open = st.ended.IsZero()
	asked, answered, f := s.readEvents(v.get("events"), a)
	if f != nil {
		return s, a, f
	}
	st.name = clean(v.get("name").text(), "span")
	st.kind = a.kind()
	if s.known = st.kind != ""; !s.known {
		st.kind, s.transport = events.WorkflowStep, a.transport(held.scope)
	}
	if flags, err := strconv.ParseUint(v.get("flags").scalar(), 10, 32); err == nil {
		const told, away = 0x100, 0x200 // OTLP: whether the parent is in another program
		s.remote = flags&told != 0 && flags&away != 0
	}
	if st.kind == events.ToolStep {
		st.tool = clean(a.tool(st.name), "")
	}
	st.model, st.answered = a.models()
	s.agent = a.agent()
	if f := a.usage(st); f != nil {
		return s, a, f
	}
	s.readStatus(v, a)
	for _, link := range v.get("links").items() {
		if id, ok := otlpID(link.first("spanId", "span_id").text(), 8); ok && id != "" {
			s.links = append(s.links, id)
		}
	}
	s.prompt, s.answer = a.asked(), a.answered()
	s.heed(a.heard("tool", "gen_ai.tool.call.result", "ai.toolCall.result", "output.value", "traceloop.entity.output")...)
	if s.prompt == nil {
		s.prompt = asked
	}
	if s.answer == nil {
		s.answer = answered
	}
	if st.kind == events.ChatStep && len(s.prompt)+len(s.answer) > 0 {
		st.calls = []draftCall{{
			model: firstOf(st.answered, st.model), provider: a.provider(), asked: s.prompt, answered: s.answer,
			params: a.params(), finish: a.finishReason(),
		}}
	}
	return s, a, nil
}

// readStatus tells how the span ended: OTLP knows only unset, ok and error.
func (s *span) readStatus(v value, a attributes) {
	s.step.outcome = events.Succeeded
	status := v.get("status")
	code := status.get("code").scalar()
	s.fine = code == "1" || code == "STATUS_CODE_OK"
	if code != "2" && code != "STATUS_CODE_ERROR" && a["langfuse.observation.level"] != "ERROR" {
		s.step.err = ""
		return
	}
	s.failed, s.step.outcome = true, events.Failed
	s.step.err = firstOf(status.get("message").text(), a["langfuse.observation.status_message"], s.step.err, a["error.type"], "error")
}

// roleEvents are the events that carry one message each (OpenTelemetry's conventions up to 1.36).
var roleEvents = map[string]string{
	"gen_ai.system.message": "system", "gen_ai.user.message": "user", "gen_ai.assistant.message": "assistant",
	"gen_ai.tool.message": "tool", "gen_ai.choice": "assistant",
}

// readEvents reads what a span's events tell: messages, evaluations, and the exception that ended it. What today's
// conventions write on an event of its own is read as if it stood on the span.
func (s *span) readEvents(v value, span attributes) (asked, answered []events.Message, f *flaw) {
	for i, e := range v.items() {
		name := e.get("name").text()
		a := otlpAttributes(e.get("attributes"))
		role, isMessage := roleEvents[name]
		switch {
		case isMessage:
			m := a.written(role, "gen_ai.event.content", "message", "content")
			for j := range m {
				m[j].ToolCallID = firstOf(m[j].ToolCallID, a["id"])
			}
			if name == "gen_ai.choice" {
				answered = append(answered, m...)
			} else {
				asked = append(asked, m...)
			}
		case name == "gen_ai.content.prompt":
			asked = append(asked, a.written("user", "gen_ai.prompt")...)
		case name == "gen_ai.content.completion":
			answered = append(answered, a.written("assistant", "gen_ai.completion")...)
		case strings.HasPrefix(name, "gen_ai.evaluation"):
			fb, f := evaluation(e, a)
			if f != nil {
				f.key = joinKey("events["+strconv.Itoa(i)+"]", f.key)
				return nil, nil, f
			}
			s.feedback = append(s.feedback, fb)
		case name == "exception":
			s.step.err = firstOf(a["exception.message"], a["exception.type"])
		case strings.HasPrefix(name, "gen_ai.client."):
			for key, text := range a {
				if span[key] == "" {
					span[key] = text
				}
			}
		}
	}
	return asked, answered, nil
}

// evaluation reads a judgement that someone, or an evaluator, added to a span.
func evaluation(e value, a attributes) (fb draftFeedback, f *flaw) {
	fb.name, fb.label, fb.text = a["gen_ai.evaluation.name"], a["gen_ai.evaluation.score.label"], a["gen_ai.evaluation.explanation"]
	fb.user = a.first("user.id", "enduser.id")
	if s := a["gen_ai.evaluation.score.value"]; s != "" {
		if fb.score, f = real("gen_ai.evaluation.score.value", s); f != nil {
			return fb, f
		}
	}
	if fb.score == nil && fb.label == "" && fb.text == "" {
		return fb, flawed("gen_ai.evaluation.score.value", "is missing, and there is no label and no explanation either")
	}
	fb.at, f = unixNanos("timeUnixNano", e.first("timeUnixNano", "time_unix_nano").scalar())
	return fb, f
}
