//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/agents"
)

// countedMain is the real program with two tools more, which a test counts: send_mail must not be done twice, note may.
func countedMain() {
	counted := func(name string, repeatable bool) agents.Tool {
		return agents.Tool{
			Name: name, Description: "Does it.", Schema: json.RawMessage(`{"type":"object"}`), Repeatable: repeatable,
			Call: func(ctx context.Context, c agents.Call) (string, error) {
				at := os.Getenv("VIRTUOUS6_TEST_TOOLS") + name + "?key=" + url.QueryEscape(c.Key)
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(c.Arguments))
				if err != nil {
					return "", err
				}
				answer, err := http.DefaultClient.Do(req)
				if err != nil {
					return "", err
				}
				defer func() { _ = answer.Body.Close() }()
				text, err := io.ReadAll(answer.Body)
				return string(text), err
			},
		}
	}
	builtIn = func(func() time.Time) agents.Tools {
		return agents.NewTools(append(agents.BuiltIn(time.Now).All(), counted("send_mail", false), counted("note", true))...)
	}
	main()
}

// killer is the world around a run, its model and its tools, which kills the program at a point of the run.
type killer struct {
	// at is the point, and late how long after it.
	at   string
	late time.Duration
	kill func()

	once sync.Once
	dead chan struct{}
	mu   sync.Mutex
	// asked are the bodies of the requests to the model, done the keys of the calls of each tool.
	asked []string
	done  map[string][]string
}

// reached kills the program where this is the point, and holds whoever asks until it is gone.
func (k *killer) reached(point string, gone <-chan struct{}) {
	if point != k.at {
		return
	}
	mine := false
	k.once.Do(func() {
		mine = true
		go func() {
			<-time.After(k.late)
			k.kill()
			close(k.dead)
		}()
	})
	if mine && !strings.HasSuffix(point, "answered") {
		<-gone
	}
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	name := path.Base(r.URL.Path)
	k.mu.Lock()
	point, tools := "tool", name != "completions" && name != "models"
	switch {
	case name == "completions":
		k.asked = append(k.asked, string(body))
		point = "second question"
		if !bytes.Contains(body, []byte(`"tool_call_id"`)) {
			point = "first question"
		}
	case tools:
		k.done[name] = append(k.done[name], r.URL.Query().Get("key"))
		point = name
	}
	k.mu.Unlock()
	k.reached(point, r.Context().Done())
	switch point {
	case "first question":
		k.say(w, `{"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"send_mail","arguments":"{}"}},`+
			`{"index":1,"id":"b","type":"function","function":{"name":"note","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`)
	case "second question":
		k.say(w, `{"choices":[{"index":0,"delta":{"role":"assistant","content":"Done."},"finish_reason":"stop"}]}`)
	default:
		fmt.Fprint(w, "sent")
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	k.reached(point+" answered", nil)
}

func (k *killer) say(w http.ResponseWriter, chunk string) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "data: %s\n\ndata: [DONE]\n\n", chunk)
}

// TestAToolRunsOnceWhereverTheProgramIsKilled kills the real program with SIGKILL at each point of a run that calls a tool,
// starts it again, and counts what the tools were asked.
func TestAToolRunsOnceWhereverTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	rounds := 2
	if raced {
		rounds = 1
	}
	if os.Getenv("VIRTUOUS6_CHAOS") == "long" {
		rounds = 20
	}
	for _, point := range []string{
		"first question", "first question answered", "send_mail", "send_mail answered", "note", "note answered", "second question", "second question answered",
	} {
		for round := range rounds {
			t.Run(fmt.Sprint(point, " ", round), func(t *testing.T) {
				t.Parallel()
				// Between two facts there are some milliseconds: each round looks at another moment of them.
				random := rand.New(rand.NewPCG(uint64(round), uint64(len(point))))
				killed(t, point, time.Duration(random.Int64N(int64(6*time.Millisecond))))
			})
		}
	}
}

func killed(t *testing.T, point string, late time.Duration) {
	k := &killer{at: point, late: late, dead: make(chan struct{}), done: map[string][]string{}}
	world := httptest.NewServer(k)
	defer world.Close()
	p := newProgram(t)
	p.name = "virtuous6-counted"
	p.env = []string{"OPENAI_BASE_URL=" + world.URL + "/v1", "OPENAI_API_KEY=x", "VIRTUOUS6_TEST_TOOLS=" + world.URL + "/tools/"}
	config := write(t, p.dir, "config.yaml", "model: m\npolicy:\n  tools: [send_mail, note]\n")
	p.run("agents", "spawn", "clerk", "--tools", "send_mail,note", "--config", config)
	serve, at := p.serve("--lease", "300ms", "--config", config)
	k.kill = func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
	}
	answer, err := http.Post(at+"/api/runs", "application/json", strings.NewReader(`{"prompt":"mail it","agent":"clerk"}`)) //nolint:gosec // our own server
	if err != nil {
		t.Fatal(err)
	}
	var run struct{ Run string }
	err = errors.Join(json.NewDecoder(answer.Body).Decode(&run), answer.Body.Close())
	if err != nil || answer.StatusCode != http.StatusAccepted {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	select {
	case <-k.dead:
	case <-time.After(time.Minute):
		k.kill()
		t.Fatal("the run never came to where it was to be killed")
	}
	again, at := p.serve("--lease", "300ms", "--config", config)
	defer func(cmd *exec.Cmd) {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}(again)
	b := &pair{program: p}
	b.until("the run ends", func() bool {
		for _, r := range b.runs(at) {
			if r.Run == run.Run && r.Outcome != "running" {
				if r.Outcome != "succeeded" {
					t.Errorf("the run %s: %s", r.Outcome, r.Error)
				}
				return true
			}
		}
		return false
	})
	k.check(t, p, run.Run)
}

// check holds what the log says against what the world has seen.
func (k *killer) check(t *testing.T, p program, run string) {
	t.Helper()
	var facts []struct {
		Kind string
		Data struct {
			Call    int
			Unknown bool
		}
	}
	if err := json.Unmarshal(p.run("events", "--stream", "run-"+run, "--limit", "0", "--json"), &facts); err != nil {
		t.Fatal(err)
	}
	kinds, unknown := map[string]int{}, map[int]bool{}
	for _, f := range facts {
		kinds[f.Kind]++
		if f.Kind == "run.tool_called" {
			unknown[f.Data.Call] = f.Data.Unknown
		}
	}
	if kinds["run.assigned"] != 1 || kinds["run.finished"] != 1 || kinds["run.tool_called"] != 2 || kinds["run.llm_called"] != 2 {
		t.Errorf("the log has %v", kinds)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := len(k.done["send_mail"]); n > 1 || n == 0 && !unknown[0] {
		t.Errorf("mails: %d, and the log says unknown: %v", n, unknown[0])
	}
	if unknown[0] && !strings.Contains(k.asked[len(k.asked)-1], "outcome unknown") {
		t.Errorf("the model was not told: %s", k.asked[len(k.asked)-1])
	}
	keys := k.done["note"]
	if len(keys) == 0 || unknown[1] {
		t.Errorf("notes: %d, and the log says unknown: %v", len(keys), unknown[1])
	}
	for _, key := range keys {
		if key == "" || key != keys[0] {
			t.Errorf("one call has the keys %q", keys)
		}
	}
}
