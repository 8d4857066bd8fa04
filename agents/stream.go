package agents

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/virtuous6/virtuous6/events"
)

// Keys of a message's Extra: the items of a response, and the field of the chat completions that its thinking came in.
// The other keys are fields of the chat completions' message.
const (
	itemsKey     = "output"
	thoughtAsKey = "thinking_as"
)

// afterwards bounds the wait for the end of a response behind the end of its answer. A connection that is read to its
// end is used again.
const afterwards = 100 * time.Millisecond

// attempt sends one request and reads its stream to the end. Its error is the context's, or a *CallError.
func (m *OpenAI) attempt(ctx context.Context, req Request, onDelta func(string)) (Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := m.idle
	silence := time.AfterFunc(idle, func() { cancel(errIdle) })
	defer silence.Stop()

	h := m.learned.of(req.Model)
	x := &exchange{client: m.http, left: h.left, alive: func() { silence.Reset(idle) }}
	a := &assembly{onDelta: onDelta}
	stream, err := m.open(ctx, x, h, req)
	if err != nil {
		return Answer{}, m.failure(ctx, x, a, err)
	}
	defer func() { _ = stream.Close() }() // it was only read
	for {
		payload, err := stream.RecvRaw()
		if err == nil {
			err = a.add(payload)
		}
		switch {
		case err == nil:
		case a.complete() && onlyEnded(ctx, err):
			idle = afterwards
			silence.Reset(idle)
			_, _ = io.CopyN(io.Discard, x.body, 64<<10) // the answer is whole, whatever comes
			answer := a.answer(req.Model, m.provider)
			answer.LeftOut = leftOut(h, req, x.sent.api)
			return answer, nil
		default:
			return Answer{}, m.failure(ctx, x, a, err)
		}
	}
}

type rawStream interface {
	RecvRaw() ([]byte, error)
	Close() error
}

// open sends the request by the API that the agent names, that was learnt, or that the model needs.
func (m *OpenAI) open(ctx context.Context, x *exchange, h habits, req Request) (rawStream, error) {
	config := openai.DefaultConfig(m.key)
	config.BaseURL = m.base
	config.HTTPClient = x
	client := openai.NewClientWithConfig(config)
	api := cmp.Or(req.API, h.api)
	if api == "" && needsResponses(req) {
		api = ResponsesAPI
	}
	x.fields = map[string]json.RawMessage{}
	if req.Temperature != nil {
		// go-openai leaves out a temperature of 0.
		x.fields["temperature"] = strconv.AppendFloat(nil, *req.Temperature, 'g', -1, 64)
	}
	if req.MaxTokens > 0 {
		x.fields[limitName(api, h, req.Model)] = strconv.AppendInt(nil, int64(req.MaxTokens), 10)
	}
	switch {
	case req.Effort == "":
	case api == ResponsesAPI:
		x.fields["reasoning"] = json.RawMessage(`{"effort":` + string(quoted(req.Effort)) + `}`)
	default:
		x.fields["reasoning_effort"] = quoted(req.Effort)
	}
	if len(req.Schema) > 0 {
		name, format := "response_format", responseFormat
		if api == ResponsesAPI {
			name, format = "text", textFormat
		}
		var err error
		if x.fields[name], err = format(req.Schema); err != nil {
			return nil, err
		}
	}
	if api == ResponsesAPI {
		return client.CreateResponseStream(ctx, responseRequest(req))
	}
	chat := chatRequest(req)
	x.extras = extrasOf(req.Messages)
	if needsResponses(req) {
		// go-openai refuses this on its own. A server that has no other API may know how to do it, and says if not.
		x.fields["model"], chat.Model = quoted(req.Model), "any"
	}
	return client.CreateChatCompletionStream(ctx, chat)
}

func quoted(s string) json.RawMessage {
	raw, _ := json.Marshal(s) // a text can be marshalled
	return raw
}

// limitName is what an API calls the limit of an answer's tokens. Reasoning models take only the newer name; all others
// take the old one, which every server knows.
func limitName(api string, h habits, model string) string {
	switch {
	case api == ResponsesAPI:
		return "max_output_tokens"
	case reasons(model) != h.otherLimit:
		return "max_completion_tokens"
	}
	return "max_tokens"
}

// leftOut are the settings of a request that the model did not get.
func leftOut(h habits, req Request, api string) (out []string) {
	for _, s := range []struct {
		name  string
		asked bool
	}{{"reasoning", req.Effort != "" && api == ResponsesAPI}, {"reasoning_effort", req.Effort != "" && api != ResponsesAPI}, {"response_format", len(req.Schema) > 0 && api != ResponsesAPI}, {"seed", req.Seed != nil}, {"temperature", req.Temperature != nil}, {"text", len(req.Schema) > 0 && api == ResponsesAPI}, {"tools", len(req.Tools) > 0}} {
		if s.asked && (slices.Contains(h.left, s.name) || s.name == "seed" && api == ResponsesAPI) {
			out = append(out, s.name)
		}
	}
	return out
}

// onlyEnded tells that behind a finished answer the stream ended, was cut or fell silent: its usage may be missing then,
// the answer is whole. A caller that gave up, an error that the server sent and broken JSON are another matter.
func onlyEnded(ctx context.Context, err error) bool {
	var sent *fault
	if errors.As(err, &sent) || isJSON(err) || errors.Is(err, errTooMuch) || errors.Is(err, errTooLong) {
		return false
	}
	cause := context.Cause(ctx)
	return cause == nil || errors.Is(cause, errIdle)
}

// chatRequest puts a request into go-openai's shape, but for its fields.
func chatRequest(req Request) openai.ChatCompletionRequest {
	out := openai.ChatCompletionRequest{Model: req.Model, Stream: true, StreamOptions: &openai.StreamOptions{IncludeUsage: true}}
	if req.Seed != nil {
		seed := int(*req.Seed)
		out.Seed = &seed
	}
	for _, t := range req.Tools {
		out.Tools = append(out.Tools, openai.Tool{
			Type:     openai.ToolTypeFunction,
			Function: &openai.FunctionDefinition{Name: t.Name, Description: t.Description, Parameters: t.Schema},
		})
	}
	for _, msg := range req.Messages {
		to := openai.ChatCompletionMessage{Role: msg.Role, Content: msg.Content, ToolCallID: msg.ToolCallID}
		// A tool's message is tied to its call by id; a name is not part of it.
		if msg.Role != openai.ChatMessageRoleTool {
			to.Name = msg.Name
		}
		for _, call := range msg.ToolCalls {
			to.ToolCalls = append(to.ToolCalls, openai.ToolCall{
				ID:   call.ID,
				Type: openai.ToolTypeFunction,
				// Some models send none for a tool that takes none, and no server takes that back.
				Function: openai.FunctionCall{Name: call.Name, Arguments: cmp.Or(call.Arguments, "{}")},
			})
		}
		out.Messages = append(out.Messages, to)
	}
	return out
}

// extrasOf are the fields that go back with each message, as they came.
func extrasOf(messages []events.Message) []map[string]json.RawMessage {
	out := make([]map[string]json.RawMessage, len(messages))
	for i, m := range messages {
		if len(m.Extra) == 0 || json.Unmarshal(m.Extra, &out[i]) != nil {
			continue
		}
		var field string
		if json.Unmarshal(out[i][thoughtAsKey], &field) == nil && field != "" {
			out[i][field] = quoted(m.Thinking)
		}
		delete(out[i], thoughtAsKey)
		delete(out[i], itemsKey)
	}
	return out
}

// reasons tells a reasoning model by its name, as go-openai does.
func reasons(model string) bool {
	name := baseName(model)
	for _, family := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if strings.HasPrefix(name, family) {
			return true
		}
	}
	return false
}

// baseName is a model's name without the provider in front of it.
func baseName(model string) string { return model[strings.LastIndex(model, "/")+1:] }
