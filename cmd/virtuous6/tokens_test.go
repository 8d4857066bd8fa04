package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// asks is the answer to a request with a token, or without.
func asks(t *testing.T, method, url, token string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// A server that others reach asks for tokens, from the first request on, and its listener for what is signed serves nothing
// else. What a token is stands nowhere in its store.
func TestAServerThatOthersReachAsksForTokens(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.env = []string{"SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=", "SLACK_SIGNING_SECRET=s", "SLACK_API_URL=http://127.0.0.1:1/"}
	if out, err := p.command("serve", "--listen", "0.0.0.0:0", "--hooks", "127.0.0.1:0").CombinedOutput(); err == nil || !strings.Contains(string(out), "virtuous6 tokens create") {
		t.Fatalf("without a token: %v, %s", err, out)
	}
	token := strings.TrimSpace(string(p.run("tokens", "create", "anna")))
	const workspace = "desk & co. ü"
	desk := strings.TrimSpace(string(p.run("--workspace", workspace, "tokens", "create", "support", "--scope", "admin")))
	asked := string(p.run("ask", "what is 2 + 2?", "--json"))
	cmd := p.command("serve", "--listen", "0.0.0.0:0", "--hooks", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	var said []byte
	for piece := make([]byte, 256); !bytes.Contains(said, []byte("Slack may call")) || said[len(said)-1] != '\n'; {
		n, err := out.Read(piece)
		if said = append(said, piece[:n]...); err != nil {
			t.Fatalf("the server said %q: %v", said, err)
		}
	}
	ports := regexp.MustCompile(`http://\S+?:(\d+)`).FindAllSubmatch(said, 2)
	door, hooks := "http://127.0.0.1:"+string(ports[0][1]), "http://127.0.0.1:"+string(ports[1][1])
	for _, c := range []struct {
		method, url, token string
		status             int
	}{
		{"GET", door + "/healthz", "", 200}, {"GET", door + "/api/runs", "", 401}, {"GET", door + "/api/runs", token, 200},
		{"POST", door + "/api/runs", token, 403},
		{"POST", hooks + "/", "", 401}, {"POST", hooks + "/api/runs", token, 401}, {"GET", hooks + "/api/runs", token, 405}, {"GET", hooks + "/healthz", "", 405},
	} {
		if status, body := asks(t, c.method, c.url, c.token); status != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.url, status, body, c.status)
		}
	}
	if status, body := asks(t, "GET", door+"/api/runs", token); status != 200 || !strings.Contains(body, "what is 2 + 2?") {
		t.Errorf("of %s a token of the installation shows %d %s", asked, status, body)
	}
	for url, want := range map[string]int{"/api/runs": 200, "/api/metrics": 200, "/": 200, "/api/runs?workspace=" + neturl.QueryEscape(workspace): 200, "/api/runs?workspace=lab": 403} {
		if status, body := asks(t, "GET", door+url, desk); status != want || strings.Contains(body, "what is 2 + 2?") {
			t.Errorf("%s by a token of a workspace: %d %s, want %d", url, status, body, want)
		}
	}
	for _, other := range []string{strings.Split(desk, ".")[0], strings.Split(desk, ".")[0] + ".lab", desk + "%", token + ".lab"} {
		if status, body := asks(t, "GET", door+"/api/runs", other); status != 401 {
			t.Errorf("by a token that was changed: %d %s", status, body)
		}
	}
	p.run("tokens", "revoke", "anna", "--reason", "lost")
	if status, body := asks(t, "GET", door+"/api/runs", token); status != 401 {
		t.Errorf("by a token that was revoked: %d %s", status, body)
	}
	files, err := filepath.Glob(filepath.Join(p.dir, "*.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(strings.TrimPrefix(token, "v6t_"))) {
			t.Errorf("%s holds the token", file)
		}
	}
}

func TestWhoAsksNobodyForATokenIsToldWhatThatOpens(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	a := &app{err: &said, flags: &verbs{Quiet: true}}
	for at, insecure := range map[string]bool{"127.0.0.1": false, "127.8.9.1": true, "::1": false, "0.0.0.0": true, "::": true, "10.1.2.3": true} {
		said.Reset()
		ip := net.ParseIP(at)
		login, err := a.login(t.Context(), &net.TCPAddr{IP: ip}, insecure)
		if err != nil || login || strings.Contains(said.String(), "may read all prompts") == ip.IsLoopback() {
			t.Errorf("%s: %v, %v, and it said %q", at, login, err, &said)
		}
	}
}
