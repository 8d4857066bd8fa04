package ingest

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// messagesOf reads the messages in what a model was asked or answered, in any of the shapes that exporters write:
// OpenAI's and OpenTelemetry's lists, Gemini's contents and parts, the Vercel AI SDK's prompts and tool calls, a JSON
// text of one of these, or plain text. role is whose text it is where the shape does not tell. What has no known
// shape becomes one message that holds it as it stands, so that nothing is lost.
func messagesOf(v value, role string) []events.Message {
	v = v.unwrapped()
	switch v.kind() {
	case missing, null:
		return nil
	case list:
		return listMessages(v, role)
	case object:
		return objectMessages(v, role)
	}
	if s := v.scalar(); s != "" {
		return []events.Message{{Role: role, Content: s}}
	}
	return nil
}

func listMessages(v value, role string) []events.Message {
	var out []events.Message
	var bare body
	for _, item := range v.items() {
		item = item.unwrapped()
		if item.kind() == object && !item.first("role", "message", "messages", "parts").given() {
			// A bare part: all of them together are one message.
			bare.take(item)
			continue
		}
		out = append(out, messagesOf(item, role)...)
	}
	if m := bare.message(); m.Content != "" || len(m.ToolCalls) > 0 {
		m.Role = role
		out = append(out, m)
	}
	return out
}

func objectMessages(v value, role string) []events.Message {
	var out []events.Message
	for _, key := range []string{"system", "system_instruction", "systemInstruction"} {
		out = append(out, messagesOf(v.get(key), "system")...)
	}
	if config := v.get("config"); config.kind() == object {
		out = append(out, messagesOf(config.first("system_instruction", "systemInstruction"), "system")...)
	}
	switch {
	case v.get("role").kind() == text:
		return append(out, messages(v, role)...)
	case v.get("messages").given():
		return append(out, messagesOf(v.get("messages"), role)...)
	case v.get("choices").kind() == list:
		for _, choice := range v.get("choices").items() {
			out = append(out, messagesOf(choice, role)...)
		}
		return out
	case v.get("message").given():
		return append(out, messagesOf(v.get("message"), role)...)
	case v.get("contents").kind() == list:
		return append(out, listMessages(v.get("contents"), role)...)
	case v.get("content").kind() == object:
		return append(out, messagesOf(v.get("content"), role)...)
	case v.get("prompt").given():
		return append(out, messagesOf(v.get("prompt"), role)...)
	case v.get("parts").given(), v.get("content").given(), v.get("tool_calls").given(), v.get("toolCalls").given():
		return append(out, messages(v, role)...)
	case v.get("text").kind() == text:
		return append(out, events.Message{Role: role, Content: v.get("text").text()})
	}
	return append(out, events.Message{Role: role, Content: v.raw()})
}

// messages reads an object that is one message. The results of several tools in one message are taken apart, so that
// each keeps the id of its call.
func messages(v value, role string) []events.Message {
	results := func(part value) bool {
		switch part.get("type").text() {
		case "tool_call_response", "tool-result", "tool_result":
			return true
		}
		return part.first("functionResponse", "function_response").given()
	}
	parts := v.first("parts", "content")
	count := 0
	for _, part := range parts.items() {
		if results(part) {
			count++
		}
	}
	if count < 2 || count < parts.length() {
		return []events.Message{message(v, role)}
	}
	out := make([]events.Message, 0, count)
	for _, part := range parts.items() {
		b := body{Message: events.Message{Role: roleOf(v.get("role").text(), role), Name: v.get("name").text()}}
		b.take(part)
		out = append(out, b.message())
	}
	return out
}

// message reads an object as one message.
func message(v value, role string) events.Message {
	m := body{Message: events.Message{Role: roleOf(v.get("role").text(), role), Name: v.get("name").text()}}
	m.ToolCallID = v.first("tool_call_id", "toolCallId").text()
	for _, key := range []string{"content", "parts"} {
		m.content(v.get(key))
	}
	for _, key := range []string{"tool_calls", "toolCalls"} {
		for _, call := range v.get(key).unwrapped().items() {
			m.ToolCalls = append(m.ToolCalls, toolCall(call))
		}
	}
	if call := v.get("function_call"); call.kind() == object {
		m.ToolCalls = append(m.ToolCalls, toolCall(call))
	}
	return m.message()
}

// roleOf puts the other makers' names for the roles into OpenAI's.
func roleOf(role, otherwise string) string {
	switch role {
	case "":
		return otherwise
	case "model", "ai":
		return "assistant"
	case "human":
		return "user"
	}
	return role
}

// body is a message whose content is still being put together from parts.
type body struct {
	events.Message
	parts []string
}

func (b *body) message() events.Message {
	b.Content = strings.Join(b.parts, "\n")
	return b.Message
}

func (b *body) add(s string) {
	if s != "" {
		b.parts = append(b.parts, s)
	}
}

func (b *body) content(v value) {
	switch v.kind() {
	case list:
		for _, part := range v.items() {
			b.take(part)
		}
	case object:
		b.take(v)
	default:
		b.add(v.scalar())
	}
}

// take adds one part. What is no text, such as a picture, is named by its type.
func (b *body) take(v value) {
	if v.kind() != object {
		b.add(v.scalar())
		return
	}
	for _, key := range []string{"tool_call", "functionCall", "function_call"} {
		if inner := v.get(key); inner.kind() == object {
			b.ToolCalls = append(b.ToolCalls, toolCall(inner))
			return
		}
	}
	response := v.first("functionResponse", "function_response")
	kind := v.get("type").text()
	switch {
	case kind == "tool_call" || kind == "tool-call" || kind == "tool_use" || kind == "function",
		kind == "" && v.get("toolName").given() && v.first("input", "args").given():
		b.ToolCalls = append(b.ToolCalls, toolCall(v))
	case kind == "tool_call_response" || kind == "tool-result" || kind == "tool_result":
		b.ToolCallID = v.first("id", "tool_call_id", "toolCallId", "tool_use_id").text()
		b.add(v.first("response", "result", "output", "content").scalar())
	case response.given():
		b.Name, b.ToolCallID = response.get("name").text(), response.get("id").text()
		b.add(response.get("response").scalar())
	case v.first("text", "content").given():
		b.content(v.first("text", "content"))
	case kind != "":
		b.add("[" + clip(kind) + "]")
	default:
		b.add(v.raw())
	}
}

func toolCall(v value) events.ToolCall {
	f := v
	if inner := v.get("function"); inner.kind() == object {
		f = inner
	}
	return events.ToolCall{
		ID:        v.first("id", "toolCallId", "tool_call_id").text(),
		Name:      f.first("name", "toolName").text(),
		Arguments: f.first("arguments", "args", "input", "parameters").scalar(),
	}
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
