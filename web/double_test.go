package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/web"
)

var noon = time.Date(2030, 5, 6, 12, 0, 0, 0, time.UTC)

// reader is the read models as literal rows.
type reader struct {
	projections.Reader
	position uint64
	runs     []projections.RunRow
	goals    *[]projections.GoalRow
	filter   *projections.RunFilter
	err      error
}

func (r reader) Goals(context.Context) ([]projections.GoalRow, error) {
	if r.goals == nil {
		return nil, r.err
	}
	return *r.goals, r.err
}

func (r reader) In(workspace string) projections.Reader {
	r.runs = []projections.RunRow{{Run: "in " + workspace}}
	return r
}

func (r reader) Checkpoint(context.Context) (readmodel.Checkpoint, error) {
	return readmodel.Checkpoint{Position: r.position}, r.err
}

func (r reader) Position(context.Context) (uint64, error) { return r.position, r.err }

func (r reader) Runs(_ context.Context, f projections.RunFilter) iter.Seq2[projections.RunRow, error] {
	if r.filter != nil {
		*r.filter = f
	}
	return func(yield func(projections.RunRow, error) bool) {
		if r.err != nil {
			yield(projections.RunRow{}, r.err)
			return
		}
		for i, row := range r.runs {
			if f.Limit > 0 && i == f.Limit || !yield(row, nil) {
				return
			}
		}
	}
}

func (r reader) Run(_ context.Context, run string) (projections.RunRow, []projections.StepRow, error) {
	for _, row := range r.runs {
		if row.Run == run {
			return row, []projections.StepRow{{Run: run, Name: "think"}, {Run: run, Step: 1, Name: "act"}}, r.err
		}
	}
	return projections.RunRow{}, nil, errors.Join(r.err, fmt.Errorf("run %s: %w", run, projections.ErrNotFound))
}

func (r reader) Patterns(_ context.Context, kind projections.PatternKind, workflow string, _ int) iter.Seq2[projections.PatternRow, error] {
	return func(yield func(projections.PatternRow, error) bool) {
		yield(projections.PatternRow{Kind: kind, Workflow: workflow, Steps: []string{"a", "b"}}, r.err)
	}
}

func (r reader) Report(context.Context, projections.MetricsFilter) (projections.Report, error) {
	m := projections.Metrics{Runs: 4, Succeeded: 3, Cost: events.Cost{CostNanos: 12_500_000, UnpricedCalls: 2}}
	return projections.Report{Metrics: m, ByWorkflow: map[string]projections.Metrics{"ask": m}}, r.err
}

func (r reader) Feedback(_ context.Context, run string) ([]projections.FeedbackRow, error) {
	return []projections.FeedbackRow{{Feedback: "f", Run: run}}, r.err
}
func (r reader) Parked(context.Context) ([]readmodel.ParkedRow, error) { return nil, r.err }

// List yields three agents, no tasks, and of other lists a line that shows what was asked for.
func (r reader) List(_ context.Context, l readmodel.List, where map[string]string, limit int) iter.Seq2[readmodel.Line, error] {
	return func(yield func(readmodel.Line, error) bool) {
		if r.err != nil {
			yield(readmodel.Line{}, r.err)
			return
		}
		row, line := l.Sample()
		switch row := row.(type) {
		case *projections.FeedbackRow:
			row.Run = where["run"]
		case *projections.ImprovementRow:
			row.Status = where["status"]
		}
		for range min(map[string]int{"agents": 3, "feedback": 1, "improvements": 1}[l.Name], limit) {
			if !yield(line(), nil) {
				return
			}
		}
	}
}

// Improvements is one that two ids begin as, and another.
// Agents are one, which can be asked.
func (r reader) Agents(context.Context) ([]projections.AgentRow, error) {
	return []projections.AgentRow{{Agent: "clerk"}}, r.err
}

func (r reader) Improvements(context.Context, string) ([]projections.ImprovementRow, error) {
	return []projections.ImprovementRow{{Improvement: "same-1"}, {Improvement: "same-2"}, {Improvement: "only-1"}}, r.err
}

func (r reader) Experiments(context.Context, string) ([]projections.ExperimentRow, error) {
	return nil, r.err
}

func (r reader) Analysts(context.Context) ([]projections.AnalystRow, error) { return nil, r.err }

func (r reader) Drawn(context.Context, string) ([]projections.DrawnRun, error) { return nil, r.err }

var (
	errRefused = errors.New("run exists already")
	errAway    = errors.New("the log is away")
)

// log carries out commands as a dispatcher does: the same command is a repeat, another one for the same stream is refused.
type log struct {
	commands []commands.Command
	err      error
}

func (l *log) dispatch(_ context.Context, cmds ...commands.Command) (commands.Receipt, error) {
	if l.err != nil {
		return commands.Receipt{}, l.err
	}
	for _, done := range l.commands {
		if done.About().ID == cmds[0].About().ID {
			return commands.Receipt{Position: 7, Repeated: true}, nil
		}
		if done.Stream() == cmds[0].Stream() {
			return commands.Receipt{}, errRefused
		}
	}
	l.commands = append(l.commands, cmds...)
	return commands.Receipt{Position: 7, Events: 1}, nil
}

func config(r projections.Reader, l *log) web.Config {
	ids := 0
	return web.Config{
		Reader: r, Dispatch: l.dispatch, Now: func() time.Time { return noon }, Workspace: "w",
		Head:    func(context.Context) (uint64, error) { return 100, nil },
		Refused: func(err error) bool { return errors.Is(err, errRefused) },
		Away:    func(err error) bool { return errors.Is(err, errAway) },
		NewID: func() uuid.UUID {
			ids++
			return events.NameID(noon, fmt.Sprint(ids))
		},
	}
}

// request asks the door. Headers come in pairs.
func request(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v
}

func threeRuns() []projections.RunRow {
	return []projections.RunRow{{Run: "r3", StartedAt: noon}, {Run: "r2"}, {Run: "r1", Workflow: "ask", Cost: events.Cost{CostNanos: 5}}}
}

// hangs is a store that answers no more.
type hangs struct{ reader }
