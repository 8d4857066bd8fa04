package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAServerAnswersForTheNamesThatAreConfigured is what a proxy needs that passes its own name on.
func TestAServerAnswersForTheNamesThatAreConfigured(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	if err := os.Mkdir(filepath.Join(p.dir, "virtuous6"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "virtuous6", "config.yaml"), []byte("hosts: [agents.example]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, url := p.serve()
	defer func() { _ = server.Wait() }()
	defer func() { _ = server.Process.Kill() }()
	for host, want := range map[string]int{"agents.example": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("for %s: got %s, want %d", host, answer.Status, want)
		}
	}
}

// TestATakenPortIsTold starts a server where another one listens: it says what to do, and the other one goes on.
func TestATakenPortIsTold(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	dir := t.TempDir()
	var said bytes.Buffer
	code := Main(t.Context(), World{}, []string{
		"--config", write(t, dir, "config.yaml", ""), "--store", "sqlite:" + filepath.Join(dir, "log.db"), "serve", "--listen", other.Listener.Addr().String(),
	}, nil, &said, &said)
	if code != exitFailed || !strings.Contains(said.String(), "--listen takes another address") {
		t.Errorf("exit code %d: %s", code, said.String())
	}
	answer, err := http.Get(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}
