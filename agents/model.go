package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// Model answers a conversation. Implementations may be called concurrently.
type Model interface {
	// Chat performs one call. It hands each piece of text to onDelta as it comes (nil for a caller that does not care),
	// from the calling goroutine, and returns the whole answer at the end. A call that fails after text was streamed
	// returns an error, never a short answer. Errors match one of this package's sentinels, or the context's error.
	Chat(ctx context.Context, req Request, onDelta func(text string)) (Answer, error)
}

// Request is one call to a model. Messages is the whole conversation, the system message included.
type Request struct {
	Model    string
	Messages []events.Message
	// Temperature is the sampling temperature, nil for the provider's default. 0 is sent as 0.
	Temperature *float64
	// MaxTokens bounds the answer, 0 for the provider's default.
	MaxTokens int
	// Effort is how much the model is to think before it answers, one of events.Efforts, empty for the provider's default.
	Effort string
	// Tools are those that the model may ask for.
	Tools []ToolSpec
	// Schema is the JSON Schema that the answer is to satisfy, empty for none. A server may not hold the model to it.
	Schema json.RawMessage
	// API is ChatAPI or ResponsesAPI, empty for the one that the model needs.
	API string
	// Seed asks for repeatable sampling where the provider can do it, nil for none.
	Seed *int64
}

// ToolSpec is what a model is told of a tool.
type ToolSpec struct {
	Name        string
	Description string
	// Schema is the JSON Schema of the arguments, an object.
	Schema json.RawMessage
}

// Answer is what a model said, and what it took.
type Answer struct {
	// Message is the assistant's message: text, calls of tools, or both. What the model thought stands apart in it, and so
	// does what the provider wants back with the message.
	Message events.Message
	// FinishReason is the provider's word: "stop", "length", "tool_calls", "content_filter". See Turn.Ending.
	FinishReason string
	// Model is the name that the provider gave for what answered, which may be more exact than the one asked for.
	Model    string
	Provider string
	// UsageKnown tells that the provider reported its tokens. The counts are 0 where it did not: nothing is guessed.
	UsageKnown   bool
	InputTokens  int64
	OutputTokens int64
	// CachedTokens is the part of InputTokens that the provider read from its cache.
	CachedTokens int64
	// CacheWriteTokens is the part of InputTokens that it wrote there; CacheWriteHourTokens is the part of those that it
	// keeps for an hour.
	CacheWriteTokens, CacheWriteHourTokens int64
	// ReasoningTokens is the part of OutputTokens that is no part of the answer, where it is told apart.
	ReasoningTokens int64
	// ServiceTier is what the provider says it was served as: "priority", "flex", "batch". Empty is the standard.
	ServiceTier string
	CostNanos   events.Nanos
	// Priced tells that CostNanos is all of the cost. Else it is what is known of it, often 0, and must not be shown as free.
	Priced bool
	// Scripted labels an answer of the built-in model that needs no key.
	Scripted bool
	// Latency is the time from the call to the end of the answer, waits and retries included.
	Latency time.Duration
	// Attempts counts the requests it took, from 1.
	Attempts int
	// LeftOut names the settings that the server refused, and that it was therefore asked without.
	LeftOut []string

	refused bool
}

// Params are the request's settings as JSON, in the shape that a recorded call keeps, with what of it the server did
// not take.
func (r Request) Params(leftOut []string) (json.RawMessage, error) {
	params, err := json.Marshal(struct {
		Temperature *float64 `json:"temperature,omitempty"`
		MaxTokens   int      `json:"max_tokens,omitempty"`
		Effort      string   `json:"reasoning_effort,omitempty"`
		Seed        *int64   `json:"seed,omitempty"`
		API         string   `json:"api,omitempty"`
		LeftOut     []string `json:"left_out,omitempty"`
	}{r.Temperature, r.MaxTokens, r.Effort, r.Seed, r.API, leftOut})
	if err != nil {
		return nil, fmt.Errorf("settings of the call to %s: %w", r.Model, err)
	}
	return params, nil
}

// check refuses what no provider could answer.
func (r Request) check() error {
	switch {
	case r.Model == "":
		return errors.New("no model is named: give the agent one")
	case len(r.Messages) == 0:
		return errors.New("the conversation is empty: it needs at least one message")
	case r.MaxTokens < 0:
		return fmt.Errorf("max tokens is %d: it must be 0 (the provider's default) or more", r.MaxTokens)
	case r.Temperature != nil && !(*r.Temperature >= 0 && *r.Temperature <= 2):
		return fmt.Errorf("temperature is %v: it must be from 0 to 2", *r.Temperature)
	case r.API != "" && r.API != ChatAPI && r.API != ResponsesAPI:
		return fmt.Errorf("api is %q: it must be %s or %s, or left out", r.API, ChatAPI, ResponsesAPI)
	}
	return nil
}
