package commands

import "github.com/virtuous6/virtuous6/events"

// ToolStream is the stream of a tool of an MCP server.
func ToolStream(workspace, tool string) string { return events.StreamName("tool", workspace, tool) }

// NoteTool tells what a server says of one of its tools now.
type NoteTool struct {
	Meta
	Tool       string
	Definition events.ToolDefinition
	Digest     string
}

// AcceptTool lets the definition of that digest through, which the server offers now.
type AcceptTool struct {
	Meta
	Tool   string
	Digest string
	By     string
	Note   string
}

func (c NoteTool) Stream() string   { return ToolStream(c.Workspace, c.Tool) }
func (c AcceptTool) Stream() string { return ToolStream(c.Workspace, c.Tool) }

func (NoteTool) tool()   {}
func (AcceptTool) tool() {}
