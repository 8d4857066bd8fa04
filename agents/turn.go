package agents

import (
	"cmp"
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
	// Run is the one that tools are called for, as they are told.
	Run string
	// Now tells the time, for how long a tool took. Default time.Now.
	Now func() time.Time
	// Timeout is how long a call of a model can take at most, as budgets of time set it aside. Default 5 min, as of OpenAIConfig.
	Timeout time.Duration
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
	// Invalid is why the answer does not satisfy the agent's schema, empty where it does.
	Invalid string
	// Failed are the agent's models that were asked before, and gave no answer.
	Failed []events.ModelFailed
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

// usualOutput is reserved for an answer, in tokens, where neither the agent nor the price table bounds it.
const usualOutput = 4096

// maxToolResult bounds what a tool can put into a conversation, in bytes.
const maxToolResult = 64 << 10

// Open is the conversation that a prompt starts.
func Open(config events.AgentConfig, prompt string) []events.Message {
	return Instructed(config, events.Message{Role: "user", Content: prompt})
}

// Instructed is a conversation with an agent: its own instructions, if it has any, then what is said.
func Instructed(config events.AgentConfig, said ...events.Message) []events.Message {
	system := instructions(config)
	if system == "" {
		return said
	}
	return append([]events.Message{{Role: "system", Content: system}}, said...)
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
		Effort:      config.Effort,
		Tools:       specs,
		API:         config.API,
		Schema:      config.Schema,
	}
	schema, err := compile(config.Schema)
	if err != nil {
		return Turn{}, err
	}
	answer, req, failed, err := r.firstAnswer(ctx, config, req, onDelta)
	if err != nil {
		return Turn{}, err
	}
	params, err := req.Params(answer.LeftOut)
	if err != nil {
		return Turn{}, err
	}
	// What the provider charged by its own word holds.
	if !answer.Priced && answer.UsageKnown {
		answer.CostNanos, answer.Priced = r.Prices.Cost(answer.spent(req.Model))
	}
	answer.Priced = answer.Priced && !failed.billed()
	turn := Turn{Answer: answer, Ending: answer.ending(), Params: params, Failed: failed.facts()}
	switch turn.Ending {
	case WantsTools:
		turn.Calls = answer.Message.ToolCalls
	case Answered:
		turn.Invalid = invalid(schema, answer.Message.Content)
	}
	return turn, nil
}

// Repeatable tells whether a tool may be called again where it is not known what became of a call.
func (r Runner) Repeatable(tool string) bool {
	t, known := r.Tools.byName[tool]
	return !known || t.Repeatable
}

// Lost answers a call of which nobody knows what became: whoever made it died.
func (r Runner) Lost(call events.ToolCall) Done {
	return r.Refused(call, "outcome unknown: the call may have been made, and whoever made it is gone; find out before you call it again")
}

// Refused answers a call that is not performed.
func (r Runner) Refused(call events.ToolCall, reason string) Done {
	now := r.now()
	return Done{Message: toolMessage(call, failedCall+reason), Error: reason, StartedAt: now, EndedAt: now}
}

// Answered answers a call with what somebody else gave.
func (r Runner) Answered(call events.ToolCall, text string) Done {
	now := r.now()
	return Done{Message: toolMessage(call, cmp.Or(text, nothing)), StartedAt: now, EndedAt: now}
}

// nothing is the result of a call that gave none.
const nothing = "(nothing)"

// failedCall begins the result of a call that failed.
const failedCall = "error: "

// FailedCall tells from a call's result that it failed, and why.
func FailedCall(result string) (reason string, failed bool) {
	return strings.CutPrefix(result, failedCall)
}

func (r Runner) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

// toolMessage answers a call. A name that no tool can have is not repeated to the provider, which would refuse it.
func toolMessage(call events.ToolCall, content string) events.Message {
	m := events.Message{Role: "tool", ToolCallID: call.ID, Content: cut(content, maxToolResult)}
	if ToolName(call.Name) {
		m.Name = call.Name
	}
	return m
}

// MaxCost is what a call can cost at most, with all the agent's models asked, and whether that is known. No token is shorter
// than a byte.
func (r Runner) MaxCost(config events.AgentConfig, conversation []events.Message) (most events.Nanos, known bool) {
	known = true
	for _, model := range chain(config) {
		config.Model = model
		nanos, priced := r.maxCost(config, conversation)
		most, known = events.Add(most, nanos), known && priced
	}
	return most, known
}

func (r Runner) maxCost(config events.AgentConfig, conversation []events.Message) (events.Nanos, bool) {
	if config.Model == events.ScriptedModel {
		return 0, true
	}
	input := r.maxInput(config, conversation)
	// Without a limit the model's own holds, and where the table does not tell that either, what answers rarely pass.
	most, known := r.Prices.MaxCost(config.Model, input, int64(config.MaxTokens))
	if !known && config.MaxTokens == 0 {
		most, known = r.Prices.MaxCost(config.Model, input, usualOutput)
	}
	return most, known
}

// maxInput is how many tokens a conversation is at most.
func (r Runner) maxInput(config events.AgentConfig, conversation []events.Message) (input int64) {
	const perMessage = 16
	for _, m := range conversation {
		input += int64(len(m.Content) + len(m.Name) + perMessage)
		for _, c := range m.ToolCalls {
			input += int64(len(c.Name) + len(c.Arguments) + perMessage)
		}
	}
	if specs, err := r.Tools.Specs(config.Tools); err == nil {
		for _, s := range specs {
			input += int64(len(s.Name) + len(s.Description) + len(s.Schema) + perMessage)
		}
	}
	return input
}

// Most is what a call can take at most beside money, with all the agent's models asked.
func (r Runner) Most(config events.AgentConfig, conversation []events.Message) (most events.Resources) {
	for _, model := range chain(config) {
		output := cmp.Or(int64(config.MaxTokens), r.Prices.mostOutput(model), usualOutput)
		most.Tokens = events.Add(most.Tokens, events.Add(r.maxInput(config, conversation), output))
		most.TimeMS += cmp.Or(r.Timeout, defaultTimeout).Milliseconds()
	}
	return most
}

// ToolTime is how long a call of a tool can take at most.
func (r Runner) ToolTime(tool string) time.Duration {
	return cmp.Or(r.Tools.byName[tool].Timeout, r.ToolTimeout, 30*time.Second)
}

// Perform does what a model asked for. key is the same whenever this very call is made. A failure is data for the model,
// not an error of the run: a tool that the agent was not given, arguments that can't be read, a tool that fails or takes
// too long.
func (r Runner) Perform(ctx context.Context, config events.AgentConfig, call events.ToolCall, key string) Done {
	done := Done{StartedAt: r.now()}
	result, err := r.perform(ctx, config, call, key)
	done.EndedAt = r.now()
	switch {
	case err != nil:
		done.Error = cut(err.Error(), maxToolResult)
		result = failedCall + done.Error
	case result == "":
		result = nothing
	}
	done.Message = toolMessage(call, result)
	return done
}

func (r Runner) perform(ctx context.Context, config events.AgentConfig, call events.ToolCall, key string) (string, error) {
	tool, known := r.Tools.byName[call.Name]
	if !known || !slices.Contains(config.Tools, call.Name) {
		return "", fmt.Errorf("%w %q: %s", ErrUnknownTool, cut(call.Name, 100), offered(config.Tools))
	}
	args := json.RawMessage(call.Arguments)
	if strings.TrimSpace(call.Arguments) == "" {
		args = json.RawMessage("{}")
	}
	if !json.Valid(args) {
		return "", errors.New("the arguments are not valid JSON")
	}
	timeout := r.ToolTime(call.Name)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%s took longer than %s", call.Name, timeout))
	defer cancel()
	result, err := tool.Call(ctx, Call{Arguments: args, Key: key, Run: r.Run})
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return result, err
}

func offered(tools []string) string {
	if len(tools) == 0 {
		return "you have no tools"
	}
	return "there are " + strings.Join(tools, ", ")
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
