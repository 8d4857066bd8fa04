package aggregates

import (
	"encoding/json"
	"fmt"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Tool is a tool of an MCP server as its stream tells of it. The zero value is one that nobody has seen.
type Tool struct {
	// Accepted is the definition that models are told, Offered the one that the server gave last.
	Accepted, Offered             events.ToolDefinition
	AcceptedDigest, OfferedDigest string
}

// Quarantined tells that the server offers another definition than the accepted one.
func (t Tool) Quarantined() bool { return t.OfferedDigest != t.AcceptedDigest }

func tool() Decider[Tool, commands.Tool, events.Tool] {
	return Decider[Tool, commands.Tool, events.Tool]{
		Initial: func() Tool { return Tool{} },
		Decide:  decideTool,
		Evolve: func(s Tool, e events.Tool) Tool {
			switch e := e.(type) {
			case events.ToolPinned:
				s = Tool{Accepted: e.Definition, Offered: e.Definition, AcceptedDigest: e.Digest, OfferedDigest: e.Digest}
			case events.ToolChanged:
				s.Offered, s.OfferedDigest = e.Definition, e.Digest
			case events.ToolAccepted:
				s.Accepted, s.AcceptedDigest = s.Offered, s.OfferedDigest
			}
			return s
		},
	}
}

func decideTool(c commands.Tool, s Tool) ([]events.Tool, error) {
	switch c := c.(type) {
	case commands.NoteTool:
		if err := checkName("tool", c.Tool); err != nil {
			return nil, err
		}
		if c.Digest == "" || !json.Valid(c.Definition.Schema) {
			return nil, fmt.Errorf("tool %s: %w: its definition has no digest, or its schema is not JSON", c.Tool, ErrInvalid)
		}
		switch {
		case s.OfferedDigest == c.Digest:
			return nil, nil
		case s.OfferedDigest == "":
			return []events.Tool{events.ToolPinned{Tool: c.Tool, Definition: c.Definition, Digest: c.Digest}}, nil
		}
		return []events.Tool{events.ToolChanged{Definition: c.Definition, Digest: c.Digest}}, nil
	case commands.AcceptTool:
		switch {
		case isMachine(c.By) || isMachine(c.Actor) || c.By == policyApproves:
			return nil, fmt.Errorf("tool %s: %w: a person accepts what a server says, not %q for %q", c.Tool, ErrInvalid, c.By, c.Actor)
		case s.OfferedDigest == "":
			return nil, fmt.Errorf("tool %s: %w", c.Tool, ErrMissing)
		case s.OfferedDigest != c.Digest:
			return nil, fmt.Errorf("tool %s: %w: the server offers another definition by now", c.Tool, ErrState)
		case !s.Quarantined():
			return nil, nil
		}
		if err := checkName("the person who accepts", c.By); err != nil {
			return nil, err
		}
		return []events.Tool{events.ToolAccepted{Digest: c.Digest, By: c.By, Note: c.Note}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrInvalid, c)
}
