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

// program runs the program in the village, on files in a folder: it returns what it says, and its exit code.
func (v *village) program(dir, config string, models http.HandlerFunc) func(ctx context.Context, args ...string) (string, int) {
	world := v.world(models)
	return func(ctx context.Context, args ...string) (string, int) {
		var out bytes.Buffer
		code := Main(ctx, world, append([]string{"--config", config, "--store", "sqlite:" + filepath.Join(dir, "log.db")}, args...), strings.NewReader(""), &out, &out)
		return out.String(), code
	}
}

// post sends a wish to who listens, and reads the answer into an object.
func (v *village) post(t *testing.T, path, body string, into any) {
	t.Helper()
	answer, err := v.client().Post("http://localhost"+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil || answer.StatusCode != http.StatusAccepted {
		t.Fatal(answer.Status, into, err)
	}
}

// reply is a handler's whole answer, as a stream.
func reply(w http.ResponseWriter, text, reason string) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprintf(w, "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":%q}]}\n\ndata: [DONE]\n\n", text, reason)
}

// chance is a number below a hundred that follows from a text.
func chance(text string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	return h.Sum32() % 100
}

// toldTo reads what a model is told, and what it was asked last.
func toldTo(r *http.Request) (told, asked string) {
	var request struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || len(request.Messages) == 0 {
		return "", ""
	}
	return request.Messages[0].Content, request.Messages[len(request.Messages)-1].Content
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
	told, asked := toldTo(r)
	guesses(w, told, asked)
}

// guesses is what moody says.
func guesses(w http.ResponseWriter, told, asked string) {
	refuses, reason := uint32(10), "stop"
	if strings.Contains(told, "guess") {
		refuses = 80
	}
	if chance(asked) < refuses {
		reason = "content_filter"
	}
	reply(w, "Yes.", reason)
}

// prompts are what an agent's versions are told, by their numbers.
func (v *village) prompts(t *testing.T, agent string) map[int]string {
	t.Helper()
	answer, err := v.client().Get("http://localhost/api/agents/" + agent + "/versions")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var all []struct {
		Version int
		Config  struct{ Prompt string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		t.Fatal(answer.Status, err)
	}
	prompts := map[int]string{}
	for _, v := range all {
		prompts[v.Version] = v.Config.Prompt
	}
	return prompts
}

// TestAnAgentWithABadPromptGetsBetterByItself serves the program in virtual time, with the analysts at their own pace, while people ask an
// agent that somebody gives a bad prompt: it is found, what was there before is tried on a few, proved and given to all, and the story tells it.
func TestAnAgentWithABadPromptGetsBetterByItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := write(t, dir, "config.yaml", "user: anna\nbase_url: http://models.test/v1\nmodel: m\nlease: 1m\nlog_level: warn\npolicy:\n  self_approved: [prompt]\n  max_share_permille: 1000\n")
	synctest.Test(t, func(t *testing.T) {
		v := newVillage()
		program := v.program(dir, config, moody)
		main := func(ctx context.Context, args ...string) string {
			out, code := program(ctx, args...)
			if code != exitDone {
				t.Errorf("%s: %s", args, out)
			}
			return out
		}
		main(t.Context(), "agents", "spawn", "clerk", "--prompt", "Look it up.")
		ctx, stop := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() {
			if said := main(ctx, "serve"); strings.Contains(said, "level=") {
				t.Errorf("the server says %s", said)
			}
		})
		asked := 0
		work := func() {
			var started struct{ Run string }
			v.post(t, "/api/runs", fmt.Sprintf(`{"prompt":"Question %d?","agent":"clerk","workflow":"shop"}`, asked), &started)
			asked++
			time.Sleep(time.Minute)
		}
		for range 100 {
			work()
		}
		main(t.Context(), "agents", "configure", "clerk", "--prompt", "Just guess.")
		planted, better := time.Now(), false
		for !better && time.Since(planted) < 48*time.Hour {
			for range 20 {
				work()
			}
			now := v.prompts(t, "clerk")
			better = len(now) == 3 && now[3] == "Look it up."
		}
		stop()
		served.Wait()
		if !better {
			t.Errorf("after %s and %d runs it is no better", time.Since(planted), asked)
		}
		t.Logf("better after %s and %d runs", time.Since(planted), asked)
		story := main(t.Context(), "why", "clerk")
		for _, part := range []string{
			"user:anna: another version of the agent", "analyst:performance: proposed to change the prompt of clerk", "foreseen +", "approved by policy", "history tells nothing of it",
			"it starts with 5%", "it gets 25%", "candidate is promoted by policy", "positions ", "measured: success_rate", "its analyst's forecast is scored: it came true",
		} {
			at := strings.Index(story, part)
			if at < 0 {
				t.Fatalf("the story lacks %q, in its place:\n%s", part, story)
			}
			story = story[at:]
		}
	})
}
