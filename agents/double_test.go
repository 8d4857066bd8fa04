package agents_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/agents"
	"github.com/virtuous6/virtuous6/events"
)

const secret = "sk-test-0123456789abcdefSECRET"

// double stands in for an OpenAI server. Its n-th request gets the n-th answer, later ones the last. It listens on
// pipes, so that it works inside a synctest bubble.
type double struct {
	answers []http.HandlerFunc
	// responses tells that it has the Responses API, too.
	responses bool
	listener  *pipes

	mu     sync.Mutex
	bodies [][]byte
	at     []time.Time
	auth   []string
	paths  []string
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	d.bodies = append(d.bodies, body)
	d.at = append(d.at, time.Now())
	d.auth = append(d.auth, r.Header.Get("Authorization"))
	d.paths = append(d.paths, r.URL.Path)
	n := min(len(d.bodies), len(d.answers)) - 1
	d.mu.Unlock()
	if r.URL.Path != "/v1/chat/completions" && !(d.responses && r.URL.Path == "/v1/responses") || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	d.answers[n](w, r)
}

func (d *double) requests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.bodies)
}

type pipes struct {
	conns  chan net.Conn
	dialed atomic.Int32
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	p.dialed.Add(1)
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve starts a double, and a model that talks to it.
func serve(t *testing.T, change func(*agents.OpenAIConfig), answers ...http.HandlerFunc) (*double, *agents.OpenAI) {
	t.Helper()
	listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	d := &double{answers: answers, listener: listener}
	server := &http.Server{Handler: d}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
	})
	config := agents.OpenAIConfig{APIKey: secret, BaseURL: "http://double.test/v1", Transport: transport}
	if change != nil {
		change(&config)
	}
	model, err := agents.NewOpenAI(config)
	if err != nil {
		t.Fatal(err)
	}
	return d, model
}

// stream answers with an event stream. A chunk "pause 30s" waits instead of writing, "cut" drops the connection.
func stream(chunks ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, c := range chunks {
			if wait, ok := strings.CutPrefix(c, "pause "); ok {
				d, err := time.ParseDuration(wait)
				if err != nil {
					panic(err)
				}
				select {
				case <-time.After(d):
				case <-r.Context().Done():
					return
				}
				continue
			}
			if c == "cut" {
				panic(http.ErrAbortHandler)
			}
			fmt.Fprintf(w, "data: %s\n\n", c)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func text(s string) string {
	return fmt.Sprintf(`{"id":"c","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{"content":%q},"finish_reason":null}],"usage":null}`, s)
}

func finish(reason string) string {
	return fmt.Sprintf(`{"id":"c","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{},"finish_reason":%q}],"usage":null}`, reason)
}

func calls(delta string) string {
	return `{"id":"c","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[` + delta + `]},"finish_reason":null}]}`
}

const (
	role  = `{"id":"c","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`
	usage = `{"id":"c","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini-2024-07-18","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":27,"prompt_tokens_details":{"cached_tokens":16}}}`
	done  = `[DONE]`
)

var (
	hello = stream(role, text("Hel"), text("lo"), finish("stop"), usage, done)
	ask   = agents.Request{Model: "gpt-4o-mini", Messages: []events.Message{{Role: "user", Content: "hello?"}}}
)
