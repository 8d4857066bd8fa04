package mcptool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

// ErrServer tells that a server could not be reached, or that nobody configured it.
var ErrServer = errors.New("the MCP server does not answer")

// Servers are sessions with MCP servers, each begun when it is needed first and begun anew where it ended.
type Servers struct {
	version string
	log     *slog.Logger
	now     func() time.Time
	byName  map[string]*session
	// ending are the goroutines that wait for the end of sessions.
	ending sync.WaitGroup
}

// freshFor is how long a list of tools holds where the server does not say that it changed.
const freshFor = 5 * time.Minute

// New builds the sessions. Nothing is started or dialled before it is needed. It panics at a server that Check refuses.
func New(servers []Server, version string, log *slog.Logger, now func() time.Time) *Servers {
	s := &Servers{version: version, log: log, now: now, byName: make(map[string]*session, len(servers))}
	for _, server := range servers {
		if err := server.Check(); err != nil {
			panic("mcptool: " + server.Name + ": " + err.Error())
		}
		s.byName[server.Name] = &session{Servers: s, Server: server, turn: make(chan struct{}, 1)}
	}
	return s
}

// Names are the servers, sorted.
func (s *Servers) Names() []string { return slices.Sorted(maps.Keys(s.byName)) }

// Has tells whether there is a server of that name.
func (s *Servers) Has(server string) bool { return s.byName[server] != nil }

// Timeout bounds a call of a tool of a server.
func (s *Servers) Timeout(server string) time.Duration { return s.byName[server].timeout() }

// Tools asks a server for its tools, by name. Those that no model could be told of are left out, with a note in the log.
func (s *Servers) Tools(ctx context.Context, server string) ([]Found, error) {
	session, err := s.session(server)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, session.timeout())
	defer cancel()
	_, tools, err := session.ready(ctx, 0)
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(tools), func(a, b Found) int { return strings.Compare(a.Tool, b.Tool) }), nil
}

// Call calls a tool, where the server's definition of it has the digest. Where it has not, nothing is called, and offered is what
// the server says of it by now, nil where it has no such tool any more.
func (s *Servers) Call(ctx context.Context, tool, digest string, call agents.Call) (result string, offered *Found, err error) {
	session, err := s.session(ServerOf(tool))
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, session.timeout(), fmt.Errorf("%s took longer than %s", tool, session.timeout()))
	defer cancel()
	client, tools, err := session.ready(ctx, freshFor)
	if err != nil {
		return "", nil, err
	}
	now, there := tools[tool]
	switch {
	case !there:
		return "", nil, fmt.Errorf("the server %s has no tool %s any more", session.Name, tool)
	case now.Digest != digest:
		return "", &now, nil
	}
	var arguments map[string]any
	if err := json.Unmarshal(call.Arguments, &arguments); err != nil {
		return "", &now, errors.New("the arguments are not a JSON object")
	}
	answer, err := client.CallTool(ctx, &mcp.CallToolParams{
		Name: now.Definition.Remote, Arguments: arguments, Meta: mcp.Meta{"virtuous6/idempotency-key": call.Key, events.MetaRun: call.Run},
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return "", &now, context.Cause(ctx)
	case err != nil && ended(err):
		session.stale.Store(true)
		return "", &now, fmt.Errorf("the server %s ended while the call was under way: it may have been made (%w)", session.Name, err)
	case err != nil:
		return "", &now, fmt.Errorf("%s: %w", session.Name, err)
	}
	text, err := said(answer)
	return text, &now, err
}

// Close ends all sessions, and the programs that were started for them.
func (s *Servers) Close() error {
	var all []error
	for _, session := range s.byName {
		session.turn <- struct{}{} // nobody begins one any more
		if client := session.client; client != nil {
			// A server at a URL goes on living: that it hears of the end is a courtesy.
			if err := client.Close(); err != nil && session.URL == "" && !ended(err) {
				all = append(all, fmt.Errorf("end the MCP server %s: %w", session.Name, err))
			}
		}
	}
	s.ending.Wait()
	return errors.Join(all...)
}

func (s *Servers) session(server string) (*session, error) {
	session := s.byName[server]
	if session == nil {
		return nil, fmt.Errorf("%w: the configuration names no server %q under `mcp`", ErrServer, server)
	}
	return session, nil
}
