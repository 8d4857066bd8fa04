package agents

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// maxCalls bounds the tool calls of one answer.
const maxCalls = 128

// toolCalls are the calls of an answer, whose arguments come in pieces.
type toolCalls []*toolCall

type toolCall struct {
	index     number
	id, name  string
	arguments strings.Builder
	end       jsonEnd
	extra     json.RawMessage
}

// add finds the call that a piece belongs to: by its index, else by its id, else the last one. A new id, a new name, or
// more arguments where they are complete already open a new call, since some servers leave index and id out, or give
// all calls the same. A name that comes again is set, not appended.
func (c *toolCalls) add(d toolDelta) error {
	id, name, args := string(d.ID), string(d.Function.Name), string(d.Function.Arguments)
	to := c.find(d.Index, id)
	switch {
	case to == nil, id != "" && to.id != "" && id != to.id, name != "" && to.name != "" && name != to.name:
		to = nil
	case !to.end.reached() && to.arguments.Len() > 0 && len(args) > to.arguments.Len() && strings.HasPrefix(args, to.arguments.String()) && json.Valid([]byte(args)):
		to.restart() // all of it once more, and whole
	case !to.end.reached() || strings.TrimSpace(args) == "":
	case id != "" && id == to.id && args == to.arguments.String():
		return nil // the same call once more
	case strings.TrimSpace(to.arguments.String()) == "{}" && (name == "" || id != ""):
		to.restart() // an empty object that only held the place
	default:
		to = nil
	}
	if to == nil {
		if len(*c) == maxCalls {
			return fmt.Errorf("more than %d tool calls in one answer", maxCalls)
		}
		to = &toolCall{index: d.Index}
		*c = append(*c, to)
	}
	if id != "" {
		to.id = id
	}
	if name != "" {
		to.name = name
	}
	if !isNull(d.Extra) {
		to.extra = d.Extra
	}
	to.arguments.WriteString(args)
	to.end.write([]byte(args))
	return nil
}

// restart forgets the arguments that came so far.
func (c *toolCall) restart() {
	c.arguments.Reset()
	c.end = jsonEnd{}
}

func (c toolCalls) find(index number, id string) *toolCall {
	var found *toolCall
	for _, call := range c {
		if index.given && call.index == index || !index.given && (id == "" || call.id == id) {
			found = call
		}
	}
	return found
}

// calls are the whole calls. Each has an id of its own, since the tool's answer is tied to it, and a name that servers
// take back: what it was before names no tool anyway. A call that came twice under one id is one call.
func (c toolCalls) calls() (calls []events.ToolCall, extras []json.RawMessage) {
	taken := map[string]events.ToolCall{}
	for i, from := range c {
		call := events.ToolCall{ID: from.id, Name: callable(from.name), Arguments: toolArgs(from.arguments.String()).unwrapped()}
		if call.ID == "" {
			call.ID = fmt.Sprintf("call-%d", i+1)
		}
		if before, again := taken[call.ID]; again {
			if before == call {
				continue
			}
			call.ID = fmt.Sprintf("%s-%d", call.ID, i+1)
		}
		taken[call.ID] = call
		calls, extras = append(calls, call), append(extras, from.extra)
	}
	return calls, extras
}

// callable makes a name one that tools can have.
func callable(name string) string {
	if ToolName(name) {
		return name
	}
	name = strings.Map(func(r rune) rune {
		if ToolName(string(r)) {
			return r
		}
		return '_'
	}, name)
	if name == "" {
		return "unnamed"
	}
	return name[:min(len(name), 64)]
}
