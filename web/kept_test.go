package web_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/web"
)

// counted is read models that count how often their metrics are read, and tell that by the number of runs.
type counted struct {
	reader
	at    *atomic.Pointer[readmodel.Checkpoint]
	reads *atomic.Int64
	// before, if any, is done in each read.
	before func(context.Context) error
}

func newCounted() counted {
	c := counted{at: new(atomic.Pointer[readmodel.Checkpoint]), reads: new(atomic.Int64)}
	c.at.Store(&readmodel.Checkpoint{Generation: 1, Position: 7})
	return c
}

func (c counted) In(string) projections.Reader { return c }

func (c counted) Checkpoint(context.Context) (readmodel.Checkpoint, error) { return *c.at.Load(), nil }

func (c counted) Report(ctx context.Context, _ projections.MetricsFilter) (projections.Report, error) {
	n := c.reads.Add(1)
	if c.before != nil {
		if err := c.before(ctx); err != nil {
			return projections.Report{}, err
		}
	}
	return projections.Report{Metrics: projections.Metrics{Runs: n}}, nil
}

func TestAnAnswerIsKeptWhileTheReadModelsStandStill(t *testing.T) {
	t.Parallel()
	c := newCounted()
	cfg := config(c, &log{})
	cfg.Past = func(context.Context, string) (web.Past, error) {
		return web.Past{Reader: c, Of: "then", Done: func() {}}, nil
	}
	door := web.New(cfg)
	for _, step := range []struct {
		target string
		at     *readmodel.Checkpoint
		runs   int
	}{
		{"/api/metrics", nil, 1},
		{"/api/metrics", nil, 1},
		{"/api/metrics?until=2026-11-22", nil, 2}, // another question
		{"/api/metrics?workspace=a", nil, 3},
		{"/api/metrics", &readmodel.Checkpoint{Generation: 1, Position: 8}, 4}, // a fact
		{"/api/metrics", nil, 4},
		{"/api/metrics?until=2026-11-22", nil, 5},                              // what was kept of before is gone
		{"/api/metrics", &readmodel.Checkpoint{Generation: 2, Position: 8}, 6}, // a rebuild, as where somebody is forgotten
		{"/api/metrics?as_of=5", nil, 7},                                       // the past changes by itself
		{"/api/metrics?as_of=5", nil, 8},
	} {
		if step.at != nil {
			c.at.Store(step.at)
		}
		w := request(door, "GET", step.target, "")
		if want := fmt.Sprintf(`"runs":%d,`, step.runs); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s gives %d %s, want %s", step.target, w.Code, w.Body, want)
		}
		if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", step.target, w.Header())
		}
	}
}

// A run's page has its texts from the log, and a long list is not held in memory.
func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	reads := 0
	cfg := config(longList{}, &log{})
	cfg.Texts = func(context.Context, *projections.RunRow) error { reads++; return nil }
	cfg.Reader = reader{runs: threeRuns()}
	door := web.New(cfg)
	for range 2 {
		if w := request(door, "GET", "/api/runs/r1", ""); w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
	}
	if reads != 2 {
		t.Errorf("the texts of a run were read %d times, want 2", reads)
	}
	cfg.Reader = longList{}
	door = web.New(cfg)
	first, again := request(door, "GET", "/api/runs?limit=20", ""), request(door, "GET", "/api/runs?limit=20", "")
	if first.Body.Len() < 400_000 || first.Body.String() != again.Body.String() {
		t.Errorf("%d bytes, then %d", first.Body.Len(), again.Body.Len())
	}
}

func TestThoseWhoAskTheSameAtOnceShareAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, open := newCounted(), make(chan struct{})
		c.before = func(context.Context) error { <-open; return nil }
		door := web.New(config(c, &log{}))
		var wait sync.WaitGroup
		ask := func(want int) {
			for range 8 {
				wait.Go(func() {
					if w := request(door, "GET", "/api/metrics", ""); !strings.Contains(w.Body.String(), fmt.Sprintf(`"runs":%d,`, want)) {
						t.Errorf("%d %s, want that of read %d", w.Code, w.Body, want)
					}
				})
			}
			synctest.Wait()
		}
		ask(1)
		// Who comes behind a fact gets nothing that was begun before it.
		c.at.Store(&readmodel.Checkpoint{Generation: 1, Position: 8})
		ask(2)
		close(open)
		wait.Wait()
		if n := c.reads.Load(); n != 2 {
			t.Errorf("%d reads", n)
		}
	})
}

// What becomes of the one who asked first is nobody else's affair.
func TestWhoWaitsForAnAnswerThatFailsAsksAnew(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"an error": func() error { return errors.New("the disk fails") },
		"a panic":  func() error { panic("a mistake") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, open := newCounted(), make(chan struct{})
				c.before = func(context.Context) error {
					if c.reads.Load() == 1 {
						<-open
						return fail()
					}
					return nil
				}
				door := web.New(config(c, &log{}))
				var wait sync.WaitGroup
				wait.Go(func() {
					if w := request(door, "GET", "/api/metrics", ""); w.Code != 500 {
						t.Errorf("the first: %d %s", w.Code, w.Body)
					}
				})
				synctest.Wait()
				wait.Go(func() {
					if w := request(door, "GET", "/api/metrics", ""); w.Code != 200 {
						t.Errorf("the second: %d %s", w.Code, w.Body)
					}
				})
				synctest.Wait()
				close(open)
				wait.Wait()
			})
		})
	}
}

func (c counted) Runs(context.Context, projections.RunFilter) iter.Seq2[projections.RunRow, error] {
	c.reads.Add(1)
	return func(func(projections.RunRow, error) bool) {}
}

func (c counted) Patterns(context.Context, projections.PatternKind, string, int) iter.Seq2[projections.PatternRow, error] {
	c.reads.Add(1)
	return func(func(projections.PatternRow, error) bool) {}
}

// The longest lists are those that are kept for the most.
func TestRunsAndPatternsAreKeptToo(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/api/runs?limit=5", "/api/patterns"} {
		c := newCounted()
		door := web.New(config(c, &log{}))
		for range 3 {
			if w := request(door, http.MethodGet, target, ""); w.Code != http.StatusOK || w.Body.String() != "[]\n" {
				t.Errorf("%s: %d %q", target, w.Code, w.Body)
			}
		}
		if n := c.reads.Load(); n != 1 {
			t.Errorf("%s: %d reads", target, n)
		}
	}
}

// A token's workspace is part of the question.
func TestWhatIsKeptOfAWorkspaceIsShownInNoOther(t *testing.T) {
	t.Parallel()
	cfg := config(reader{runs: threeRuns()}, &log{})
	cfg.Login = true
	cfg.Token = func(_ context.Context, token string) (web.Caller, error) {
		return web.Caller{Name: token, Scopes: []events.Scope{events.ScopeRead}, Workspace: strings.TrimPrefix(token, web.TokenPrefix)}, nil
	}
	door := web.New(cfg)
	for range 2 {
		for _, workspace := range []string{"a", "b"} {
			w := request(door, http.MethodGet, "/api/runs", "", "Authorization", "Bearer "+web.TokenPrefix+workspace)
			if !strings.Contains(w.Body.String(), `"in `+workspace+`"`) {
				t.Errorf("%s sees %d %s", workspace, w.Code, w.Body)
			}
		}
	}
}
