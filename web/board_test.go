package web_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/web"
)

// painted is a reader with something to look at.
type painted struct{ reader }

func (p painted) Daily(context.Context, projections.Dimension) ([]projections.MetricRow, error) {
	return []projections.MetricRow{
		{Name: "ask", Day: projections.AllDays, Runs: 99},
		{Name: "ask", Day: "2030-05-01", Runs: 4, Succeeded: 1, Failed: 3}, {Name: "ship", Day: "2030-05-01", Runs: 4, Succeeded: 4},
		{Name: "ask", Day: "2030-05-02", Runs: 1000, Succeeded: 1000},
	}, p.err
}

func (painted) Loop(context.Context) (projections.LoopRow, error) {
	return projections.LoopRow{Paused: true, By: "user:anna", Reason: "the <prices> change", Since: noon}, nil
}

func (p painted) Improvements(_ context.Context, status string) ([]projections.ImprovementRow, error) {
	var all []projections.ImprovementRow
	for i := range 8 {
		all = append(all, projections.ImprovementRow{
			Improvement: fmt.Sprint("i", i), Status: status, Reason: fmt.Sprint("reason ", i),
			Expected: events.Expected{Metric: "success_rate", Change: .1, Low: float64(i) / 100, High: .2},
		})
	}
	return all, p.err
}

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`

func TestTheBoardShowsOneScreen(t *testing.T) {
	t.Parallel()
	door := web.New(config(painted{reader{position: 41, runs: []projections.RunRow{{Run: "r/1 ?", Prompt: hostile, Workflow: hostile, Outcome: events.Succeeded}}}}, &log{}))
	w := request(door, "GET", "/", "")
	body := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("%d %v %s", w.Code, w.Header(), body)
	}
	// 5 of 8 that ended on the first day succeeded; the sum of all days is no day.
	for _, want := range []string{
		"100%</b>", "2030-05-01: 8 runs, 62% success", "2030-05-02: 1000 runs, 100% success", "1,000 runs", `href="/runs/r%2F1%20%3F"`, "+10 points (+7 to +20)", "log position 41", "paused</b> by user:anna since 6 May 2030", "the <prices> change",
	} {
		if !strings.Contains(html.UnescapeString(body), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "9999") || strings.Count(body, "improvements approve") != 5 || strings.Index(body, "reason 7") > strings.Index(body, "reason 6") || strings.Contains(body, "reason 2") {
		t.Errorf("not the five best proposals, the best first: %s", body)
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "<img") || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("a hostile text is not inert: %s", body)
	}
	w = request(door, "GET", "/runs/r%2F1%20%3F", "")
	if body := w.Body.String(); w.Code != http.StatusOK || strings.Contains(body, "<script") || !strings.Contains(body, "&lt;script") || !strings.Contains(body, "think") {
		t.Errorf("%d %s", w.Code, body)
	}
	if w := request(door, "GET", "/runs/none", ""); w.Code != http.StatusNotFound {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := request(door, "GET", "/board.css", ""); w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestTheBoardTellsNobodyOfItsTroubles(t *testing.T) {
	t.Parallel()
	door := web.New(config(painted{reader{err: errors.New("password=hunter2"), runs: threeRuns()}}, &log{}))
	for _, path := range []string{"/", "/runs/" + threeRuns()[0].Run} {
		if w := request(door, "GET", path, ""); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
