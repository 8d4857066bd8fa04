package mcptool

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// Found is a tool as its server tells of it now.
type Found struct {
	// Tool is what models call it by.
	Tool       string
	Definition events.ToolDefinition
	Digest     string
}

// The bounds of a definition, in bytes: all of it is sent with every call to a model.
const (
	maxDescription = 8 << 10
	maxSchema      = 32 << 10
)

// found reads a definition. It is an error where no model could be told of it.
func found(server string, t *mcp.Tool) (Found, error) {
	name := server + separator + callable(t.Name)
	if !agents.ToolName(name) {
		return Found{}, fmt.Errorf("%q is too long for a tool's name", t.Name)
	}
	// A map is written with sorted keys: the same schema always has the same bytes.
	schema, err := json.Marshal(t.InputSchema)
	if err != nil {
		return Found{}, fmt.Errorf("%s: its schema is not JSON: %w", t.Name, err)
	}
	if len(t.Description) > maxDescription || len(schema) > maxSchema {
		return Found{}, fmt.Errorf("%s: its definition has %d bytes of description and %d of schema; %d and %d are taken",
			t.Name, len(t.Description), len(schema), maxDescription, maxSchema)
	}
	d := events.ToolDefinition{Server: server, Remote: t.Name, Description: strings.ToValidUTF8(t.Description, "\uFFFD"), Schema: schema}
	if t.Annotations != nil {
		d.Repeatable = t.Annotations.ReadOnlyHint || t.Annotations.IdempotentHint
	}
	whole, err := json.Marshal(d)
	if err != nil {
		return Found{}, fmt.Errorf("%s: %w", t.Name, err)
	}
	sum := sha256.Sum256(whole)
	return Found{Tool: name, Definition: d, Digest: hex.EncodeToString(sum[:])}, nil
}

// callable replaces what no provider takes in the name of a function, as the '.' and '/' that MCP allows.
func callable(name string) string {
	return strings.Map(func(r rune) rune {
		if agents.ToolName(string(r)) {
			return r
		}
		return '_'
	}, name)
}
