package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestAskThroughAnOpenAICompatibleServer has a server answer as OpenAI does, in pieces and with its usage.
func TestAskThroughAnOpenAICompatibleServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sk-test-0123456789abcdefghij" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":{"message":"bad key sk-test-0123456789abcdefghij","type":"invalid_request_error"}}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, chunk := range []string{
			`{"choices":[{"index":0,"delta":{"role":"assistant","content":"Forty"}}]`,
			`{"choices":[{"index":0,"delta":{"content":"-two."}}]`,
			`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`,
			`{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}`,
		} {
			fmt.Fprintf(w, "data: %s,\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-mini-2024-07-18\"}\n\n", chunk)
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	defer server.Close()
	p := newProgram(t)
	own := write(t, p.dir, "prices.json", `{"gpt-4o-mini-2024-07-18": {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07}, "odd": {"input_cost_per_token": "much"}}`)
	priced := write(t, p.dir, "priced.yaml", "prices: "+own+"\n")

	ask := func(key string, flags ...string) (answer, string, int) {
		cmd := p.command(append([]string{"ask", "what is six times seven?", "--json"}, flags...)...)
		cmd.Env = append(cmd.Env, "OPENAI_BASE_URL="+server.URL+"/v1", "OPENAI_API_KEY="+key)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		_ = cmd.Run()
		var a answer
		if err := json.Unmarshal(out.Bytes(), &a); err != nil {
			t.Fatalf("%v: %s%s", err, out.Bytes(), errOut.Bytes())
		}
		return a, out.String() + errOut.String(), cmd.ProcessState.ExitCode()
	}
	a, _, code := ask("sk-test-0123456789abcdefghij")
	// A server of one's own is not priced by a vendor's table, whatever it calls its models.
	if code != exitDone || a.Answer != "Forty-two." || a.InputTokens != 1000 || a.OutputTokens != 100 || a.CostUSD != "0" || a.UnpricedCalls != 1 || a.Scripted {
		t.Errorf("got %+v, exit code %d", a, code)
	}
	// 1,000 tokens at 0.15 and 100 at 0.60 dollars a million.
	a, said, code := ask("sk-test-0123456789abcdefghij", "--config", priced)
	if code != exitDone || a.CostUSD != "0.00021" || a.UnpricedCalls != 0 || !strings.Contains(said, `1 of 2 models have no price`) {
		t.Errorf("by one's own prices: %+v, exit code %d\n%s", a, code, said)
	}
	if tasks := p.run("tasks", "--json"); strings.TrimSpace(string(tasks)) != "[]" {
		t.Errorf("asking opened a task: %s", tasks)
	}
	a, said, code = ask("sk-test-wrong-0123456789abcdef")
	if code != exitFailed || a.Outcome != "failed" || !strings.Contains(a.Error, "OPENAI_API_KEY") {
		t.Errorf("got %+v, exit code %d", a, code)
	}
	if log := said + string(p.run("events", "--json")); strings.Contains(log, "sk-test") {
		t.Errorf("the key is in what is told or kept: %s", log)
	}
	p.run("verify")
}

// write makes a file and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestModelsAreThoseOfTheServer has a server list its models, and answer by the first that talks.
func TestModelsAreThoseOfTheServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"nomic-embed-text"},{"id":"llama4","shutdown_date":"2027-01-14"},{"id":"other","shutdown_date":null}]}`)
			return
		}
		var asked struct{ Model string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, "data: {\"model\":%q,\"choices\":[{\"delta\":{\"content\":\"Hi.\"},\"finish_reason\":\"stop\"}]}\n\n", asked.Model)
	}))
	defer server.Close()
	p := newProgram(t)
	p.env = []string{"OPENAI_BASE_URL=" + server.URL + "/v1"}
	const want = `[{"model":"nomic-embed-text","default":false,"priced":false,"shutdown_date":""},` +
		`{"model":"llama4","default":true,"priced":false,"shutdown_date":"2027-01-14"},{"model":"other","default":false,"priced":false,"shutdown_date":""}]`
	var compact bytes.Buffer
	if err := json.Compact(&compact, p.run("models", "--json")); err != nil || compact.String() != want {
		t.Errorf("models: %s, %v", compact.Bytes(), err)
	}
	if said := string(p.run("ask", "hello")); !strings.Contains(said, "Hi.") || !strings.Contains(said, "llama4") || !strings.Contains(said, "cost unknown") {
		t.Errorf("ask said %s", said)
	}
}

// heard is what a process says, and tells once it said text.
type heard struct {
	all  bytes.Buffer
	text string
	said chan struct{}
	once sync.Once
}

func hearing(text string) *heard { return &heard{text: text, said: make(chan struct{})} }

func (h *heard) Write(p []byte) (int, error) {
	h.all.Write(p)
	if bytes.Contains(h.all.Bytes(), []byte(h.text)) {
		h.once.Do(func() { close(h.said) })
	}
	return len(p), nil
}

// TestAskBesideAServerHandsItsRunOver has one process serve and another one ask. The model answers the latter only once
// that one has said who drives: a server may be done with a run before.
func TestAskBesideAServerHandsItsRunOver(t *testing.T) {
	t.Parallel()
	errOut := hearing("serve, process")
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); bytes.Contains(body, []byte("how much")) {
			select {
			case <-errOut.said:
			case <-r.Context().Done():
			}
		}
		fmt.Fprint(w, "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"42\"},\"finish_reason\":\"stop\"}]}\n\n")
	}))
	defer model.Close()
	p := newProgram(t)
	p.env = []string{"OPENAI_BASE_URL=" + model.URL + "/v1"}
	server, url := p.serve()
	defer func() { _ = server.Wait() }()
	defer func() { _ = server.Process.Kill() }()
	p.drives(url)
	cmd := p.command("ask", "how much is 20 + 22?")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, errOut
	if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "42") || !strings.Contains(errOut.all.String(), errOut.text) {
		t.Errorf("ask ended with %v: %s%s", err, out.Bytes(), errOut.all.Bytes())
	}
}

// thinking is the address of a model that never comes to an answer, and tells when it is asked.
func thinking(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	requests := make(chan struct{}, 10)
	model := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return // it does not tell which models it has
		}
		_, _ = io.Copy(io.Discard, r.Body) // or the end of the connection is not noticed
		requests <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(model.Close)
	return model.URL, requests
}

// TestAskTakesOverFromAServerThatDies kills a server that waits for its model's answer to the one who asked.
func TestAskTakesOverFromAServerThatDies(t *testing.T) {
	t.Parallel()
	model, asked := thinking(t)
	p := newProgram(t)
	served := p
	served.env = []string{"OPENAI_BASE_URL=" + model + "/v1", "OPENAI_API_KEY=sk-test-0123456789abcdefghij"}
	server, url := served.serve("--lease", "3s")
	defer func() { _ = server.Wait() }()
	defer func() { _ = server.Process.Kill() }()
	served.drives(url)

	cmd := p.command("ask", "calculate 20 + 22")
	var out bytes.Buffer
	errOut := hearing("serve, process")
	cmd.Stdout, cmd.Stderr = &out, errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for _, comes := range []<-chan struct{}{asked, asked, errOut.said} { // the run that showed that it drives, and ours
		select {
		case <-comes:
		case err := <-ended:
			t.Fatalf("ask ended before the server died: %v: %s%s", err, out.Bytes(), errOut.all.Bytes())
		}
	}
	_ = server.Process.Kill()
	if err := <-ended; err != nil || !strings.Contains(out.String(), "42") {
		t.Errorf("ask ended with %v: %s%s", err, out.Bytes(), errOut.all.Bytes())
	}
	p.run("verify")
}

// TestAskIsInterrupted presses Ctrl-C while the model is thinking.
func TestAskIsInterrupted(t *testing.T) {
	t.Parallel()
	model, asked := thinking(t)
	p := newProgram(t)
	cmd := p.command("ask", "hello")
	cmd.Env = append(cmd.Env, "OPENAI_BASE_URL="+model+"/v1", "OPENAI_API_KEY=sk-test-0123456789abcdefghij")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(errOut.String(), "was cancelled") {
		t.Errorf("exit code %d: %s", code, errOut.Bytes())
	}
	var runs []struct{ Outcome string }
	if err := json.Unmarshal(p.run("runs", "--json"), &runs); err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].Outcome != "cancelled" {
		t.Errorf("the run is %+v", runs)
	}
}

// TestAPromptThatIsTooLongIsRefused: nothing of it is cut off in silence.
func TestAPromptThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	for text, want := range map[string]int{strings.Repeat("a", maxPrompt+1): exitUsage, "\xff": exitUsage, strings.Repeat("a", maxPrompt): exitDone} {
		cmd := p.command("ask", "-")
		cmd.Stdin = strings.NewReader(text)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%d bytes: exit code %d, want %d: %.200s", len(text), got, want, out)
		}
	}
	if n := bytes.Count(p.run("runs", "--json"), []byte(`"run":`)); n != 1 {
		t.Errorf("there are %d runs, want 1", n)
	}
}

// TestAnAnswerThatAnotherProcessDrivesIsShownAsItComes has a model stop in the middle of its answer, until the one who asks
// beside the server has read the first half.
func TestAnAnswerThatAnotherProcessDrivesIsShownAsItComes(t *testing.T) {
	t.Parallel()
	read := make(chan struct{})
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		say := func(chunk string) {
			fmt.Fprintf(w, "data: %s\n\n", chunk)
			w.(http.Flusher).Flush()
		}
		if bytes.Contains(body, []byte("long story")) {
			say(`{"choices":[{"index":0,"delta":{"role":"assistant","content":"Once upon a time, "}}]}`)
			select {
			case <-read:
			case <-r.Context().Done():
			}
		}
		say(`{"choices":[{"index":0,"delta":{"role":"assistant","content":"the end."},"finish_reason":"stop"}]}`)
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	defer model.Close()
	p := newProgram(t)
	p.env = []string{"OPENAI_BASE_URL=" + model.URL + "/v1", "OPENAI_API_KEY=x"}
	config := write(t, p.dir, "config.yaml", "model: m\n")
	serve, url := p.serve("--config", config)
	defer func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
	}()
	p.drives(url)
	ask := p.command("ask", "tell a long story", "--config", config)
	out, err := ask.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ask.Start(); err != nil {
		t.Fatal(err)
	}
	half := make([]byte, len("Once upon a time, "))
	if _, err := io.ReadFull(out, half); err != nil || string(half) != "Once upon a time, " {
		t.Fatalf("read %q, %v", half, err)
	}
	close(read)
	rest, err := io.ReadAll(out)
	if err := errors.Join(err, ask.Wait()); err != nil || !strings.HasPrefix(string(rest), "the end.\n") || strings.Count(string(rest), "end") != 1 {
		t.Errorf("then read %q, %v", rest, err)
	}
}
