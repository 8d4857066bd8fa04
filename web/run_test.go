package web_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/answers"
	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/web"
)

func TestRunsTakesAFilterAndALimit(t *testing.T) {
	t.Parallel()
	var got projections.RunFilter
	door := web.New(config(reader{runs: threeRuns(), filter: &got}, &log{}))
	w := request(door, "GET", "/api/runs?limit=2&workflow=w&task=t&agent=a&outcome=failed&since=2030-01-01T00:00:00Z&until=2031-01-01T00:00:00Z", "")
	want := projections.RunFilter{
		Workflow: "w", Task: "t", Agent: "a", Outcome: events.Failed, Limit: 3,
		Since: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("filter %+v, want %+v", got, want)
	}
	if list := decode[[]any](t, w); len(list) != 2 || w.Header().Get("Virtuous6-More") != "true" {
		t.Errorf("%d rows, %s", len(list), w.Header())
	}
	w = request(door, "GET", "/api/runs?limit=3", "")
	if list := decode[[]any](t, w); len(list) != 3 || w.Header().Get("Virtuous6-More") != "" {
		t.Errorf("%d rows, %s", len(list), w.Header())
	}
	if w := request(door, "GET", "/api/agents?limit=2", ""); len(decode[[]any](t, w)) != 2 || w.Header().Get("Virtuous6-More") != "true" {
		t.Errorf("%s", w.Body)
	}
	if w := request(door, "GET", "/api/tasks", ""); strings.TrimSpace(w.Body.String()) != "[]" {
		t.Errorf("no rows are %s", w.Body)
	}
}

func TestStartRun(t *testing.T) {
	t.Parallel()
	l := &log{}
	w := request(web.New(config(reader{}, l)), "POST", "/api/runs", `{"prompt":"ship it","task":"t","requester":"anna"}`)
	id := events.NameID(noon, "1")
	want := commands.StartRun{
		Meta: commands.Meta{ID: events.DeriveID(id, 0), At: noon, Actor: "door:web", Workspace: "w", Correlation: id.String()},
		Run:  id.String(), Workflow: "ask", Task: "t", Requester: "anna", Prompt: "ship it",
	}
	if len(l.commands) != 1 || !reflect.DeepEqual(l.commands[0], want) {
		t.Errorf("dispatched %+v, want %+v", l.commands, want)
	}
	answer := decode[map[string]any](t, w)
	if w.Code != http.StatusAccepted || w.Header().Get("Location") != "/api/runs/"+id.String() || answer["run"] != id.String() || answer["position"] != 7.0 {
		t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
	}
}

func TestOneRunHasItsWholeTexts(t *testing.T) {
	t.Parallel()
	c := config(reader{runs: threeRuns()}, &log{})
	c.Texts = func(_ context.Context, run *projections.RunRow) error {
		if run.Run != "r1" {
			return fmt.Errorf("%w: start the server", readmodel.ErrUnavailable)
		}
		run.Answer = "all of it"
		return nil
	}
	door := web.New(c)
	if w := request(door, "GET", "/api/runs/r1", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"answer":"all of it"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := request(door, "GET", "/api/runs/r2", ""); w.Code != 503 || !strings.Contains(w.Body.String(), "try again") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// then is the read models of position 3, which anything else is no moment for.
func then(returned *int) func(context.Context, string) (web.Past, error) {
	return func(_ context.Context, asOf string) (web.Past, error) {
		switch asOf {
		case "3":
			return web.Past{Reader: reader{runs: threeRuns()[2:]}, Of: "what was known at position 3", Done: func() { *returned++ }}, nil
		case "4":
			return web.Past{}, errAway
		}
		return web.Past{}, fmt.Errorf("as_of: %q: %w", asOf, errRefused)
	}
}

func TestReadsAnswerAsOfAMoment(t *testing.T) {
	t.Parallel()
	returned := 0
	c := config(reader{runs: threeRuns()}, &log{})
	c.Past = then(&returned)
	door := web.New(c)
	for _, target := range reads {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		before := returned
		w := request(door, "GET", target+separator+"as_of=3", "")
		if w.Code != 200 || w.Header().Get("Virtuous6-As-Of") != "what was known at position 3" || returned != before+1 {
			t.Errorf("%s: %d %s, given back %d times", target, w.Code, w.Header(), returned-before)
		}
		if w := request(door, "GET", target, ""); w.Header().Get("Virtuous6-As-Of") != "" || returned != before+1 {
			t.Errorf("%s now: %s", target, w.Header())
		}
	}
	if w := request(door, "GET", "/api/runs?as_of=3", ""); len(decode[[]any](t, w)) != 1 {
		t.Errorf("got %s, want the one run of then", w.Body)
	}
	before := returned
	if w := request(door, "GET", "/api/runs/r3?as_of=3", ""); w.Code != 404 || returned != before+1 {
		t.Errorf("a run of later: %d %s, given back %d times", w.Code, w.Body, returned-before)
	}
	if w := request(door, "GET", "/api/runs?as_of=soon", ""); w.Code != 422 || !strings.Contains(w.Body.String(), "soon") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := request(door, "GET", "/api/runs?as_of=4", ""); w.Code != 503 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := request(web.New(config(reader{}, &log{})), "GET", "/api/runs?as_of=3", ""); w.Code != 422 {
		t.Errorf("without a past: %d %s", w.Code, w.Body)
	}
}

// Every read can be of another workspace, now and then.
func TestReadsAnswerAboutAWorkspace(t *testing.T) {
	t.Parallel()
	c := config(reader{runs: threeRuns()}, &log{})
	returned := 0
	c.Past = then(&returned)
	door := web.New(c)
	for _, target := range reads {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		if w := request(door, "GET", target+separator+"workspace=team", ""); w.Code != 200 && !strings.HasPrefix(target, "/api/runs/") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	for _, target := range []string{"/api/runs?workspace=team", "/api/runs?workspace=team&as_of=3"} {
		if w := request(door, "GET", target, ""); !strings.Contains(w.Body.String(), `"run":"in team"`) {
			t.Errorf("%s: got %s", target, w.Body)
		}
	}
	for _, target := range []string{"/api/runs", "/api/tasks"} {
		if w := request(door, "GET", target+"?workspace="+strings.Repeat("x", 65), ""); w.Code != 422 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestCancelRun(t *testing.T) {
	t.Parallel()
	c := config(reader{}, &log{})
	c.Cancel = func(_ context.Context, c commands.CancelRun) (bool, error) {
		if c.Run == "unknown" {
			return false, errRefused
		}
		return c.Run == "r1" && c.Reason == "enough", nil
	}
	door := web.New(c)
	for run, want := range map[string]struct {
		code int
		says string
	}{
		"r1": {http.StatusOK, `"cancelled":true`}, "ended": {http.StatusOK, `"cancelled":false`}, "unknown": {http.StatusUnprocessableEntity, "exists already"},
	} {
		w := request(door, "POST", "/api/runs/"+run+"/cancel", `{"reason":"enough"}`)
		if w.Code != want.code || !strings.Contains(w.Body.String(), want.says) {
			t.Errorf("%s: %d %s", run, w.Code, w.Body)
		}
	}
}

// A route takes what only a run's id begins with, and says so where several do.
func TestARunIsReadByTheBeginningOfItsID(t *testing.T) {
	t.Parallel()
	door := web.New(config(reader{runs: []projections.RunRow{{Run: "abc"}, {Run: "abd"}, {Run: "xyz"}}}, &log{}))
	for _, tt := range []struct {
		path, says string
		code       int
	}{
		{"/api/runs/abc", `"run":"abc"`, http.StatusOK},
		{"/api/runs/x", `"run":"xyz"`, http.StatusOK},
		{"/runs/x", "Run xyz", http.StatusOK},
		{"/api/runs/ab", `2 runs begin with`, http.StatusUnprocessableEntity},
		{"/api/runs/q", "not found", http.StatusNotFound},
	} {
		if w := request(door, "GET", tt.path, ""); w.Code != tt.code || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: %d %s", tt.path, w.Code, w.Body)
		}
	}
}

func TestARunTellsOfItsProvidersCache(t *testing.T) {
	t.Parallel()
	cfg := config(reader{runs: threeRuns()}, &log{})
	caching := func() []map[string]any {
		w := request(web.New(cfg), "GET", "/api/runs/r1", "")
		return decode[struct{ Caching []map[string]any }](t, w).Caching
	}
	if got := caching(); got == nil || len(got) > 0 {
		t.Errorf("of nothing known: %v", got)
	}
	cfg.Caching = func(_ context.Context, run *projections.RunRow, _ []projections.StepRow) ([]answers.CacheUse, error) {
		return []answers.CacheUse{{Step: 2, Read: 10, Of: 1660, Lost: answers.ToolsLoss}}, map[bool]error{false: errAway}[run.Run == "r1"]
	}
	if got := caching(); len(got) != 1 || got[0]["lost"] != "tools" || got[0]["of_tokens"] != 1660.0 {
		t.Errorf("%v", got)
	}
	if w := request(web.New(cfg), "GET", "/api/runs/r2", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without a store: %d", w.Code)
	}
}
