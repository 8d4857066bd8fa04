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
	"strings"
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

	ask := func(key string) (answer, string, int) {
		cmd := p.command("ask", "what is six times seven?", "--json")
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
	// 1,000 tokens at 0.15 and 100 at 0.60 dollars a million.
	if code != exitDone || a.Answer != "Forty-two." || a.InputTokens != 1000 || a.OutputTokens != 100 || a.CostUSD != "0.00021" || a.Scripted {
		t.Errorf("got %+v, exit code %d", a, code)
	}
	if tasks := p.run("tasks", "--json"); !strings.Contains(string(tasks), `"status": "done"`) {
		t.Errorf("its task is left open: %s", tasks)
	}
	a, said, code := ask("sk-test-wrong-0123456789abcdef")
	if code != exitFailed || a.Outcome != "failed" || !strings.Contains(a.Error, "OPENAI_API_KEY") {
		t.Errorf("got %+v, exit code %d", a, code)
	}
	if log := said + string(p.run("events", "--json")); strings.Contains(log, "sk-test") {
		t.Errorf("the key is in what is told or kept: %s", log)
	}
	p.run("verify")
}

// TestAskBesideAServerHandsItsRunOver has one process serve and another one ask.
func TestAskBesideAServerHandsItsRunOver(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	server, url := p.serve()
	defer func() { _ = server.Wait() }()
	defer func() { _ = server.Process.Kill() }()
	p.drives(url)
	cmd := p.command("ask", "calculate 20 + 22")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "42") || !strings.Contains(errOut.String(), "serve, process") {
		t.Errorf("ask ended with %v: %s%s", err, out.Bytes(), errOut.Bytes())
	}
}

// thinking is the address of a model that never comes to an answer, and tells when it is asked.
func thinking(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	heard := make(chan struct{}, 10)
	model := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the end of the connection is not noticed
		heard <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(model.Close)
	return model.URL, heard
}

// TestAskTakesOverFromAServerThatDies kills a server that waits for its model's answer to the one who asked.
func TestAskTakesOverFromAServerThatDies(t *testing.T) {
	t.Parallel()
	model, asked := thinking(t)
	p := newProgram(t)
	served := p
	served.env = []string{"OPENAI_BASE_URL=" + model + "/v1", "OPENAI_API_KEY=sk-test-0123456789abcdefghij"}
	server, url := served.serve("--lease", "1s")
	defer func() { _ = server.Wait() }()
	defer func() { _ = server.Process.Kill() }()
	served.drives(url)

	cmd := p.command("ask", "calculate 20 + 22")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the run that showed that it drives, and ours
		<-asked
	}
	_ = server.Process.Kill()
	if err := cmd.Wait(); err != nil || !strings.Contains(out.String(), "42") || !strings.Contains(errOut.String(), "serve, process") {
		t.Errorf("ask ended with %v: %s%s", err, out.Bytes(), errOut.Bytes())
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
	var tasks []struct{ Status string }
	if err := errors.Join(json.Unmarshal(p.run("runs", "--json"), &runs), json.Unmarshal(p.run("tasks", "--json"), &tasks)); err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].Outcome != "cancelled" || len(tasks) != 1 || tasks[0].Status != "dropped" {
		t.Errorf("the run is %+v, its task %+v", runs, tasks)
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
