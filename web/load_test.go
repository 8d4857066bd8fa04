package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/orchestrator"
	"github.com/virtuous6/virtuous6/web"
)

// busyModel is one that an agent of each of two workspaces keeps busy.
func busyModel() []orchestrator.Load {
	return []orchestrator.Load{{
		Provider: "openai", Model: "gpt-6-luna", Busy: 3, Waiting: 2, Limit: 4, Most: 8, Paused: 1500 * time.Millisecond, Throttled: 5,
		Waits:    orchestrator.Waits{Count: 9, Sum: 4500 * time.Millisecond, Within: [6]int64{1, 2, 8, 9, 9, 9}},
		BusyTime: 90 * time.Second, AllowedTime: 120 * time.Second, Utilisation: 750,
		Agents: []orchestrator.AgentLoad{{Workspace: "w", Agent: "clerk\xff", Busy: 2, BusyTime: time.Minute, Utilisation: 500}, {Workspace: "lab", Agent: "poet", Busy: 1, Utilisation: 250}},
	}}
}

// What Prometheus scrapes, and what a program reads, tell how busy the models are: of agents those of the workspace that is asked about.
func TestLoadsAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, workspace string
		says            []string
		not             string
	}{
		{path: "/api/metrics/load", says: []string{
			`"model":"gpt-6-luna","busy":3,"limit":4,"most":8,"waiting":2,"waited":9,"wait_seconds":4.5,"throttled":5,"paused_seconds":1.5,"utilisation_permille":750`,
			`"busy":2,"busy_seconds":60,"utilisation_permille":500`,
		}, not: "poet"},
		{path: "/api/metrics/load?workspace=lab", says: []string{`[{"agent":"poet","busy":1,"busy_seconds":0,"utilisation_permille":250}]`}, not: "clerk"},
		{path: "/api/metrics/load", workspace: "lab", says: []string{`"poet"`}, not: "clerk"},
		{path: "/metrics", workspace: "lab", says: []string{`agent="poet"`, `virtuous6_model_calls_waiting{model="gpt-6-luna",provider="openai"} 2`}, not: "clerk"},
		{path: "/metrics", says: []string{
			"# TYPE virtuous6_model_calls_busy gauge", `virtuous6_model_busy_seconds_total{model="gpt-6-luna",provider="openai"} 90`,
			`virtuous6_model_allowed_seconds_total{model="gpt-6-luna",provider="openai"} 120`, `virtuous6_model_throttled_total{model="gpt-6-luna",provider="openai"} 5`,
			`virtuous6_model_calls_limit{model="gpt-6-luna",provider="openai"} 4`, `virtuous6_model_calls_most{model="gpt-6-luna",provider="openai"} 8`,
			`virtuous6_model_call_wait_seconds_bucket{model="gpt-6-luna",provider="openai",le="0.1"} 2`, `virtuous6_model_call_wait_seconds_sum{model="gpt-6-luna",provider="openai"} 4.5`,
			`virtuous6_agent_busy_seconds_total{agent="clerk` + "\uFFFD" + `",model="gpt-6-luna",provider="openai",workspace="w"} 60`, `agent="poet"`,
			"virtuous6_log_position 9", "virtuous6_read_models_position 7", "go_goroutines",
		}, not: "no such"},
	} {
		cfg := config(reader{position: 7}, &log{})
		cfg.Head = func(context.Context) (uint64, error) { return 9, nil }
		cfg.Load = busyModel
		var header []string
		if c.workspace != "" {
			cfg.Token = func(context.Context, string) (web.Caller, error) {
				return web.Caller{Name: "t", Scopes: []events.Scope{events.ScopeRead}, Workspace: c.workspace}, nil
			}
			header = []string{"Authorization", "Bearer v6t_x"}
		}
		w := request(web.New(cfg), "GET", c.path, "", header...)
		body := w.Body.String()
		for _, says := range c.says {
			if !strings.Contains(body, says) {
				t.Errorf("%s in %q lacks %s:\n%s", c.path, c.workspace, says, body)
			}
		}
		if w.Code != 200 || strings.Contains(body, c.not) {
			t.Errorf("%s in %q: %d, says %s:\n%s", c.path, c.workspace, w.Code, c.not, body)
		}
	}
}

// How busy the models are changes while nothing happens in the log: it is told anew each time.
func TestLoadsAreNotKept(t *testing.T) {
	t.Parallel()
	cfg := config(newCounted(), &log{})
	busy := 0
	cfg.Load = func() []orchestrator.Load {
		busy++
		return []orchestrator.Load{{Model: "m", Busy: busy}}
	}
	door := web.New(cfg)
	for _, says := range []string{`"busy":1`, `"busy":2`} {
		if w := request(door, "GET", "/api/metrics/load", ""); !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s is not in %s", says, w.Body)
		}
	}
}
