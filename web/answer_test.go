package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/web"
)

// longList is a store with more runs than a line takes at once.
type longList struct {
	reader
	// If any: a read closes entered, and holds on until open is closed.
	entered, open chan struct{}
}

func (l longList) Runs(ctx context.Context, f projections.RunFilter) iter.Seq2[projections.RunRow, error] {
	return func(yield func(projections.RunRow, error) bool) {
		if l.open != nil {
			close(l.entered)
			select {
			case <-l.open:
			case <-ctx.Done():
				yield(projections.RunRow{}, ctx.Err())
				return
			}
		}
		for i := range f.Limit {
			if !yield(projections.RunRow{Run: fmt.Sprintf("r%d", i), Prompt: strings.Repeat("x", 20_000)}, nil) {
				return
			}
		}
	}
}

// serve starts the door on a port of its own.
func serve(t *testing.T, c web.Config) (address string) {
	t.Helper()
	return start(t, web.Server(web.New(c)))
}

// start starts a server on a port of its own.
func start(t *testing.T, server *http.Server) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		wait.Wait()
	})
	return listener.Addr().String()
}

// TestThoseWhoReadSlowlyHoldNobody asks for a long list and does not read it, more often than there is room at work.
func TestThoseWhoReadSlowlyHoldNobody(t *testing.T) {
	t.Parallel()
	var told bytes.Buffer
	cfg := config(longList{}, &log{})
	cfg.MaxRequests, cfg.Log = 1, slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelWarn}))
	address := serve(t, cfg)
	for range 3 {
		line, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = line.Close() }()
		if err := line.(*net.TCPConn).SetReadBuffer(4096); err != nil { // less than the answer, with what the server's side holds
			t.Fatal(err)
		}
		if _, err := io.WriteString(line, "GET /api/runs?limit=300 HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		// The answer has begun: the work on it is done.
		if _, err := io.ReadFull(line, make([]byte, 15)); err != nil {
			t.Fatal(err)
		}
	}
	client := http.Client{Timeout: 20 * time.Second}
	got, err := client.Get("http://" + address + "/api/runs?limit=300")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != 200 || got.ContentLength != int64(len(body)) || !bytes.HasSuffix(body, []byte("]\n")) || got.Header.Get("Virtuous6-More") != "true" {
		t.Errorf("%d, %d bytes of %d, %v", got.StatusCode, len(body), got.ContentLength, err)
	}
	if strings.Contains(told.String(), "panic") {
		t.Errorf("the log tells of %s", &told)
	}
}

// TestAReaderThatIsCutOffIsNoPanic has the line of one who reads a long list cut, by the server's time-out for writes as well.
func TestAReaderThatIsCutOffIsNoPanic(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 100)
	cfg := config(longList{}, &log{})
	cfg.Log = slog.New(slog.NewTextHandler(toLines(lines), &slog.HandlerOptions{Level: slog.LevelDebug}))
	hasty := web.Server(web.New(cfg))
	hasty.WriteTimeout = time.Millisecond
	server := web.Server(web.New(cfg))
	hasty.ErrorLog, server.ErrorLog = stdlog.New(toLines(lines), "", 0), stdlog.New(toLines(lines), "", 0)
	for _, s := range []*http.Server{hasty, server} {
		line, err := net.Dial("tcp", start(t, s))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = line.Close() }()
		if err := line.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(line, "GET /api/runs?limit=300 HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if s == server {
			if _, err := io.ReadFull(line, make([]byte, 15)); err != nil {
				t.Fatal(err)
			}
			_ = line.Close()
		}
		if told := <-lines; !strings.Contains(told, "level=INFO msg=request") {
			t.Errorf("the log tells of %s", told)
		}
	}
	if len(lines) > 0 {
		t.Errorf("the log tells of %s", <-lines)
	}
}

// toLines takes what is logged, a line at a time.
type toLines chan string

func (l toLines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// TestMoreThanIsTakenOn has one request at work, and asks for another.
func TestMoreThanIsTakenOn(t *testing.T) {
	t.Parallel()
	store := longList{entered: make(chan struct{}), open: make(chan struct{})}
	cfg := config(store, &log{})
	cfg.MaxRequests = 1
	door := web.New(cfg)
	var wait sync.WaitGroup
	wait.Go(func() {
		if w := request(door, "GET", "/api/runs", ""); w.Code != 200 {
			t.Errorf("the one at work: %d %s", w.Code, w.Body)
		}
	})
	<-store.entered
	if w := request(door, "GET", "/api/agents", ""); w.Code != 429 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "try again") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := request(door, "GET", "/readyz", ""); w.Code != 503 && w.Code != 200 {
		t.Errorf("a probe: %d %s", w.Code, w.Body)
	}
	close(store.open)
	wait.Wait()
	if w := request(door, "GET", "/api/agents", ""); w.Code != 200 {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

// TestAnswersHaveABoundTogether asks for more than fits, for something that fits, and so on: what was refused holds nothing.
func TestAnswersHaveABoundTogether(t *testing.T) {
	t.Parallel()
	cfg := config(longList{}, &log{})
	cfg.MaxAnswerBytes = 1 << 20
	door := web.New(cfg)
	for range 5 {
		if w := request(door, "GET", "/api/runs?limit=100", ""); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
		if w := request(door, "GET", "/api/runs?limit=20", ""); w.Code != 200 || len(decode[[]map[string]any](t, w)) != 20 {
			t.Fatalf("%d", w.Code)
		}
	}
}
