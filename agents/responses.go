package agents

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	openai "github.com/sashabaranov/go-openai"

	"github.com/virtuous6/virtuous6/events"
)

// The APIs that a model can be asked through.
const (
	// ChatAPI is OpenAI's chat completions, which nearly every server has.
	ChatAPI = "chat"
	// ResponsesAPI is OpenAI's newer one. Its newest models take tools there only.
	ResponsesAPI = "responses"
)

// needsResponses tells the families of models that think before they answer, and take no tools on the chat path while
// they do. Others are learnt from what the server says.
func needsResponses(req Request) bool {
	name := baseName(req.Model)
	return len(req.Tools) > 0 && (strings.HasPrefix(name, "gpt-6") || strings.HasPrefix(name, "gpt-5.6"))
}

// responseRequest puts a request into the shape of the Responses API. Nothing is stored at the provider: what the model
// thought comes back to us encrypted, and goes back with the next request.
func responseRequest(req Request) openai.CreateResponseRequest {
	no := false
	out := openai.CreateResponseRequest{
		Model: req.Model, Stream: true, Store: &no, Input: responseInput(req.Messages),
		Include: []openai.ResponseInclude{openai.ResponseIncludeReasoningEncryptedContent},
	}
	for _, t := range req.Tools {
		tool := openai.NewResponseFunctionTool(openai.FunctionDefinition{Name: t.Name, Description: t.Description, Parameters: t.Schema})
		// It is strict by default there, which refuses most schemas.
		tool.Parameters["strict"] = false
		out.Tools = append(out.Tools, tool)
	}
	return out
}

func responseInput(messages []events.Message) []any {
	var input []any
	for _, m := range messages {
		var kept struct {
			Items []json.RawMessage `json:"output"`
		}
		if len(m.Extra) > 0 {
			_ = json.Unmarshal(m.Extra, &kept) // other APIs keep other things there
		}
		switch {
		case len(kept.Items) > 0:
			for _, raw := range kept.Items {
				input = append(input, raw)
			}
			continue
		case m.Role == openai.ChatMessageRoleTool:
			input = append(input, openai.ResponseFunctionCallOutput{Type: "function_call_output", CallID: m.ToolCallID, Output: m.Content})
			continue
		case m.Content != "" || len(m.ToolCalls) == 0:
			input = append(input, openai.ResponseInputMessage{Role: m.Role, Content: m.Content})
		}
		for _, call := range m.ToolCalls {
			input = append(input, map[string]string{
				"type": "function_call", "call_id": call.ID, "name": call.Name, "arguments": cmp.Or(call.Arguments, "{}"),
			})
		}
	}
	return input
}

// event takes in an event of the Responses API.
func (a *assembly) event(c chunk) error {
	a.known = true
	switch c.Type {
	case "response.output_text.delta":
		return a.say(string(c.Delta))
	case "response.refusal.delta":
		return a.refuse(string(c.Delta))
	case "response.reasoning_text.delta", "response.reasoning_summary_text.delta":
		return a.think(string(c.Delta))
	case "response.output_item.done":
		a.items = append(a.items, c.Item)
		return a.grow(len(c.Item))
	case "response.completed", "response.incomplete", "response.failed":
		if c.Response == nil {
			return errors.New("the response ended without telling how")
		}
		return a.responded(c.Response)
	}
	return nil
}

// responded takes in a response at its end.
func (a *assembly) responded(r *response) error {
	a.known = true
	if fault := readFault(r.Error); fault != nil {
		return fault
	}
	if r.Status == "failed" || r.Status == "cancelled" {
		return &fault{message: "the response ended as " + string(r.Status)}
	}
	a.model, a.tier = cmp.Or(string(r.Model), a.model), cmp.Or(string(r.Tier), a.tier)
	a.count(r.Usage)
	if len(a.items) == 0 {
		a.items = r.Output
	}
	streamed, thought := a.text.Len() > 0, a.thought.Len() > 0
	for i, raw := range a.items {
		var it item
		if err := json.Unmarshal(raw, &it); err != nil {
			return err
		}
		var err error
		switch it.Type {
		case "message":
			for _, p := range it.Content {
				if !streamed {
					err = errors.Join(err, a.say(p.Text.said), a.refuse(p.Refusal.said))
				}
			}
		case "reasoning":
			for _, p := range slices.Concat(it.Summary, it.Content) {
				if !thought {
					err = errors.Join(err, a.think(p.Text.said))
				}
			}
			// It was not stored there, so without its content nobody could read it.
			a.items[i] = withoutStatus(raw, it.Encrypted != "")
		case "function_call":
			a.begun = true
			err = a.calls.add(toolDelta{Index: number{int64(i), true}, ID: it.CallID, Function: toolDeltaTarget{it.Name, it.Arguments}})
		}
		if err != nil {
			return err
		}
	}
	a.items = slices.DeleteFunc(a.items, func(raw json.RawMessage) bool { return raw == nil })
	switch {
	case r.Incomplete.Reason != "":
		a.finish = string(r.Incomplete.Reason)
	case r.Status == "incomplete":
		a.finish = "length"
	case len(a.calls) > 0:
		a.finish = "tool_calls"
	default:
		a.finish = "stop"
	}
	return nil
}

// withoutStatus makes a reasoning item one that the API takes back.
func withoutStatus(raw json.RawMessage, readable bool) json.RawMessage {
	var fields map[string]json.RawMessage
	if !readable || json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	maps.DeleteFunc(fields, func(key string, value json.RawMessage) bool { return key == "status" || isNull(value) })
	out, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return out
}
