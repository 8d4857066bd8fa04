package mcptool_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/virtuous6/virtuous6/agents/mcptool"
	"github.com/virtuous6/virtuous6/agents/npmtest"
)

// TestMain lets this program be an MCP server on its standard input and output.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "serve-mcp":
		if err := double().Run(context.Background(), &mcp.StdioTransport{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case len(os.Args) > 1 && os.Args[1] == "serve-nothing":
		fmt.Fprintln(os.Stderr, "the database is gone")
		os.Exit(3)
	case len(os.Args) > 2 && os.Args[1] == "call-all":
		if err := callAll(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

type said struct {
	Text string `json:"text"`
}

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
}

// double is a server with tools that misbehave.
func double() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "double", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "files.read", Description: "Reads.", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		func(_ context.Context, _ *mcp.CallToolRequest, in said) (*mcp.CallToolResult, any, error) {
			return text("read " + in.Text), nil, nil
		})
	mcp.AddTool(s, &mcp.Tool{Name: "die"}, func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
		os.Exit(7)
		return nil, nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "hang"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		<-ctx.Done()
		return nil, nil, ctx.Err()
	})
	mcp.AddTool(s, &mcp.Tool{Name: "fail"}, func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
		return nil, nil, fmt.Errorf("out of paper")
	})
	mcp.AddTool(s, &mcp.Tool{Name: "environment"}, func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
		return text(strings.Join(os.Environ(), "\n")), nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "key"}, func(_ context.Context, r *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		return text(fmt.Sprint(r.Params.Meta["virtuous6/idempotency-key"])), nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "picture"}, func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.ImageContent{MIMEType: "image/png", Data: []byte("1234")}}}, nil, nil
	})
	mcp.AddTool(s, &mcp.Tool{Name: "huge"}, func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
		return text(strings.Repeat("x", 17<<20)), nil, nil
	})
	return s
}

// inProcess is the double as a program of its own.
func inProcess() mcptool.Server {
	return mcptool.Server{Name: "double", Command: []string{os.Args[0], "serve-mcp"}}
}

func open(t *testing.T, servers ...mcptool.Server) *mcptool.Servers {
	t.Helper()
	s := mcptool.New(servers, "test", slog.New(slog.DiscardHandler), time.Now)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// everything is a server that nobody here wrote, by each of its transports. `make mcp-everything` fetches it; where it is not there
// the test is left out, but for CI.
func everything(t *testing.T, transport string) mcptool.Server {
	t.Helper()
	node := npmtest.Node(t, "mcp-everything")
	program := npmtest.Installed(t, "mcp-everything", "mcp", "@modelcontextprotocol", "server-everything", "dist", "index.js")
	if transport == "stdio" {
		return mcptool.Server{Name: "everything", Command: []string{node, program, "stdio"}}
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), node, "-r", "./testdata/loopback.cjs", program, "streamableHttp") //nolint:gosec // from our own folder
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "listening on "); ok {
			go func() {
				for lines.Scan() {
				}
			}()
			return mcptool.Server{Name: "everything", URL: strings.TrimSpace(url)}
		}
	}
	t.Fatalf("the MCP server did not start: %v", lines.Err())
	return mcptool.Server{}
}
