package events

import "encoding/json"

// ToolDefinition is what an MCP server says of one of its tools.
type ToolDefinition struct {
	// Server is what the configuration calls the server, Remote what the server calls the tool.
	Server      string          `json:"server"`
	Remote      string          `json:"remote"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	// Repeatable tells that the server says of it that calling it again does no harm.
	Repeatable bool `json:"repeatable,omitempty"`
}

// ToolPinned is the first sight of a tool of an MCP server: models are told this definition of it, and no other one before
// a person accepts that.
type ToolPinned struct {
	// Tool is what models call it by.
	Tool       string         `json:"tool"`
	Definition ToolDefinition `json:"definition"`
	// Digest is the SHA-256 of the definition as the server gave it, in hex.
	Digest string `json:"digest"`
}

// ToolChanged tells that the server offers another definition than it did before. Where that is not the accepted one the tool
// is in quarantine: nobody calls it.
type ToolChanged struct {
	Definition ToolDefinition `json:"definition"`
	Digest     string         `json:"digest"`
}

// ToolAccepted lets a changed definition through.
type ToolAccepted struct {
	Digest string `json:"digest"`
	By     string `json:"by"`
	Note   string `json:"note,omitempty"`
}

func (ToolPinned) Kind() string   { return "tool.pinned" }
func (ToolChanged) Kind() string  { return "tool.changed" }
func (ToolAccepted) Kind() string { return "tool.accepted" }

func (ToolPinned) tool()   {}
func (ToolChanged) tool()  {}
func (ToolAccepted) tool() {}
