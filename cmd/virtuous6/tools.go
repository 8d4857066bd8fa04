package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// builtInTool stands where the status of a server's tool would.
const builtInTool = "built in"

// toolsVerb is the verb's own verbs. Without one it lists.
type toolsVerb struct {
	List   toolsListVerb   `cmd:"" default:"withargs" help:"List the tools that there are."`
	Show   toolsShowVerb   `cmd:"" help:"Show what models are told of a tool, and what its server says of it."`
	Accept toolsAcceptVerb `cmd:"" help:"Let through what a server says of its tool now."`
}

type toolsListVerb struct {
	JSON bool `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help tells where tools come from.
func (toolsListVerb) Help() string {
	return "The program's own tools, and those of the MCP servers that the configuration names (`mcp:`), which are asked for them. What a server " +
		"says of a tool is pinned when it is seen first. Where it says something else later, the tool is in quarantine: no agent calls it before a " +
		"person accepts that.\n\nExamples:\n  virtuous6 tools\n  virtuous6 tools --json"
}

// toolRow is a tool as `tools --json` prints it.
type toolRow struct {
	Tool string `json:"tool"`
	// Server is empty for an own one.
	Server string `json:"server"`
	Status string `json:"status"`
	// Policy is what the policy says of it: free, asks or never.
	Policy      string `json:"policy"`
	Description string `json:"description"`
}

// Run asks the servers, notes what is new, and lists.
func (v toolsListVerb) Run(ctx context.Context, a *app) error {
	a.installed()
	if !v.AsOf.given {
		if err := a.lookAtServers(ctx); err != nil {
			return err
		}
	}
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	known, err := reader.Tools(ctx)
	if err != nil {
		return err
	}
	policy := a.config.Policy.policy()
	var rows []toolRow
	for _, t := range a.ownTools().All() {
		rows = append(rows, toolRow{t.Name, "", builtInTool, string(policy.Tool(t.Name)), t.Description})
	}
	for _, t := range known {
		rows = append(rows, toolRow{t.Tool, t.Server, t.Status, string(policy.Tool(t.Tool)), t.Description})
	}
	if v.JSON {
		return a.json(rows)
	}
	return table(a.out, "TOOL|STATUS|POLICY|WHAT IT DOES", func(row func(...any)) {
		for _, r := range rows {
			row(short(r.Tool, 64), r.Status, r.Policy, short(r.Description, 60))
		}
	})
}

// lookAtServers asks all servers for their tools. One that does not answer is told, and the others are looked at.
func (a *app) lookAtServers(ctx context.Context) error {
	if len(a.config.MCP) == 0 {
		return nil
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	box, err := a.toolbox()
	if err != nil {
		return err
	}
	for _, server := range box.Servers.Names() {
		if _, err := box.Look(ctx, server); err != nil {
			if ctx.Err() != nil {
				return err
			}
			fmt.Fprintln(a.err, "virtuous6:", oneLine(err.Error()))
		}
	}
	return nil
}

type toolsShowVerb struct {
	Tool string `arg:"" help:"The tool."`
	JSON bool   `name:"json" help:"Print one JSON value."`
	pastFlag
}

// Help gives an example.
func (toolsShowVerb) Help() string { return "Example:\n  virtuous6 tools show files__read" }

// Run shows a tool of a server.
func (v toolsShowVerb) Run(ctx context.Context, a *app) error {
	if i := slices.IndexFunc(a.ownTools().All(), func(t agents.Tool) bool { return t.Name == v.Tool }); i >= 0 {
		t := a.ownTools().All()[i]
		if v.JSON {
			return a.json(projections.ToolRow{Tool: t.Name, Status: builtInTool, Description: t.Description, Schema: t.Schema, Repeatable: t.Repeatable})
		}
		fmt.Fprintf(a.out, "%s  %s\n", t.Name, builtInTool)
		writeDefinition(a.out, "", events.ToolDefinition{Description: t.Description, Schema: t.Schema})
		return nil
	}
	a.installed()
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	r, err := findTool(ctx, reader, v.Tool)
	if err != nil {
		return err
	}
	if v.JSON {
		return a.json(r)
	}
	fmt.Fprintf(a.out, "%s  %s, %s of the server %s\n", r.Tool, r.Status, oneLine(r.Remote), r.Server)
	if r.Status == projections.ToolQuarantined {
		writeDefinitions(a.out, r)
		return nil
	}
	writeDefinition(a.out, "", events.ToolDefinition{Description: r.Description, Schema: r.Schema})
	return nil
}

// installed has a verb be about the installation's servers, which its workspaces share.
func (a *app) installed() { a.flags.Workspace = "" }

func findTool(ctx context.Context, reader projections.Reader, name string) (projections.ToolRow, error) {
	known, err := reader.Tools(ctx)
	if err != nil {
		return projections.ToolRow{}, err
	}
	i := slices.IndexFunc(known, func(r projections.ToolRow) bool { return r.Tool == name })
	if i < 0 {
		return projections.ToolRow{}, fmt.Errorf("no MCP server has shown a tool %q: `virtuous6 tools` asks them", name)
	}
	return known[i], nil
}

// writeDefinitions shows what models are told of a tool, and what its server says now.
func writeDefinitions(w io.Writer, r projections.ToolRow) {
	writeDefinition(w, "- ", events.ToolDefinition{Description: r.Description, Schema: r.Schema, Repeatable: r.Repeatable})
	writeDefinition(w, "+ ", r.Offered)
}

func writeDefinition(w io.Writer, before string, d events.ToolDefinition) {
	var schema bytes.Buffer
	if err := json.Indent(&schema, d.Schema, "", "  "); err != nil {
		schema.Reset()
		schema.Write(d.Schema)
	}
	text := d.Description + "\n" + schema.String()
	if d.Repeatable {
		text += "\nMay be called again where it is not known what became of a call."
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(w, before+oneLine(line))
	}
}

type toolsAcceptVerb struct {
	Tool string `arg:"" help:"The tool."`
	Note string `help:"Why."`
}

// Help tells what to look at.
func (toolsAcceptVerb) Help() string {
	return "Shows what changes, and lets it through: from then on models are told the new definition, and the tool is called again. Read it first " +
		"(`virtuous6 tools show`): a description is an instruction to the model.\n\nExample:\n  virtuous6 tools accept files__read --note \"only the wording\""
}

// Run accepts.
func (v toolsAcceptVerb) Run(ctx context.Context, a *app) error {
	a.installed()
	reader, err := a.readAll(ctx)
	if err != nil {
		return err
	}
	r, err := findTool(ctx, reader, v.Tool)
	if err != nil {
		return err
	}
	receipt, err := a.dispatcher().Dispatch(ctx, commands.AcceptTool{
		Meta: a.meta(""), Tool: v.Tool, Digest: r.OfferedDigest, By: "user:" + a.config.user(), Note: v.Note,
	})
	switch {
	case errors.Is(err, aggregates.ErrState):
		return fmt.Errorf("%w: `virtuous6 tools show %s` shows it", err, v.Tool)
	case err != nil:
		return err
	case receipt.Events == 0:
		fmt.Fprintf(a.out, "%s is accepted already.\n", r.Tool)
		return nil
	}
	writeDefinitions(a.out, r)
	fmt.Fprintf(a.out, "%s is accepted as its server says it is.\n", r.Tool)
	return nil
}
