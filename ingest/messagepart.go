package ingest

import (
	"strings"
	"unicode"

	"github.com/virtuous6/virtuous6/events"
)

// part is what an object inside a message is.
type part int

const (
	partText part = iota
	partCall
	partResult
	partThought
)

// partOf tells what a part is, by the names that the makers of models and of tracers have for it.
func partOf(v value) part {
	kind := v.get("type").text()
	switch kind {
	case "tool_call", "tool-call", "tool_use", "server_tool_use", "mcp_tool_use", "function":
		return partCall
	case "tool_call_response", "tool-result", "tool_result", "function_result", "mcp_tool_result", "web_search_tool_result":
		return partResult
	case "thinking", "redacted_thinking", "reasoning", "reasoning.text", "reasoning.summary":
		return partThought
	}
	switch {
	case v.get("thought").isTrue():
		return partThought // Gemini marks a part's text so
	case v.first("functionResponse", "function_response").given(), strings.HasSuffix(kind, "_call_output"):
		return partResult
	case inside(v) != v, strings.HasSuffix(kind, "_call"), kind == "" && v.get("toolName").given() && v.first("input", "args").given():
		return partCall
	}
	return partText
}

// inside is the call in a part that only wraps it.
func inside(v value) value {
	for _, key := range []string{"tool_call", "functionCall", "function_call"} {
		if inner := v.get(key); inner.kind() == object {
			return inner
		}
	}
	return v
}

// ownResult tells that a call is one that the provider performed itself, such as a search, and holds its own result.
func ownResult(v value) bool {
	switch kind := v.get("type").text(); kind {
	case "function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call", "tool_call":
		return false
	default:
		return strings.HasSuffix(kind, "_call")
	}
}

func toolCall(v value) events.ToolCall {
	f := v
	if inner := v.get("function"); inner.kind() == object {
		f = inner
	}
	name := f.first("name", "toolName", "function_name").text()
	if kind := v.get("type").text(); name == "" && strings.HasSuffix(kind, "_call") {
		name = strings.TrimSuffix(kind, "_call")
	}
	return events.ToolCall{
		ID:        v.first("call_id", "toolCallId", "tool_call_id", "id").text(),
		Name:      name,
		Arguments: f.first("arguments", "args", "input", "parameters", "action", "queries", "code").scalar(),
	}
}

var yes, no = true, false

// flagOf is what a tool's result says of itself by a flag, apart from its words.
func flagOf(v value) *bool {
	for _, key := range []string{"is_error", "isError"} {
		if flag := v.get(key); flag.kind() == boolean {
			return pick(flag.isTrue())
		}
	}
	switch failure := v.get("error"); failure.kind() {
	case boolean:
		return pick(failure.isTrue())
	case text:
		if failure.text() != "" {
			return &yes
		}
	case object:
		return &yes
	}
	switch strings.ToLower(v.get("status").text()) {
	case "error", "failed", "failure":
		return &yes
	case "success", "succeeded", "completed", "ok":
		return &no
	}
	if flag := v.first("success", "ok"); flag.kind() == boolean {
		return pick(!flag.isTrue())
	}
	return nil
}

// flag tells by a flag on a tool's message, else by one inside a result that is JSON, whether the call failed. nil: none says so.
func (h heard) flag() *bool {
	if h.failed != nil {
		return h.failed
	}
	words := strings.TrimSpace(h.Content)
	if !strings.HasPrefix(words, "{") {
		return nil
	}
	v, err := new(document).parse(words)
	if err != nil {
		return nil
	}
	switch failure := v.get("error"); failure.kind() {
	case text:
		return pick(failure.text() != "")
	case boolean:
		return pick(failure.isTrue())
	case object:
		return &yes
	}
	return pick(v.first("is_error", "isError").isTrue() || v.get("success").raw() == "false")
}

// heed takes what a tool gave for a failure where a flag in it says so, though its span ended well.
func (s *span) heed(given ...heard) {
	if s.step.kind != events.ToolStep || s.failed {
		return
	}
	for _, h := range given {
		if flag := h.flag(); flag != nil && *flag {
			s.failed, s.step.outcome, s.step.err = true, events.Failed, firstOf(h.Content, "error")
			return
		}
	}
}

func pick(failed bool) *bool {
	if failed {
		return &yes
	}
	return &no
}

// isFailure tells whether a tool's message says that the call failed: by a flag, else by how its words begin.
func (h heard) isFailure() bool {
	if flag := h.flag(); flag != nil {
		return *flag
	}
	words := strings.TrimSpace(h.Content)
	if strings.HasPrefix(words, "Traceback (most recent call last)") {
		return true
	}
	const word = "error"
	if len(words) < len(word) || !strings.EqualFold(words[:len(word)], word) {
		return false
	}
	for _, next := range words[len(word):] {
		return !unicode.IsLetter(next) && !unicode.IsDigit(next) && next != '_'
	}
	return true
}
