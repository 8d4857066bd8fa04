package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/agents/mcptool"
	"github.com/virtuous6/virtuous6/aggregates"
	"github.com/virtuous6/virtuous6/commands"
)

// Pins tells of the tools of MCP servers, as they were pinned and accepted.
type Pins interface {
	Tool(ctx context.Context, workspace, tool string) (aggregates.Tool, error)
}

// Toolbox finds the tools that agents were granted: the program's own, and those of MCP servers. Models are told the definition
// that was accepted and no other one. The pins are the installation's: workspaces share them, as they share the servers.
type Toolbox struct {
	Own agents.Tools
	// Servers may be nil: then there are the own ones alone.
	Servers  *mcptool.Servers
	Pins     Pins
	Dispatch commands.Dispatch
	Clock    Clock
	IDs      IDs
}

// errQuarantined answers a call of a tool whose definition has changed.
var errQuarantined = errors.New("the tool is in quarantine: its server says of it what nobody has accepted yet")

// Tools is the set of the own ones, and of the named ones of servers. A name that no server is configured for is left out:
// whoever describes the set to a model refuses it.
func (b Toolbox) Tools(ctx context.Context, names []string) (agents.Tools, error) {
	found := b.Own.All()
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		server := mcptool.ServerOf(name)
		if b.Servers == nil || !b.Servers.Has(server) {
			continue
		}
		pin, err := b.pin(ctx, server, name)
		if err != nil {
			return agents.Tools{}, err
		}
		found = append(found, agents.Tool{
			Name: name, Description: pin.Accepted.Description, Schema: pin.Accepted.Schema, Repeatable: pin.Accepted.Repeatable,
			Timeout: b.Servers.Timeout(server), Call: b.call(name, pin),
		})
	}
	return agents.NewTools(found...), nil
}

// pin is what is known of a tool. The first time that anybody asks for one, its server is asked.
func (b Toolbox) pin(ctx context.Context, server, tool string) (aggregates.Tool, error) {
	pin, err := b.Pins.Tool(ctx, "", tool)
	if err != nil || pin.AcceptedDigest != "" {
		return pin, err
	}
	there, err := b.Look(ctx, server)
	if err != nil {
		return pin, fmt.Errorf("tool %s: %w", tool, err)
	}
	if pin, err = b.Pins.Tool(ctx, "", tool); err != nil || pin.AcceptedDigest != "" {
		return pin, err
	}
	has := make([]string, len(there))
	for i, f := range there {
		has[i] = f.Tool
	}
	return pin, fmt.Errorf("%w %q: the server %s has %s", agents.ErrUnknownTool, tool, server, strings.Join(has, ", "))
}

// Look asks a server for its tools, and notes what is new.
func (b Toolbox) Look(ctx context.Context, server string) ([]mcptool.Found, error) {
	tools, err := b.Servers.Tools(ctx, server)
	if err != nil {
		return nil, err
	}
	for _, f := range tools {
		if err := b.note(ctx, f); err != nil {
			return nil, err
		}
	}
	return tools, nil
}

func (b Toolbox) note(ctx context.Context, f mcptool.Found) error {
	pin, err := b.Pins.Tool(ctx, "", f.Tool)
	if err != nil || pin.OfferedDigest == f.Digest {
		return err
	}
	_, err = b.Dispatch(ctx, commands.NoteTool{
		Meta: commands.Meta{ID: b.IDs(), At: b.Clock(), Actor: "mcp:" + f.Definition.Server}, Tool: f.Tool, Definition: f.Definition, Digest: f.Digest,
	})
	return err
}

// call calls a tool, where its server still says of it what was accepted.
func (b Toolbox) call(tool string, pin aggregates.Tool) func(context.Context, agents.Call) (string, error) {
	return func(ctx context.Context, c agents.Call) (string, error) {
		result, offered, err := b.Servers.Call(ctx, tool, pin.AcceptedDigest, c)
		if offered == nil {
			return result, err
		}
		if offered.Digest != pin.OfferedDigest {
			if noted := b.note(ctx, *offered); noted != nil {
				return "", errors.Join(err, noted)
			}
		}
		if offered.Digest != pin.AcceptedDigest {
			return "", fmt.Errorf("%w (`virtuous6 tools accept %s`)", errQuarantined, tool)
		}
		return result, err
	}
}
