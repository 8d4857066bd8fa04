package main

import (
	"context"
	"io"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/mcp"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/replay"
)

// mcpServer is a workspace of this program as an MCP server. meta is what wishes carry.
func (a *app) mcpServer(workspace string, meta func(run string) commands.Meta, wait time.Duration) *sdk.Server {
	runs := a.runs()
	return mcp.Server(mcp.Config{
		Reader: a.models.In(workspace), Texts: func(ctx context.Context, run *projections.RunRow) error { return replay.Texts(ctx, a.store, run) },
		Start: runs.Start, Follow: runs.Follow, Dispatch: a.dispatcher().Dispatch, Meta: meta, Wait: wait, Version: version(),
	})
}

// unclosed is a writer that whoever is done with it leaves open.
type unclosed struct{ io.Writer }

// Close implements io.Closer.
func (unclosed) Close() error { return nil }

type mcpVerb struct{}

// Help tells who starts it.
func (mcpVerb) Help() string {
	return "An MCP server on standard input and output, for the agents of another program: asking, judging, and reading what runs came to, as tools. That " +
		"program starts it. Where no server drives the store's runs, it does so. A `serve` answers the same at /mcp.\n\nExample, in that program's configuration:\n" +
		"  {\"mcpServers\": {\"virtuous6\": {\"command\": \"virtuous6\", \"args\": [\"mcp\"]}}}"
}

// Run serves until standard input ends.
func (mcpVerb) Run(ctx context.Context, a *app) error {
	if err := a.open(ctx); err != nil {
		return err
	}
	if err := a.ready(ctx); err != nil {
		return err
	}
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	server := a.mcpServer(a.flags.Workspace, a.meta, 0)
	return a.driveUntil(ctx, driving{
		verb: "mcp", what: "runs",
		until: func(ctx context.Context) error {
			err := server.Run(ctx, &sdk.IOTransport{Reader: io.NopCloser(a.in), Writer: unclosed{a.out}})
			if ctx.Err() != nil {
				return nil
			}
			return err
		},
		left: func() error { return nil },
	})
}
