package agents

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// The types below read what servers write where the API has a text, a count or a list of its own: they take what can be
// meant, and leave out the rest rather than refuse the whole answer.

// text is a text, or a list of parts with texts. Parts that are thinking are kept apart.
type text struct{ said, thought string }

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &t.said) == nil {
		return nil
	}
	var parts many[part]
	_ = json.Unmarshal(data, &parts) // what is neither has no text
	for _, p := range parts {
		if p.Type == "thinking" || p.Type == "reasoning" {
			t.thought += p.Thinking.said + p.Text.said
			continue
		}
		t.said += p.Text.said + p.Refusal.said
	}
	return nil
}

type part struct {
	Type     string `json:"type"`
	Text     text   `json:"text"`
	Refusal  text   `json:"refusal"`
	Thinking text   `json:"thinking"`
}

// UnmarshalJSON takes a text for a part that is nothing else.
func (p *part) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &p.Text.said) == nil {
		return nil
	}
	type fields part
	return json.Unmarshal(data, (*fields)(p))
}

// many is a list, or one value where a list is meant.
type many[T any] []T

// UnmarshalJSON leaves out what is no T.
func (m *many[T]) UnmarshalJSON(data []byte) error {
	*m = nil
	var raw []json.RawMessage
	if json.Unmarshal(data, &raw) != nil {
		raw = []json.RawMessage{data}
	}
	for _, r := range raw {
		var v T
		if !isNull(r) && json.Unmarshal(r, &v) == nil {
			*m = append(*m, v)
		}
	}
	return nil
}

// number is an integer, written as one, as a float or as a text. Null and nonsense are not given.
type number struct {
	n     int64
	given bool
}

// UnmarshalJSON never fails.
func (n *number) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(data, `" `)), 64)
	if err == nil && math.Abs(f) <= 1<<53 {
		*n = number{int64(f), true}
	}
	return nil
}

// toolArgs are a tool call's: JSON in a text, or the object itself.
type toolArgs string

// unwrapped are the arguments of a whole call: some servers put the text into a text once more.
func (a toolArgs) unwrapped() string {
	var inner string
	if json.Unmarshal([]byte(a), &inner) == nil && json.Valid([]byte(inner)) {
		return inner
	}
	return string(a)
}

// UnmarshalJSON never fails.
func (a *toolArgs) UnmarshalJSON(data []byte) error {
	var s string
	switch {
	case isNull(data):
	case json.Unmarshal(data, &s) == nil:
		*a = toolArgs(s)
	default:
		*a = toolArgs(data)
	}
	return nil
}

// label is a text; anything else is as its JSON is written.
type label string

// UnmarshalJSON never fails.
func (w *label) UnmarshalJSON(data []byte) error {
	var s string
	switch {
	case isNull(data):
	case json.Unmarshal(data, &s) == nil:
		*w = label(s)
	default:
		*w = label(data)
	}
	return nil
}

func isNull(raw json.RawMessage) bool {
	trimmed := strings.TrimSpace(string(raw))
	return trimmed == "" || trimmed == "null"
}

// chunk is a piece of a streamed answer: of the chat completions, or an event of the Responses API. Either may also
// come whole, from a server that does not stream. Which it is shows by what is in it.
type chunk struct {
	Error  json.RawMessage `json:"error"`
	Object label           `json:"object"`
	Model  label           `json:"model"`
	Tier   label           `json:"service_tier"`
	Usage  *usage          `json:"usage"`

	Choices many[choice] `json:"choices"`
	// Groq puts its usage here.
	Groq struct {
		Usage *usage `json:"usage"`
	} `json:"x_groq"`

	Type     label           `json:"type"`
	Delta    label           `json:"delta"`
	Item     json.RawMessage `json:"item"`
	Response *response       `json:"response"`
}

type choice struct {
	Index   number          `json:"index"`
	Delta   *delta          `json:"delta"`
	Message *delta          `json:"message"`
	Finish  label           `json:"finish_reason"`
	Error   json.RawMessage `json:"error"`
	// Moonshot puts its usage here.
	Usage *usage `json:"usage"`
}

type delta struct {
	Content   text             `json:"content"`
	Refusal   text             `json:"refusal"`
	ToolCalls many[toolDelta]  `json:"tool_calls"`
	Function  *toolDeltaTarget `json:"function_call"`
	// The names under which servers tell what the model thought.
	ReasoningContent text `json:"reasoning_content"`
	Reasoning        text `json:"reasoning"`
	// What has to come back as it is.
	Details many[json.RawMessage] `json:"reasoning_details"`
	Blocks  many[json.RawMessage] `json:"thinking_blocks"`
	Extra   json.RawMessage       `json:"extra_content"`
}

type toolDelta struct {
	Index    number          `json:"index"`
	ID       label           `json:"id"`
	Function toolDeltaTarget `json:"function"`
	Extra    json.RawMessage `json:"extra_content"`
}

type toolDeltaTarget struct {
	Name      label    `json:"name"`
	Arguments toolArgs `json:"arguments"`
}

// response is an answer of the Responses API.
type response struct {
	Status     label                 `json:"status"`
	Model      label                 `json:"model"`
	Tier       label                 `json:"service_tier"`
	Usage      *usage                `json:"usage"`
	Error      json.RawMessage       `json:"error"`
	Output     many[json.RawMessage] `json:"output"`
	Incomplete struct {
		Reason label `json:"reason"`
	} `json:"incomplete_details"`
}

// item is one part of a response: a message, a function call, or what the model thought.
type item struct {
	Type      label      `json:"type"`
	Content   many[part] `json:"content"`
	Summary   many[part] `json:"summary"`
	CallID    label      `json:"call_id"`
	Name      label      `json:"name"`
	Arguments toolArgs   `json:"arguments"`
	Encrypted label      `json:"encrypted_content"`
}
