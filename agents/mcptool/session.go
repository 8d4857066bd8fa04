package mcptool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// session is that with one server.
type session struct {
	*Servers
	Server
	// turn is held by who connects or lists.
	turn   chan struct{}
	client *mcp.ClientSession
	// gone is closed when the session has ended. Whoever finds out earlier makes the list stale: the next one begins another.
	gone chan struct{}
	// tools are those that were listed then, by the names that models use. stale tells that the server has others by now.
	tools  map[string]Found
	listed time.Time
	stale  atomic.Bool
}

// ready is the session, connected, and the tools as they were listed not longer than that ago.
func (s *session) ready(ctx context.Context, fresh time.Duration) (*mcp.ClientSession, map[string]Found, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, s.failed(context.Cause(ctx))
	}
	defer func() { <-s.turn }()
	over := s.client == nil
	if !over {
		select {
		case <-s.gone:
			over = true
		default:
		}
	}
	if over {
		if err := s.connect(ctx); err != nil {
			return nil, nil, s.failed(err)
		}
	}
	if s.tools == nil || s.stale.Load() || s.now().Sub(s.listed) > fresh {
		err := s.list(ctx)
		if err != nil && ended(err) { // nobody had noticed yet that the session is over
			if err = s.connect(ctx); err == nil {
				err = s.list(ctx)
			}
		}
		if err != nil {
			return nil, nil, s.failed(err)
		}
	}
	return s.client, s.tools, nil
}

func (s *session) failed(err error) error { return fmt.Errorf("%w: %s: %w", ErrServer, s.Name, err) }

func (s *session) connect(ctx context.Context) error {
	if old := s.client; old != nil {
		s.client = nil
		s.ending.Go(func() { _ = old.Close() }) // it is over: this lets go of the program
	}
	complaints := &lastWords{}
	transport, err := s.transport(complaints)
	if err != nil {
		return err
	}
	// Nothing is offered to the server: no roots, no sampling, no elicitation.
	client := mcp.NewClient(&mcp.Implementation{Name: "virtuous6", Version: s.version}, &mcp.ClientOptions{
		Capabilities:           &mcp.ClientCapabilities{},
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { s.stale.Store(true) },
	})
	connected, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return complaints.add(err)
	}
	s.client, s.gone, s.tools = connected, make(chan struct{}), nil
	gone := s.gone
	s.ending.Go(func() {
		defer close(gone)
		if err := connected.Wait(); err != nil && !ended(err) {
			s.log.Warn("the session with an MCP server ended: the next call begins another one", "server", s.Name, "reason", err)
		}
	})
	return nil
}

// ended tells of an error that it is only the end of a connection, or of the program behind it.
func ended(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) || errors.Is(err, io.EOF) || errors.Is(err, mcp.ErrConnectionClosed)
}

func (s *session) transport(complaints io.Writer) (mcp.Transport, error) {
	if s.URL != "" {
		return &mcp.StreamableClientTransport{Endpoint: s.URL, HTTPClient: &http.Client{
			Transport: bounded{token: s.Token, next: http.DefaultTransport},
			// A token is for the server that the configuration names, and for no other one.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}, nil
	}
	environment, err := s.environment()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(s.Command[0], s.Command[1:]...) //nolint:gosec,noctx // the configuration names it, and it outlives the call that needs it first
	cmd.Env, cmd.Stderr, cmd.WaitDelay = environment, complaints, 2*time.Second
	return &mcp.CommandTransport{Command: cmd, TerminateDuration: 2 * time.Second}, nil
}

// maxTools bounds how many tools of a server are looked at.
const maxTools = 512

func (s *session) list(ctx context.Context) error {
	s.stale.Store(false)
	tools := map[string]Found{}
	n := 0
	for t, err := range s.client.Tools(ctx, nil) {
		if err != nil {
			return err
		}
		if n++; n > maxTools {
			return fmt.Errorf("it has more than %d tools: name the ones to look at under `only`", maxTools)
		}
		if !s.looksAt(t.Name) {
			continue
		}
		f, err := found(s.Name, t)
		if err != nil {
			s.log.Warn("a tool is left out", "server", s.Name, "reason", err)
			continue
		}
		if _, taken := tools[f.Tool]; taken {
			s.log.Warn("a tool is left out", "server", s.Name, "reason", "another one has the name "+f.Tool)
			continue
		}
		tools[f.Tool] = f
	}
	s.tools, s.listed = tools, s.now()
	return nil
}

func (s *session) looksAt(tool string) bool {
	if len(s.Only) == 0 {
		return true
	}
	for _, name := range s.Only {
		if name == tool {
			return true
		}
	}
	return false
}

// maxBody bounds what a server may answer to one request, in bytes.
const maxBody = 16 << 20

// bounded sends the token along, and takes no answer without an end.
type bounded struct {
	token string
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if r.Method != http.MethodGet { // that one is the server's own channel, which stays open: its events are bounded one by one
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxBody)
	}
	return answer, nil
}
