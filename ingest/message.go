package ingest

import (
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// heard is a message as its source tells it, and what the source says beside the words.
type heard struct {
	events.Message
	// failed tells by a flag that a tool's result is a failure, or that it is none. nil: no flag says so.
	failed *bool
	// piece tells that it is a part of an answer that the next piece goes on with.
	piece bool
	// source is what it was read from.
	source value
}

// messagesOf reads the messages in what a model was asked or answered, in any of the shapes that exporters write:
// OpenAI's messages and the items of its Responses, Anthropic's blocks, OpenTelemetry's and Gemini's parts, LangChain's
// and the Vercel AI SDK's messages, a JSON text of one of these, or plain text. role is whose text it is where the
// shape does not tell. What has no known shape becomes one message that holds it as it stands, so that nothing is lost.
func messagesOf(v value, role string) []events.Message {
	var out []events.Message
	for _, h := range hear(v, role) {
		out = append(out, h.Message)
	}
	return out
}

func hear(v value, role string) []heard {
	v = v.unwrapped()
	switch v.kind() {
	case missing, null:
		return nil
	case list:
		return hearList(v, role)
	case object:
		return hearObject(v, role)
	}
	if s := v.scalar(); s != "" {
		return []heard{{Message: events.Message{Role: role, Content: s}, source: v}}
	}
	return nil
}

// hearList reads a list of messages, of parts of one, or of both, as OpenAI's Responses have it: an answer's reasoning,
// its calls and its words stand side by side there, and are one message here.
func hearList(v value, role string) []heard {
	var out []heard
	var bare speech
	add := func(all ...heard) {
		for _, h := range all {
			if last := len(out) - 1; last >= 0 && h.piece && out[last].piece && h.Role == out[last].Role {
				out[last].join(h)
				continue
			}
			out = append(out, h)
		}
	}
	for _, item := range v.items() {
		item = item.unwrapped()
		if item.kind() == object && isPart(item) {
			speaker := role
			if partOf(item) == partCall || partOf(item) == partThought {
				speaker = "assistant"
			}
			if bare.role != speaker {
				add(bare.done()...)
				bare = speech{role: speaker, piece: speaker == "assistant", source: item}
			}
			bare.take(item)
			continue
		}
		add(bare.done()...)
		bare = speech{}
		add(hear(item, role)...)
	}
	add(bare.done()...)
	return out
}

// isPart tells that an object is a part of a message rather than a message.
func isPart(v value) bool {
	if v.first("role", "message", "messages", "parts", "lc").given() {
		return false
	}
	_, chain := chainRoles[v.get("type").text()]
	return !chain
}

func hearObject(v value, role string) []heard {
	if inner := v.get("kwargs"); inner.kind() == object {
		// LangChain's own serialisation: {"lc": 1, "id": [..., "AIMessage"], "kwargs": {...}}.
		class := ""
		for _, part := range v.get("id").items() {
			class = part.text()
		}
		return speak(inner, roleOf(class, role))
	}
	var out []heard
	for _, key := range []string{"system", "system_instruction", "systemInstruction", "instructions"} {
		out = append(out, hear(v.get(key), "system")...)
	}
	if config := v.get("config"); config.kind() == object {
		out = append(out, hear(config.first("system_instruction", "systemInstruction"), "system")...)
	}
	_, chain := chainRoles[v.get("type").text()]
	switch {
	case v.get("role").kind() == text, chain && v.get("content").given():
		return append(out, speak(v, role)...)
	case v.get("messages").given():
		return append(out, hear(v.get("messages"), role)...)
	case v.get("choices").kind() == list:
		for _, choice := range v.get("choices").items() {
			out = append(out, hear(choice, role)...)
		}
		return out
	case v.get("generations").kind() == list:
		for _, generation := range v.get("generations").items() {
			if generation.kind() == list {
				for _, g := range generation.items() {
					out = append(out, hear(g, role)...)
				}
				continue
			}
			out = append(out, hear(generation, role)...)
		}
		return out
	case v.get("message").given():
		return append(out, hear(v.get("message"), role)...)
	case v.get("contents").kind() == list:
		return append(out, hearList(v.get("contents"), role)...)
	case v.get("content").kind() == object:
		return append(out, hear(v.get("content"), role)...)
	case v.get("prompt").given():
		return append(out, hear(v.get("prompt"), role)...)
	case v.get("object").text() == "response" && v.get("output").kind() == list:
		return append(out, hearList(v.get("output"), role)...)
	case v.get("parts").given(), v.get("content").given(), v.get("tool_calls").given(), v.get("toolCalls").given():
		return append(out, speak(v, role)...)
	case v.get("text").kind() == text:
		return append(out, heard{Message: events.Message{Role: role, Content: v.get("text").text()}, source: v})
	}
	return append(out, heard{Message: events.Message{Role: role, Content: v.raw()}, source: v})
}

// speak reads an object that is one message. The results of tools that stand in it become messages of their own, so
// that each keeps the id of its call, whoever's message they stand in.
func speak(v value, role string) []heard {
	if several := v.get("tool_messages"); several.kind() == list {
		return hearList(several, "tool")
	}
	s := speech{
		role: roleOf(firstOf(v.get("role").text(), v.get("type").text()), role), name: v.get("name").text(), source: v,
		piece: v.get("type").text() == "message",
	}
	if s.role != "assistant" {
		s.piece = false
	}
	if s.id = v.first("tool_call_id", "toolCallId", "call_id").text(); s.role == "tool" || s.role == "function" {
		s.id = firstOf(s.id, v.get("id").text())
		s.failed = flagOf(v)
	}
	for _, key := range []string{"reasoning_content", "reasoning", "thinking"} {
		if thought := v.get(key); thought.kind() == text {
			s.think(thought.text())
			break
		}
	}
	for _, key := range []string{"content", "parts"} {
		s.content(v.get(key))
	}
	s.add(v.get("refusal").text())
	for _, key := range []string{"tool_calls", "toolCalls"} {
		for _, call := range v.get(key).unwrapped().items() {
			s.calls = append(s.calls, toolCall(call))
		}
	}
	if call := v.get("function_call"); call.kind() == object {
		s.calls = append(s.calls, toolCall(call))
	}
	if len(s.out) == 0 {
		s.whole = true
	}
	return s.done()
}

// chainRoles are LangChain's types of messages.
var chainRoles = map[string]string{
	"human": "user", "HumanMessage": "user", "HumanMessageChunk": "user", "ai": "assistant", "AIMessage": "assistant",
	"AIMessageChunk": "assistant", "SystemMessage": "system", "ToolMessage": "tool", "FunctionMessage": "function",
	"system": "system", "tool": "tool",
}

// roleOf puts the other makers' names for the roles into OpenAI's.
func roleOf(role, otherwise string) string {
	switch role {
	case "", "message":
		return otherwise
	case "model":
		return "assistant"
	}
	if known, ok := chainRoles[role]; ok {
		return known
	}
	return role
}

// speech is a message that is being put together from parts.
type speech struct {
	role, name, id string
	words, thought []string
	calls          []events.ToolCall
	failed         *bool
	// whole tells that it is a message even where it says nothing; piece that an answer goes on behind it.
	whole, piece bool
	source       value
	out          []heard
}

// done is what was put together: the message, and the results that stood in it.
func (s *speech) done() []heard {
	s.flush()
	return s.out
}

func (s *speech) flush() {
	if !s.whole && len(s.words)+len(s.thought)+len(s.calls) == 0 {
		return
	}
	s.out = append(s.out, heard{
		Message: events.Message{
			Role: s.role, Name: s.name, Content: strings.Join(s.words, "\n"), Thinking: strings.Join(s.thought, "\n"),
			ToolCalls: s.calls, ToolCallID: s.id,
		},
		failed: s.failed, piece: s.piece, source: s.source,
	})
	s.words, s.thought, s.calls = nil, nil, nil
}

// join goes on with the next piece of the same answer.
func (h *heard) join(next heard) {
	lines := func(a, b string) string {
		if a == "" || b == "" {
			return a + b
		}
		return a + "\n" + b
	}
	h.Content, h.Thinking = lines(h.Content, next.Content), lines(h.Thinking, next.Thinking)
	h.ToolCalls = append(slices.Clip(h.ToolCalls), next.ToolCalls...)
}

func (s *speech) add(words string) {
	if words != "" {
		s.words = append(s.words, words)
	}
}

func (s *speech) think(words string) {
	if words != "" {
		s.thought = append(s.thought, words)
	}
}

func (s *speech) content(v value) {
	switch v.kind() {
	case list:
		for _, part := range v.items() {
			s.take(part)
		}
	case object:
		s.take(v)
	default:
		s.add(v.scalar())
	}
}

// take adds one part. What is no text, such as a picture, is named by its type.
func (s *speech) take(v value) {
	if v.kind() != object {
		s.add(v.scalar())
		return
	}
	switch partOf(v) {
	case partCall:
		call := toolCall(inside(v))
		s.calls = append(s.calls, call)
		if ownResult(v) {
			s.result(v, call.ID)
		}
	case partResult:
		s.result(v, "")
	case partThought:
		s.think(textIn(v.first("thinking", "text", "content", "summary")))
	default:
		switch kind := v.get("type").text(); {
		case v.first("text", "content", "refusal").given():
			s.content(v.first("text", "content", "refusal"))
		case kind != "":
			s.add("[" + clip(kind) + "]")
		default:
			s.add(v.raw())
		}
	}
}

// result ends the message so far, and adds a tool's.
func (s *speech) result(v value, id string) {
	s.flush()
	r := v
	if response := v.first("functionResponse", "function_response"); response.kind() == object {
		r = response
	}
	name := r.first("name", "toolName").text()
	if name == "" && s.role == "tool" {
		name = s.name
	}
	output := r.first("response", "result", "output", "outputs", "results", "content", "error")
	failed := flagOf(r)
	if kind := output.get("type").text(); strings.HasPrefix(kind, "error-") {
		failed = &yes
	}
	s.out = append(s.out, heard{
		Message: events.Message{
			Role: "tool", Name: name, Content: resultText(output),
			ToolCallID: firstOf(id, r.first("tool_use_id", "tool_call_id", "toolCallId", "call_id", "id").text()),
		},
		failed: failed, source: v,
	})
}

// resultText is what a tool returned: texts as they are, anything else as JSON.
func resultText(v value) string {
	if value := v.get("value"); value.given() && v.get("type").kind() == text {
		return value.scalar() // the Vercel AI SDK: {"type": "json", "value": ...}
	}
	for _, part := range v.items() {
		if part.kind() != object || part.get("text").kind() != text {
			return v.scalar()
		}
	}
	return textIn(v)
}

// textIn are the texts in a text, in a list of parts, or in a part.
func textIn(v value) string {
	switch v.kind() {
	case list:
		var all []string
		for _, part := range v.items() {
			if s := textIn(part); s != "" {
				all = append(all, s)
			}
		}
		return strings.Join(all, "\n")
	case object:
		if inner := v.first("text", "content", "thinking"); inner.given() {
			return textIn(inner)
		}
	}
	return v.scalar()
}

// said is the first text that someone in a role said, or the last one.
func said(all []events.Message, role string, last bool) string {
	found := ""
	for _, m := range all {
		if m.Role == role && strings.TrimSpace(m.Content) != "" {
			if found = m.Content; !last {
				return found
			}
		}
	}
	return found
}
