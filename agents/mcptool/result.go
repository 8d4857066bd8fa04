package mcptool

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// said is what a result says to a model, which reads text: of the rest it is told what there was.
func said(r *mcp.CallToolResult) (string, error) {
	if len(r.InputRequests) > 0 {
		return "", errors.New("the tool asks a person for more before it answers, which is not supported")
	}
	var parts []string
	for _, c := range r.Content {
		switch c := c.(type) {
		case *mcp.TextContent:
			parts = append(parts, c.Text)
		case *mcp.EmbeddedResource:
			if c.Resource != nil && c.Resource.Text != "" {
				parts = append(parts, c.Resource.Text)
			} else if c.Resource != nil {
				parts = append(parts, fmt.Sprintf("[resource %s, %s, %d bytes]", c.Resource.URI, c.Resource.MIMEType, len(c.Resource.Blob)))
			}
		case *mcp.ResourceLink:
			parts = append(parts, fmt.Sprintf("[resource %s: %s]", c.URI, c.Name))
		case *mcp.ImageContent:
			parts = append(parts, fmt.Sprintf("[image %s, %d bytes]", c.MIMEType, len(c.Data)))
		case *mcp.AudioContent:
			parts = append(parts, fmt.Sprintf("[audio %s, %d bytes]", c.MIMEType, len(c.Data)))
		default:
			parts = append(parts, fmt.Sprintf("[content of type %T]", c))
		}
	}
	text := strings.Join(parts, "\n")
	if text == "" && r.StructuredContent != nil {
		structured, err := json.Marshal(r.StructuredContent)
		if err != nil {
			return "", fmt.Errorf("its structured content is not JSON: %w", err)
		}
		text = string(structured)
	}
	if r.IsError {
		if text == "" {
			text = "the tool failed and did not say why"
		}
		return "", errors.New(text)
	}
	return text, nil
}
