package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// village is a world without a network: who listens is reached by pipes, and models are asked in the same process.
type village struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newVillage() *village { return &village{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (v *village) world(models http.Handler) World {
	return World{
		// Nobody else appends.
		Ticker: func(time.Duration) (<-chan time.Time, func()) { return nil, func() {} },
		Listen: func(string, string) (net.Listener, error) { return v, nil }, Models: answering{models},
	}
}

func (v *village) Accept() (net.Conn, error) {
	select {
	case c := <-v.conns:
		return c, nil
	case <-v.closed:
		return nil, net.ErrClosed
	}
}

func (v *village) Close() error { v.once.Do(func() { close(v.closed) }); return nil }
func (v *village) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8686}
}

// client asks who listens.
func (v *village) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case v.conns <- there:
			return here, nil
		case <-v.closed:
			return nil, errors.New("connection refused")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}}
}

// answering carries requests to a handler.
type answering struct{ http.Handler }

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result(), nil
}

// moody is a server of a model that refuses by what it is told: of five questions four where it is to guess, of ten one otherwise.
// Which ones is settled by what is asked.
func moody(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Messages) == 0 {
		http.Error(w, "no messages", http.StatusBadRequest)
		return
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(asked.Messages[len(asked.Messages)-1].Content))
	refuses, reason := uint32(10), "stop"
	if strings.Contains(asked.Messages[0].Content, "guess") {
		refuses = 80
	}
	if h.Sum32()%100 < refuses {
		reason = "content_filter"
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprintf(w, "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":%q}]}\n\ndata: [DONE]\n\n", reason)
}

func TestAnAgentWithABadPromptGetsBetterByItself(t *testing.T) {
	t.Parallel()
	real := time.Now()
	dir := t.TempDir()
	config := write(t, dir, "config.yaml", "base_url: http://models.test/v1\nmodel: m\nlease: 1m\npolicy:\n  self_approved: [prompt]\n  max_share_permille: 1000\n")
	var said bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		v := newVillage()
		world := v.world(http.HandlerFunc(moody))
		run := func(ctx context.Context, out *bytes.Buffer, args ...string) {
			args = append([]string{"--config", config, "--store", "sqlite:" + filepath.Join(dir, "log.db")}, args...)
			if code := Main(ctx, world, args, strings.NewReader(""), out, out); code != exitDone {
				t.Errorf("%s: %s", args, out)
			}
		}
		var out bytes.Buffer
		run(t.Context(), &out, "agents", "spawn", "clerk", "--prompt", "Look it up.")
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() { defer close(served); run(ctx, &said, "serve") }()
		synctest.Wait()
		client, asked := v.client(), 0
		work := func(runs int) {
			for range runs {
				body := fmt.Sprintf(`{"prompt":"Question %d?","agent":"clerk","workflow":"shop","requester":"user:%d"}`, asked, asked%40)
				answer, err := client.Post("http://localhost/api/runs", "application/json", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				if answer.StatusCode != http.StatusAccepted {
					t.Fatal(answer.Status)
				}
				asked++
				time.Sleep(2 * time.Minute)
			}
		}
		work(100)
		t.Log(time.Since(real), time.Now())
		run(t.Context(), &out, "agents", "configure", "clerk", "--prompt", "Just guess.")
		work(1300)
		stop()
		<-served
		run(t.Context(), &out, "improvements")
		run(t.Context(), &out, "experiments")
		run(t.Context(), &out, "why", "clerk")
		t.Log(out.String())
	})
	t.Log(said.String())
}
