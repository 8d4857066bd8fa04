package mcp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/mcp"
	"github.com/virtuous6/virtuous6/projections"
)

type reader struct{ projections.Reader }

func (reader) Report(context.Context, projections.MetricsFilter) (projections.Report, error) {
	return projections.Report{Metrics: projections.Metrics{Runs: 7}}, nil
}

// Run is a run of this installation's where it is called so.
func (reader) Run(_ context.Context, run string) (projections.RunRow, []projections.StepRow, error) {
	if run != "r7" {
		return projections.RunRow{}, nil, projections.ErrNotFound
	}
	return projections.RunRow{Run: run}, nil, nil
}

// Over HTTP an asker is not kept waiting: it is told what the run waits for, and to look later.
func TestAnAskerIsToldWhatItsRunWaitsFor(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	server := httptest.NewServer(mcp.Handler(func(*http.Request) *sdk.Server {
		return mcp.Server(mcp.Config{
			Reader: reader{}, Version: "test", Wait: time.Millisecond,
			Meta: func(string) commands.Meta {
				return commands.Meta{ID: events.NameID(now, "x"), At: now, Actor: "door:mcp"}
			},
			Start: func(_ context.Context, c commands.StartRun) (commands.Receipt, error) {
				if by := map[string]string{"for r7": "r7"}[c.Prompt]; c.AskedBy != by {
					return commands.Receipt{}, errors.New("asked by " + c.AskedBy)
				}
				if c.Agent != "" || c.Requester != "door:mcp" {
					return commands.Receipt{}, errors.New("asked of another one")
				}
				return commands.Receipt{Position: 3}, nil
			},
			Follow: func(ctx context.Context, _, _ string, _ uint64, told func(events.Event)) (events.Run, error) {
				told(events.RunApprovalAsked{Approval: "aa1"})
				<-ctx.Done()
				return nil, ctx.Err()
			},
		})
	}))
	defer server.Close()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: server.URL}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for name, c := range map[string]struct {
		tool      string
		arguments map[string]any
		meta      sdk.Meta
		says      string
	}{
		"ask":                        {"ask", map[string]any{"prompt": "pay"}, nil, `"approval":"aa1"`},
		"ask by an agent of here":    {"ask", map[string]any{"prompt": "for r7"}, sdk.Meta{events.MetaRun: "r7"}, `"approval":"aa1"`},
		"ask by an agent from where": {"ask", map[string]any{"prompt": "pay"}, sdk.Meta{events.MetaRun: "r8"}, `"approval":"aa1"`},
		"metrics":                    {"metrics", nil, nil, `"runs":7`},
	} {
		r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: c.arguments, Meta: c.meta})
		if err != nil || r.IsError || !strings.Contains(r.Content[0].(*sdk.TextContent).Text, c.says) { //nolint:forcetypeassert // that is what it says
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
