// Package mcp is the door for other programs' agents: the read models, asking and judging as tools of an MCP server. It decides
// nothing: a wish becomes a command, and the aggregate has the say.
package mcp
