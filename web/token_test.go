package web_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/web"
)

// guarded is a door that demands tokens: v6t_read, and so on, of which each has the scope that it is called by.
func guarded(l *log) web.Config {
	cfg := config(reader{runs: threeRuns()}, l)
	cfg.Login = true
	cfg.Token = func(_ context.Context, token string) (web.Caller, error) {
		scope := events.Scope(strings.TrimPrefix(token, web.TokenPrefix))
		switch {
		case scope == "away":
			return web.Caller{}, errors.New("the log of postgres://anna:hunter2@db is away")
		case slices.Contains(events.Scopes, scope):
			return web.Caller{Name: "the " + string(scope), Scopes: []events.Scope{scope}}, nil
		}
		return web.Caller{}, nil
	}
	return cfg
}

func TestEachRequestBringsATokenWithItsScope(t *testing.T) {
	t.Parallel()
	const start, body = "/api/runs", `{"prompt":"hello"}`
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("anna:v6t_read"))
	for _, c := range []struct {
		method, path, body, authorization string
		status                            int
	}{
		{"GET", "/healthz", "", "", 200},
		{"GET", "/readyz", "", "", 200},
		{"GET", "/api/runs", "", "", 401},
		{"GET", "/", "", "", 401},
		{"GET", "/board.css", "", "", 401},
		{"GET", "/openapi.json", "", "", 401},
		{"GET", "/api/nothing", "", "", 401}, // nobody is told what there is
		{"POST", start, body, "", 401},
		{"GET", "/api/runs", "", "Bearer v6t_none", 401},
		{"GET", "/api/runs", "", "Bearer other", 401},
		{"GET", "/api/runs", "", "Bearer v6t_away", 503},
		{"GET", "/api/runs", "", "Bearer v6t_read", 200},
		{"GET", "/api/runs", "", "bearer  v6t_read", 200},
		{"HEAD", "/api/runs", "", "Bearer v6t_read", 200},
		{"GET", "/api/runs", "", basic, 200},
		{"GET", "/", "", "Bearer v6t_write", 403},
		{"GET", "/api/runs", "", "Bearer v6t_admin", 200},
		{"GET", "/api/tokens", "", "Bearer v6t_read", 403},
		{"GET", "/api/tokens", "", "Bearer v6t_admin", 200},
		{"POST", start, body, "Bearer v6t_read", 403},
		{"POST", start, body, "Bearer v6t_approve", 403},
		{"POST", start, body, "Bearer v6t_write", 202},
		{"POST", "/api/runs/r1/feedback", `{"text":"good"}`, "Bearer v6t_read", 403},
		{"POST", "/api/runs/r1/feedback", `{"text":"good"}`, "Bearer v6t_write", 202},
		{"POST", "/api/improvements/i1/reject", `{"by":"user:anna"}`, "Bearer v6t_write", 403},
		{"POST", "/api/improvements/i1/reject", `{"by":"user:anna"}`, "Bearer v6t_approve", 200},
		{"POST", "/api/agents/a/rollback", `{}`, "Bearer v6t_write", 403},
		{"POST", "/api/approvals/a/grant", `{}`, "Bearer v6t_write", 403},
		{"POST", "/api/tools/t/accept", `{}`, "Bearer v6t_write", 403},
	} {
		l := &log{}
		headers := []string{}
		if c.authorization != "" {
			headers = []string{"Authorization", c.authorization}
		}
		w := request(web.New(guarded(l)), c.method, c.path, c.body, headers...)
		if w.Code != c.status {
			t.Errorf("%s %s by %q: %d %s, want %d", c.method, c.path, c.authorization, w.Code, w.Body, c.status)
		}
		if w.Code == 401 && len(w.Header().Values("WWW-Authenticate")) != 2 {
			t.Errorf("%s %s: nobody is told how to come in: %v", c.method, c.path, w.Header())
		}
		if w.Code >= 400 && len(l.commands) > 0 || w.Code < 300 && c.method == "POST" && (len(l.commands) != 1 || !strings.HasPrefix(l.commands[0].About().Actor, "token:the ")) {
			t.Errorf("%s %s by %q: %+v", c.method, c.path, c.authorization, l.commands)
		}
		if strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("an answer tells where the log is: %s", w.Body)
		}
	}
}

// Where no login is demanded, what is no token is a proxy's affair, and a token still says who comes.
func TestWithoutALoginATokenSaysWhoComes(t *testing.T) {
	t.Parallel()
	for authorization, want := range map[string]struct {
		status int
		actor  string
	}{
		"": {202, "door:web"}, "Bearer of-a-proxy": {202, "door:web"}, "Basic YW5uYTpodW50ZXIy": {202, "door:web"},
		"Bearer v6t_write": {202, "token:the write"}, "Bearer v6t_read": {403, ""}, "Bearer v6t_none": {401, ""},
	} {
		l := &log{}
		cfg := guarded(l)
		cfg.Login = false
		w := request(web.New(cfg), "POST", "/api/runs", `{"prompt":"hello"}`, "Authorization", authorization)
		actor := ""
		if len(l.commands) > 0 {
			actor = l.commands[0].About().Actor
		}
		if w.Code != want.status || actor != want.actor {
			t.Errorf("by %q: %d %s from %q, want %d from %q", authorization, w.Code, w.Body, actor, want.status, want.actor)
		}
	}
}

// What a route takes is said for each one: who may read may change nothing.
func TestEveryRouteThatChangesSomethingTakesMoreThanReading(t *testing.T) {
	t.Parallel()
	door := web.New(guarded(&log{}))
	var api struct {
		Paths    map[string]map[string]json.RawMessage `json:"paths"`
		Security []map[string][]string                 `json:"security"`
	}
	if err := json.Unmarshal(request(door, "GET", "/openapi.json", "", "Authorization", "Bearer v6t_read").Body.Bytes(), &api); err != nil {
		t.Fatal(err)
	}
	if len(api.Security) != 1 || len(api.Paths) < 10 {
		t.Errorf("the description tells of %v, and of %d paths", api.Security, len(api.Paths))
	}
	for path, methods := range api.Paths {
		for method := range methods {
			if method == "get" {
				continue
			}
			for token, want := range map[string]int{"": http.StatusUnauthorized, "Bearer v6t_read": http.StatusForbidden} {
				if w := request(door, strings.ToUpper(method), path, "{}", "Authorization", token); w.Code != want {
					t.Errorf("%s %s by %q: %d", method, path, token, w.Code)
				}
			}
		}
	}
}

// A token that is a workspace's opens that one: what is read, what is written, and no other by asking for it.
func TestATokenOfAWorkspaceOpensNoOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/api/runs", "", 200, "in desk"},
		{"GET", "/api/runs?workspace=desk", "", 200, "in desk"},
		{"GET", "/api/runs?as_of=7", "", 200, "in desk"},
		{"GET", "/api/runs?workspace=lab", "", 403, "opens the workspace desk and no other"},
		{"GET", "/api/agents?workspace=lab", "", 403, "opens the workspace desk and no other"},
		{"GET", "/api/metrics?workspace=lab", "", 403, "opens the workspace desk and no other"},
		{"GET", "/api/metrics/load?workspace=lab", "", 403, "opens the workspace desk and no other"},
		{"POST", "/api/runs", `{"prompt":"hello"}`, 202, ""},
		{"POST", "/api/improvements/i1/reject", `{"by":"user:anna"}`, 200, ""},
		{"POST", "/api/tools/t/accept", `{"by":"user:anna","digest":"d"}`, 403, "all workspaces"},
	} {
		l := &log{}
		cfg := guarded(l)
		known := cfg.Token
		cfg.Token = func(ctx context.Context, token string) (web.Caller, error) {
			caller, err := known(ctx, token)
			caller.Workspace = "desk"
			return caller, err
		}
		cfg.Past = func(context.Context, string) (web.Past, error) {
			return web.Past{Reader: reader{}, Of: "then", Done: func() {}}, nil
		}
		w := request(web.New(cfg), c.method, c.path, c.body, "Authorization", "Bearer v6t_admin")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
		if c.status >= 400 && len(l.commands) > 0 {
			t.Errorf("%s %s: %+v", c.method, c.path, l.commands)
		}
		for _, command := range l.commands {
			if command.About().Workspace != "desk" {
				t.Errorf("%s %s: %+v", c.method, c.path, command)
			}
		}
	}
}
