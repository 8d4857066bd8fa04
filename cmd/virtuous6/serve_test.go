package main

import (
	"net/http"
	"os"
	"path/filepath"
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
