package agents

import (
	"fmt"
	"strings"
)

// Ending tells how an answer ended.
type Ending string

// The closed vocabulary of endings. Only the first two are what was asked for.
const (
	// Answered is a whole answer with something in it, ended by the model itself.
	Answered Ending = "answered"
	// WantsTools is an answer that goes on once its tool calls are performed.
	WantsTools Ending = "wants_tools"
	// CutByLength is an answer that reached the limit of tokens before its end.
	CutByLength Ending = "cut_by_length"
	// Filtered is an answer that the provider held back or cut for its content.
	Filtered Ending = "filtered"
	// Declined is a model's refusal to answer.
	Declined Ending = "declined"
	// Empty is an end without a word.
	Empty Ending = "empty"
	// OnlyThought is an end after thinking, without an answer.
	OnlyThought Ending = "only_thought"
)

// Good tells that the answer is whole: the conversation goes on, or ended well.
func (e Ending) Good() bool { return e == Answered || e == WantsTools }

// Failure is why an answer is not what was asked for, and what to do. nil where it is good.
func (e Ending) Failure() error {
	says, ok := map[Ending]string{
		CutByLength: "the answer was cut at the limit of tokens: raise the agent's max_tokens, or ask for a shorter answer",
		Filtered:    "the provider's content filter stopped the answer: change the prompt, or use another model",
		Declined:    "the model declined to answer",
		Empty:       "the model ended without an answer",
		OnlyThought: "the model thought and ended without an answer: raise the agent's max_tokens, or use another model",
	}[e]
	if !ok {
		return nil
	}
	return &EndingError{Ending: e, says: says}
}

// EndingError is an answer that came, and that is none. Match it with errors.As.
type EndingError struct {
	Ending Ending
	says   string
}

func (e *EndingError) Error() string { return e.says }

// ending tells how an answer ended, by the provider's word and by what is in it.
func (a Answer) ending() Ending {
	empty := strings.TrimSpace(a.Message.Content) == ""
	switch why := finishes(a.FinishReason); {
	case why != "":
		return why
	case len(a.Message.ToolCalls) > 0:
		return WantsTools
	case a.refused:
		return Declined
	case empty && a.Message.Thinking != "":
		return OnlyThought
	case empty:
		return Empty
	}
	return Answered
}

// finishes reads the words that providers have for the ends that are not the model's own.
func finishes(reason string) Ending {
	switch strings.ToLower(reason) {
	case "length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded":
		return CutByLength
	case "content_filter", "content_filtered", "safety", "recitation", "blocklist", "prohibited_content", "spii", "sensitive":
		return Filtered
	case "refusal":
		return Declined
	}
	return ""
}

// broke tells the words by which servers say that the answer broke off by their own fault.
func broke(reason string) error {
	switch strings.ToLower(reason) {
	case "error", "network_error", "insufficient_system_resource":
		return fmt.Errorf("the server ended the answer with an error (finish reason %q)", reason)
	}
	return nil
}
