package agents

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/virtuous6/virtuous6/events"
)

// maxCalls bounds the tool calls of one answer.
const maxCalls = 128

// attempt sends one request and reads its stream to the end. Its error is the context's, or a *CallError.
func (m *OpenAI) attempt(ctx context.Context, req Request, onDelta func(string)) (Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(m.idle, func() { cancel(errIdle) })
	defer silence.Stop()

	x := &exchange{client: m.http, fields: fields(req), alive: func() { silence.Reset(m.idle) }}
	config := openai.DefaultConfig(m.key)
	config.BaseURL = m.base
	config.HTTPClient = x

	stream, err := openai.NewClientWithConfig(config).CreateChatCompletionStream(ctx, m.request(req))
	if err != nil {
		return Answer{}, m.failure(ctx, x, err, false)
	}
	defer stream.Close()

	var a assembly
	for {
		chunk, err := stream.Recv()
		if err == nil {
			err = a.add(chunk, onDelta)
		}
		if err == nil {
			continue
		}
		// The end of a stream proves nothing, "[DONE]" included: an answer is whole once a reason for its end was given.
		if a.finish != "" && onlyEnded(ctx, err) {
			return a.answer(req.Model, m.provider), nil
		}
		return Answer{}, m.failure(ctx, x, err, a.begun)
	}
}

// onlyEnded tells that behind a finished answer the stream ended, was cut or fell silent: its usage may be missing then,
// the answer is whole. A caller that gave up, an error that the server sent and broken JSON are another matter.
func onlyEnded(ctx context.Context, err error) bool {
	var sent *openai.APIError
	if errors.As(err, &sent) || isJSON(err) {
		return false
	}
	cause := context.Cause(ctx)
	return cause == nil || errors.Is(cause, errIdle)
}

// fields are the settings that go-openai can't send: it leaves out a temperature of 0, and counts max_tokens as
// deprecated. Reasoning models take only max_completion_tokens. All others take the old name, which every server knows.
func fields(req Request) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if req.Temperature != nil {
		out["temperature"] = strconv.AppendFloat(nil, *req.Temperature, 'g', -1, 64)
	}
	if req.MaxTokens > 0 {
		name := "max_tokens"
		if reasons(req.Model) {
			name = "max_completion_tokens"
		}
		out[name] = strconv.AppendInt(nil, int64(req.MaxTokens), 10)
	}
	return out
}

// request puts a request into go-openai's shape, but for its fields.
func (m *OpenAI) request(req Request) openai.ChatCompletionRequest {
	out := openai.ChatCompletionRequest{Model: req.Model, Stream: true}
	if !m.plain.Load() {
		out.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
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

// reasons tells a reasoning model by its name, as go-openai does.
func reasons(model string) bool {
	for _, family := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if strings.HasPrefix(model, family) {
			return true
		}
	}
	return false
}

// assembly puts an answer together from the pieces of its stream.
type assembly struct {
	text   strings.Builder
	calls  []*call
	finish string
	model  string
	usage  *openai.Usage
	// begun tells that a piece of the answer has come.
	begun bool
}

// call is a tool call whose arguments come in pieces.
type call struct {
	index     int
	id, name  string
	arguments strings.Builder
}

// add takes one chunk in.
func (a *assembly) add(chunk openai.ChatCompletionStreamResponse, onDelta func(string)) error {
	if chunk.Model != "" {
		a.model = chunk.Model
	}
	// Servers that count as they go send usage with each chunk: the last one holds.
	if chunk.Usage != nil {
		a.usage = chunk.Usage
	}
	for _, choice := range chunk.Choices {
		if choice.Index != 0 {
			continue
		}
		if text := choice.Delta.Content + choice.Delta.Refusal; text != "" {
			a.begun = true
			a.text.WriteString(text)
			if onDelta != nil {
				onDelta(text)
			}
		}
		for _, delta := range choice.Delta.ToolCalls {
			a.begun = true
			if err := a.addCall(delta); err != nil {
				return err
			}
		}
		if choice.FinishReason == "error" {
			return errors.New("the server ended the answer with an error")
		}
		if choice.FinishReason != "" {
			a.finish = string(choice.FinishReason)
		}
	}
	return nil
}

// addCall finds the call that a piece belongs to by its index. Some servers leave the index out or give all calls the
// same one: there, a new id starts a new call.
func (a *assembly) addCall(delta openai.ToolCall) error {
	var to *call
	for _, c := range a.calls {
		if delta.Index == nil && delta.ID == "" || delta.Index != nil && c.index == *delta.Index {
			to = c
		}
	}
	if to == nil || delta.ID != "" && to.id != "" && delta.ID != to.id {
		if len(a.calls) == maxCalls {
			return fmt.Errorf("more than %d tool calls in one answer", maxCalls)
		}
		to = &call{index: len(a.calls)}
		if delta.Index != nil {
			to.index = *delta.Index
		}
		a.calls = append(a.calls, to)
	}
	to.id = cmp.Or(to.id, delta.ID)
	to.name += delta.Function.Name
	to.arguments.WriteString(delta.Function.Arguments)
	return nil
}

func (a *assembly) answer(asked, provider string) Answer {
	answer := Answer{
		Message:      events.Message{Role: openai.ChatMessageRoleAssistant, Content: a.text.String()},
		FinishReason: a.finish,
		Model:        cmp.Or(a.model, asked),
		Provider:     provider,
	}
	for i, c := range a.calls {
		answer.Message.ToolCalls = append(answer.Message.ToolCalls, events.ToolCall{
			// The tool's answer is tied to the call by its id, so there has to be one.
			ID:        cmp.Or(c.id, fmt.Sprintf("call-%d", i+1)),
			Name:      c.name,
			Arguments: c.arguments.String(),
		})
	}
	u := a.usage
	if u == nil {
		return answer
	}
	input, output, cached := int64(u.PromptTokens), int64(u.CompletionTokens), int64(0)
	if u.PromptTokensDetails != nil {
		cached = int64(u.PromptTokensDetails.CachedTokens)
	}
	// A count that can't be is as good as none. All zero is how some servers say that they don't count.
	if input < 0 || output < 0 || cached < 0 || cached > input || input == 0 && output == 0 {
		return answer
	}
	answer.UsageKnown = true
	answer.InputTokens, answer.OutputTokens, answer.CachedTokens = input, output, cached
	return answer
}
