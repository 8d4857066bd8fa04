package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/events"
)

// Runner performs turns of agents and the tool calls that come of them. It keeps nothing between calls.
type Runner struct {
	Model Model
	// Prices turns tokens into money. nil prices nothing: every cost is then unknown.
	Prices *Prices
	Tools  Tools
	// Now tells the time, for how long a tool took. Default time.Now.
	Now func() time.Time
	// ToolTimeout bounds one call of a tool. Default 30 s.
	ToolTimeout time.Duration
}

// Turn is one answer of a model, and what it wants done before it goes on.
type Turn struct {
	Answer Answer
	// Ending tells how the answer ended. Its Failure is the reason where that is not what was asked for.
	Ending Ending
	// Calls are the tools to perform, where that is how the answer ended. An empty list ends the conversation.
	Calls []events.ToolCall
	// Params are the settings of the request, for the record.
	Params json.RawMessage
}

// Done is the outcome of one tool call.
type Done struct {
	// Message answers the call, to be added to the conversation.
	Message events.Message
	// Error tells why it failed, empty where it did not. The model reads it in Message as well.
	Error string
	// StartedAt and EndedAt are when it was performed.
	StartedAt, EndedAt time.Time
}

// maxToolResult bounds what a tool can put into a conversation, in bytes.
const maxToolResult = 64 << 10

// Open is the conversation that a prompt starts: the agent's own instructions, if it has any, then the prompt.
func Open(config events.AgentConfig, prompt string) []events.Message {
	user := events.Message{Role: "user", Content: prompt}
	if config.Prompt == "" {
		return []events.Message{user}
	}
	return []events.Message{{Role: "system", Content: config.Prompt}, user}
}

// Turn asks the model once. The conversation is sent as it is, whole; Open starts one. A model or a tool that is not
// known is refused before anything is sent.
func (r Runner) Turn(ctx context.Context, config events.AgentConfig, conversation []events.Message, onDelta func(string)) (Turn, error) {
	specs, err := r.Tools.Specs(config.Tools)
	if err != nil {
		return Turn{}, err
	}
	req := Request{
		Model:       config.Model,
		Messages:    conversation,
		Temperature: config.Temperature,
		MaxTokens:   config.MaxTokens,
		Tools:       specs,
		API:         config.API,
	}
	answer, err := r.Model.Chat(ctx, req, onDelta)
	if err != nil {
		return Turn{}, fmt.Errorf("ask %s: %w", config.Model, err)
	}
	params, err := req.Params(answer.LeftOut)
	if err != nil {
		return Turn{}, err
	}
	// What the provider charged by its own word holds.
	if !answer.Priced && answer.UsageKnown {
		answer.CostNanos, answer.Priced = r.Prices.Cost(answer.spent(config.Model))
	}
	turn := Turn{Answer: answer, Ending: answer.ending(), Params: params}
	if turn.Ending == WantsTools {
		turn.Calls = answer.Message.ToolCalls
	}
	return turn, nil
}

// Perform does what a model asked for. A failure is data for the model, not an error of the run: a tool that the agent
// was not given, arguments that can't be read, a tool that fails or takes too long.
func (r Runner) Perform(ctx context.Context, config events.AgentConfig, call events.ToolCall) Done {
	now := r.Now
	if now == nil {
		now = time.Now
	}
	done := Done{
		Message:   events.Message{Role: "tool", Name: call.Name, ToolCallID: call.ID},
		StartedAt: now(),
	}
	result, err := r.perform(ctx, config, call)
	done.EndedAt = now()
	switch {
	case err != nil:
		done.Error = err.Error()
		done.Message.Content = "error: " + done.Error
	case result == "":
		done.Message.Content = "(nothing)"
	default:
		done.Message.Content = result
	}
	done.Message.Content = cut(done.Message.Content, maxToolResult)
	return done
}

func (r Runner) perform(ctx context.Context, config events.AgentConfig, call events.ToolCall) (string, error) {
	tool, known := r.Tools.byName[call.Name]
	if !known || !slices.Contains(config.Tools, call.Name) {
		return "", fmt.Errorf("%w %q: there are %s", ErrUnknownTool, call.Name, strings.Join(config.Tools, ", "))
	}
	args := json.RawMessage(call.Arguments)
	if strings.TrimSpace(call.Arguments) == "" {
		args = json.RawMessage("{}")
	}
	if !json.Valid(args) {
		return "", errors.New("the arguments are not valid JSON")
	}
	timeout := r.ToolTimeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%s took longer than %s", call.Name, timeout))
	defer cancel()
	result, err := tool.Call(ctx, args)
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return result, err
}

// cut bounds a text to limit bytes, says so, and leaves valid UTF-8.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	const mark = " … (cut)"
	s = s[:limit-len(mark)]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + mark
}
