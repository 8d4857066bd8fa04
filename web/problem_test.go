package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/web"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100_001)
	for name, c := range map[string]struct {
		method, target, body string
		headers              []string
		status               int
		says                 string
	}{
		"no such path":           {"GET", "/nope", "", nil, 404, "/openapi.json"},
		"no such method":         {"DELETE", "/api/runs", "", nil, 405, "DELETE"},
		"no such run":            {"GET", "/api/runs/r9", "", nil, 404, "r9"},
		"limit 0":                {"GET", "/api/runs?limit=0", "", nil, 422, "limit"},
		"limit too large":        {"GET", "/api/runs?limit=10001", "", nil, 422, "limit"},
		"limit in words":         {"GET", "/api/runs?limit=all", "", nil, 422, "limit"},
		"unknown outcome":        {"GET", "/api/runs?outcome=great", "", nil, 422, "succeeded"},
		"unknown kind":           {"GET", "/api/patterns?kind=x", "", nil, 422, "variant"},
		"unknown parameter":      {"GET", "/api/runs?wrokflow=x", "", nil, 422, "wrokflow"},
		"since in words":         {"GET", "/api/runs?since=yesterday", "", nil, 422, "since"},
		"no body":                {"POST", "/api/runs", "", nil, 400, "body"},
		"broken body":            {"POST", "/api/runs", `{"prompt":`, nil, 400, "unexpected end"},
		"two bodies":             {"POST", "/api/runs", `{"prompt":"a"}{}`, nil, 400, "invalid character"},
		"no prompt":              {"POST", "/api/runs", `{"workflow":"x"}`, nil, 422, "prompt"},
		"blank prompt":           {"POST", "/api/runs", `{"prompt":" \n"}`, nil, 422, "blank"},
		"NUL in a prompt":        {"POST", "/api/runs", `{"prompt":"a\u0000"}`, nil, 422, "NUL"},
		"long prompt":            {"POST", "/api/runs", `{"prompt":"` + long + `"}`, nil, 422, "prompt"},
		"huge body":              {"POST", "/api/runs", `{"prompt":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 413, "too large"},
		"deep body":              {"POST", "/api/runs", strings.Repeat("[", 100_000), nil, 400, "depth"},
		"unknown key":            {"POST", "/api/runs", `{"prompt":"a","promt":"b"}`, nil, 422, "promt"},
		"a form's type":          {"POST", "/api/runs", `{"prompt":"a"}`, []string{"Content-Type", "text/plain"}, 415, "application/json"},
		"no type":                {"POST", "/api/runs", `{"prompt":"a"}`, []string{"Content-Type", ""}, 415, "application/json"},
		"another origin":         {"POST", "/api/runs", `{"prompt":"a"}`, []string{"Origin", "http://evil.test"}, 403, "origins"},
		"another site":           {"POST", "/api/runs", `{"prompt":"a"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "origins"},
		"another name":           {"GET", "/api/runs", "", []string{"Host", "evil.test:8686"}, 421, "evil.test"},
		"long key":               {"POST", "/api/runs", `{"prompt":"a"}`, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 422, "Idempotency-Key"},
		"feedback on nothing":    {"POST", "/api/runs/r9/feedback", `{"text":"x"}`, nil, 404, "r9"},
		"feedback of nothing":    {"POST", "/api/runs/r1/feedback", `{"user":"x"}`, nil, 422, "at least one of"},
		"feedback on no step":    {"POST", "/api/runs/r1/feedback", `{"text":"x","step":2}`, nil, 422, "no such step"},
		"feedback before a step": {"POST", "/api/runs/r1/feedback", `{"text":"x","step":-1}`, nil, 422, "step"},
		"score like 1e400":       {"POST", "/api/runs/r1/feedback", `{"score":1e400}`, nil, 400, "body"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &log{}
			w := request(web.New(config(reader{runs: threeRuns()}, l)), c.method, c.target, c.body, c.headers...)
			problem := decode[struct {
				Status        int
				Title, Detail string
			}](t, w)
			if w.Code != c.status || w.Header().Get("Content-Type") != "application/problem+json" || problem.Status != c.status || problem.Title == "" {
				t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
			}
			if !strings.Contains(w.Body.String(), c.says) || w.Body.Len() > 2000 {
				t.Errorf("%.500s does not say %q, or too much", w.Body, c.says)
			}
			if len(l.commands) > 0 || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("dispatched %+v, %s", l.commands, w.Header())
			}
		})
	}
}

func TestFailuresOfTheRoomsBelow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		says   string
		hides  string
	}{
		"unavailable": {fmt.Errorf("%w: disk full: free some space", readmodel.ErrUnavailable), 503, "server's log", "free some space"},
		"log away":    {fmt.Errorf("%w: anna@host", errAway), 503, "server's log", "anna"},
		"too slow":    {context.DeadlineExceeded, 504, "longer than 30s", "\x00"},
		"given up":    {context.Canceled, 503, "given up", "\x00"},
		"anything":    {errors.New("secret path"), 500, "its log", "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door := web.New(config(reader{runs: threeRuns(), err: c.err}, &log{err: c.err}))
			responses := []*httptest.ResponseRecorder{request(door, "POST", "/api/runs", `{"prompt":"a"}`)}
			for _, path := range reads {
				responses = append(responses, request(door, "GET", path, ""))
			}
			for i, w := range responses {
				if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || strings.Contains(w.Body.String(), c.hides) {
					t.Errorf("%d: %d %s", i, w.Code, w.Body)
				}
			}
		})
	}
}
