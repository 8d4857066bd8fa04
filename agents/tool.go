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
)

// ErrUnknownTool tells that no tool has that name, or that the agent was not given it.
var ErrUnknownTool = errors.New("unknown tool")

// Tool is something that a model may ask to be done.
type Tool struct {
	// Name is what a model calls it by: letters, digits, '_' and '-', at most 64.
	Name        string
	Description string
	// Schema is the JSON Schema of the arguments, an object.
	Schema json.RawMessage
	// Repeatable tells that calling it again does no harm: because it changes nothing, or because it goes by the call's
	// key. One that is not is never called again where it is not known what became of a call.
	Repeatable bool
	// Timeout bounds one call, 0 for the runner's.
	Timeout time.Duration
	// Call does it. The arguments are what the model wrote: they may be anything. The error is shown to the model.
	Call func(ctx context.Context, c Call) (string, error)
}

// Call is one call of a tool.
type Call struct {
	// Arguments are a JSON object, or what else the model wrote.
	Arguments json.RawMessage
	// Key is the same each time that this very call is made, for a tool that tells a repeat by it.
	Key string
	// Run is the one that it is made for.
	Run string
}

// Tools is a closed set of tools.
type Tools struct {
	byName map[string]Tool
	names  []string
}

// NewTools makes a set. It panics at a name that is taken, or that providers would refuse: that is a mistake in the
// code, and must show at the start.
func NewTools(tools ...Tool) Tools {
	t := Tools{byName: make(map[string]Tool, len(tools))}
	for _, tool := range tools {
		if !ToolName(tool.Name) {
			panic(fmt.Sprintf("agents: %q can't name a tool", tool.Name))
		}
		if _, taken := t.byName[tool.Name]; taken {
			panic("agents: tool declared twice: " + tool.Name)
		}
		t.byName[tool.Name] = tool
		t.names = append(t.names, tool.Name)
	}
	slices.Sort(t.names)
	return t
}

// All are the tools, sorted by name.
func (t Tools) All() []Tool {
	all := make([]Tool, len(t.names))
	for i, name := range t.names {
		all[i] = t.byName[name]
	}
	return all
}

// Names lists the tools, sorted.
func (t Tools) Names() []string { return slices.Clone(t.names) }

// Specs describes the named tools to a model, in the order of their names. It returns ErrUnknownTool for a name that
// is not in the set.
func (t Tools) Specs(names []string) ([]ToolSpec, error) {
	specs := make([]ToolSpec, 0, len(names))
	for _, name := range names {
		tool, ok := t.byName[name]
		if !ok {
			return nil, fmt.Errorf("%w %q: there are %s", ErrUnknownTool, name, strings.Join(t.names, ", "))
		}
		specs = append(specs, ToolSpec{Name: tool.Name, Description: tool.Description, Schema: tool.Schema})
	}
	slices.SortFunc(specs, func(a, b ToolSpec) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(specs, func(a, b ToolSpec) bool { return a.Name == b.Name }), nil
}

// ToolName holds a name to what OpenAI accepts for a function.
func ToolName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	})
}
