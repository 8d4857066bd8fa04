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
	"unicode"
	"unicode/utf8"

	"github.com/virtuous6/virtuous6/events"
)

// ScriptedMark opens each answer of the built-in model.
const ScriptedMark = "[scripted]"

// ErrScripted is the failure that a prompt asked the built-in model for.
var ErrScripted = errors.New("scripted failure")

// Scripted is the built-in model that needs no key and no network. It does not think, and says so in every answer:
// it is there to try the system. The same request always gets the same answer.
//
//   - It restates what was asked, and tells how to get a real model.
//   - It calls an offered tool that the prompt names: what follows the name is the argument, where the tool takes one
//     required text. "calculate 6 * 7" and "clock" both work, and so do several in one prompt.
//   - It shows what the tools answered.
//   - A prompt that starts with "fail:" makes the call fail with ErrScripted and the text behind it.
//
// One token is one word: what stands between white space, in the messages and in the arguments of tool calls.
type Scripted struct {
	// Now tells the time, for the latency. Default time.Now.
	Now func() time.Time
	// Pace is the wait before each word. Default none.
	Pace time.Duration
}

// Chat answers from the script. Its cost is known: nothing.
func (s Scripted) Chat(ctx context.Context, req Request, onDelta func(string)) (Answer, error) {
	if err := req.check(); err != nil {
		return Answer{}, &CallError{Kind: ErrBadRequest, Detail: err.Error(), Attempts: 1}
	}
	now := s.Now
	if now == nil {
		now = time.Now
	}
	started := now()
	ask, results := lastAsk(req.Messages)
	if reason, fail := strings.CutPrefix(strings.TrimSpace(ask), "fail:"); fail {
		return Answer{}, fmt.Errorf("%w: %s", ErrScripted, cmp.Or(cut(strings.TrimSpace(reason), 300), "the prompt asked for it"))
	}
	answer := Answer{
		Message:      events.Message{Role: "assistant"},
		FinishReason: "stop",
		Model:        events.ScriptedModel,
		Provider:     "built-in",
		UsageKnown:   true,
		InputTokens:  count(req.Messages),
		Priced:       true,
		Scripted:     true,
		Attempts:     1,
	}
	if len(results) == 0 {
		answer.Message.ToolCalls = wanted(ask, req.Tools)
	}
	text := restate(ask)
	switch {
	case len(answer.Message.ToolCalls) > 0:
		text = ScriptedMark + " I will use what you named: " + toolNames(answer.Message.ToolCalls) + "."
		answer.FinishReason = "tool_calls"
	case len(results) > 0:
		text = report(results)
	}
	words := strings.SplitAfter(text, " ")
	if req.MaxTokens > 0 && len(words) > req.MaxTokens {
		words, answer.FinishReason = words[:req.MaxTokens], "length"
		answer.Message.ToolCalls = nil
	}
	for _, word := range words {
		if err := pause(ctx, s.Pace); err != nil {
			return Answer{}, err
		}
		if onDelta != nil {
			onDelta(word)
		}
	}
	answer.Message.Content = strings.Join(words, "")
	answer.OutputTokens = count([]events.Message{answer.Message})
	answer.Latency = now().Sub(started)
	return answer, nil
}

func restate(ask string) string {
	return fmt.Sprintf("%s You asked: %q. This is the built-in scripted model: it repeats and does not think. "+
		"Set OPENAI_API_KEY (and OPENAI_BASE_URL for another server) to have a real model answer.",
		ScriptedMark, cut(strings.Join(strings.Fields(ask), " "), 500))
}

func report(results []events.Message) string {
	var b strings.Builder
	b.WriteString(ScriptedMark)
	for _, r := range results {
		fmt.Fprintf(&b, " %s answered: %s.", cmp.Or(r.Name, "a tool"), cut(strings.Join(strings.Fields(r.Content), " "), 500))
	}
	b.WriteString(" This is the built-in scripted model: set OPENAI_API_KEY to have a real model answer.")
	return b.String()
}

// lastAsk finds the last thing that a person said, and what tools have answered since.
func lastAsk(messages []events.Message) (ask string, results []events.Message) {
	for i, m := range slices.Backward(messages) {
		if m.Role == "user" {
			for _, later := range messages[i+1:] {
				if later.Role == "tool" {
					results = append(results, later)
				}
			}
			return m.Content, results
		}
	}
	return "", nil
}

// wanted finds the offered tools that a prompt names as words, in its order. What stands between a name and the next
// one, or the end of the line, is that tool's argument.
func wanted(ask string, tools []ToolSpec) []events.ToolCall {
	type mention struct {
		at, end int
		tool    ToolSpec
	}
	var mentions []mention
	for _, tool := range tools {
		if i := word(ask, tool.Name); i >= 0 {
			mentions = append(mentions, mention{i, i + len(tool.Name), tool})
		}
	}
	slices.SortFunc(mentions, func(a, b mention) int { return cmp.Compare(a.at, b.at) })
	var calls []events.ToolCall
	for i, m := range mentions {
		argument := ask[m.end:]
		if i+1 < len(mentions) {
			argument = strings.TrimSuffix(strings.TrimSpace(ask[m.end:mentions[i+1].at]), " and")
		}
		argument, _, _ = strings.Cut(strings.TrimLeft(argument, " :\n"), "\n")
		calls = append(calls, events.ToolCall{
			ID:        fmt.Sprintf("scripted-%d", i+1),
			Name:      m.tool.Name,
			Arguments: arguments(m.tool.Schema, strings.Trim(argument, " ,;:.?!\"'`\t\r")),
		})
	}
	return calls
}

// arguments puts a text where a tool's schema has exactly one required text, and is empty otherwise.
func arguments(schema json.RawMessage, text string) string {
	var s struct {
		Required   []string `json:"required"`
		Properties map[string]struct {
			Type any `json:"type"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(schema, &s); err != nil || len(s.Required) != 1 || s.Properties[s.Required[0]].Type != "string" {
		return "{}"
	}
	args, err := json.Marshal(map[string]string{s.Required[0]: text})
	if err != nil {
		return "{}"
	}
	return string(args)
}

// word finds name in s where no letter, digit, '_' or '-' touches it, or returns -1.
func word(s, name string) int {
	touches := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' }
	for from := 0; ; {
		i := strings.Index(s[from:], name)
		if i < 0 {
			return -1
		}
		at, end := from+i, from+i+len(name)
		before, _ := utf8.DecodeLastRuneInString(s[:at])
		after, _ := utf8.DecodeRuneInString(s[end:])
		if !touches(before) && !touches(after) {
			return at
		}
		from = end
	}
}

func toolNames(calls []events.ToolCall) string {
	names := make([]string, len(calls))
	for i, c := range calls {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// count counts tokens by the script's rule: words.
func count(messages []events.Message) int64 {
	n := 0
	for _, m := range messages {
		n += len(strings.Fields(m.Content))
		for _, c := range m.ToolCalls {
			n += len(strings.Fields(c.Arguments))
		}
	}
	return int64(n)
}
