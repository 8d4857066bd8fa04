package web_test

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/web"
)

var reads = []string{
	"/api/metrics", "/api/runs", "/api/runs/r1", "/api/agents", "/api/tasks", "/api/feedback", "/api/feedback?run=r1",
	"/api/patterns", "/api/patterns?kind=follows&workflow=ask", "/api/costs", "/api/improvements?status=proposed", "/api/runbooks", "/api/budgets", "/api/goals", "/api/parked",
}

func TestReadsHandOnWhatWasAsked(t *testing.T) {
	t.Parallel()
	door := web.New(config(reader{runs: threeRuns()}, &log{}))
	for target, says := range map[string]string{
		"/api/patterns": `"variant"`,
		"/api/patterns?kind=follows&workflow=triage": `"triage"`,
		"/api/improvements?status=applied":           `"applied"`,
		"/api/feedback?run=r9":                       `"r9"`,
		"/api/metrics":                               `"cost_usd":"0.0125"`,
		"/api/runs/r1":                               `"steps":[{`,
	} {
		if w := request(door, "GET", target, ""); !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s gives %s, want %s", target, w.Body, says)
		}
	}
}

func (hangs) Report(ctx context.Context, _ projections.MetricsFilter) (projections.Report, error) {
	<-ctx.Done()
	return projections.Report{}, ctx.Err()
}

func (hangs) Position(ctx context.Context) (uint64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (hangs) List(context.Context, readmodel.List, map[string]string, int) iter.Seq2[readmodel.Line, error] {
	panic("secret")
}

func TestWithoutDispatchItOnlyReads(t *testing.T) {
	t.Parallel()
	cfg := config(reader{runs: threeRuns()}, &log{})
	cfg.Dispatch = nil
	door := web.New(cfg)
	if w := request(door, "POST", "/api/runs", `{"prompt":"a"}`); w.Code != 405 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := request(door, "GET", "/api/runs", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.Server(web.New(config(reader{runs: threeRuns()}, &log{})))
	server.Start()
	defer server.Close()
	resp, err := http.Get(server.URL + "/api/runs/r1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), `"r1"`) {
		t.Errorf("%d %s %v", resp.StatusCode, body, err)
	}
}
