package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// reader is the Reader over any engine. Each call reads one snapshot.
type reader struct {
	engine Engine
	shape  string
}

// snapshot begins to read, and checks that the tables are those that this program knows.
func snapshot(ctx context.Context, e Engine, shape string) (Snapshot, Checkpoint, error) {
	s, err := e.Snapshot(ctx)
	if err != nil {
		return nil, Checkpoint{}, err
	}
	at, err := s.Checkpoint()
	if err == nil && at.Shape != shape {
		err = ErrOutdated
	}
	if err != nil {
		s.Close()
		return nil, Checkpoint{}, err
	}
	return s, at, nil
}

// Fixed has f read one state of the read models, whatever is folded meanwhile. What it gives is f's until f returns, and not
// for two goroutines at a time.
func (m *Models) Fixed(ctx context.Context, f func(Reader) error) error {
	s, _, err := snapshot(ctx, m.engine, m.shape)
	if err != nil {
		return fmt.Errorf("read one state: %w", err)
	}
	defer s.Close()
	return f(&reader{engine: fixed{Engine: m.engine, state: s}, shape: m.shape})
}

// fixed is an Engine whose snapshots are one and the same.
type fixed struct {
	Engine
	state Snapshot
}

// Snapshot implements Engine.
func (f fixed) Snapshot(context.Context) (Snapshot, error) { return lent{f.state}, nil }

// lent is a Snapshot that another closes.
type lent struct{ Snapshot }

// Close implements Snapshot.
func (lent) Close() {}

// errStop ends a scan whose consumer has seen enough.
var errStop = errors.New("stop")

// rows yields the rows that a query finds.
func rows[K comparable, R any](ctx context.Context, r *reader, t *spec[K, R], q Query) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		s, _, err := snapshot(ctx, r.engine, r.shape)
		if err == nil {
			defer s.Close()
			q.Table = &t.Table
			err = scan(s, t, &q, func(row *R) error {
				if !yield(*row, nil) {
					return errStop
				}
				return nil
			})
		}
		if err != nil && !errors.Is(err, errStop) {
			var none R
			yield(none, fmt.Errorf("read %s: %w", t.Name, err))
		}
	}
}

// scan decodes the rows that a query for all columns finds, or for the first ones.
func scan[K comparable, R any](s Scanner, t *spec[K, R], q *Query, each func(*R) error) error {
	columns := len(t.columns)
	if q.Columns != nil {
		columns = len(q.Columns)
	}
	return s.Scan(q, func(src Source) error {
		var row R
		if err := t.decodeSome(&row, src, columns); err != nil {
			return err
		}
		return each(&row)
	})
}

func collect[R any](seq iter.Seq2[R, error]) ([]R, error) {
	var all []R
	for row, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// only is the condition that a text column has a value, or none where the value is empty.
func only[T ~string](column string, want T) []Condition {
	if want == "" {
		return nil
	}
	return []Condition{{Column: column, Text: string(want)}}
}

func ascending(columns ...string) []Order {
	order := make([]Order, len(columns))
	for i, c := range columns {
		order[i].Column = c
	}
	return order
}

// Position implements Reader.
func (r *reader) Position(ctx context.Context) (uint64, error) {
	s, at, err := snapshot(ctx, r.engine, r.shape)
	if err != nil {
		return 0, fmt.Errorf("read position: %w", err)
	}
	s.Close()
	return at.Position, nil
}

// Runs implements Reader.
func (r *reader) Runs(ctx context.Context, f RunFilter) iter.Seq2[RunRow, error] {
	q := Query{
		Columns: runTable.names(withoutSteps),
		Where:   slices.Concat(only("workflow", f.Workflow), only("task", f.Task), only("outcome", f.Outcome), f.starts()),
		Order:   []Order{{Column: "first_position", Descending: true}},
	}
	if f.Agent == "" {
		q.Limit = f.Limit
		return rows(ctx, r, runTable, q)
	}
	return func(yield func(RunRow, error) bool) {
		n := 0
		for row, err := range rows(ctx, r, runTable, q) {
			if err == nil && !slices.Contains(row.Agents, f.Agent) {
				continue
			}
			if n++; !yield(row, err) || n == f.Limit {
				return
			}
		}
	}
}

// starts bounds the start. A run whose start isn't known lies in no bounds.
func (f RunFilter) starts() []Condition {
	var all []Condition
	if !f.Since.IsZero() {
		all = append(all, Condition{Column: "started_at", Op: AtLeast, Int: unixNanos(f.Since)})
	}
	if !f.Until.IsZero() {
		all = append(all, Condition{Column: "started_at", Op: Below, Int: unixNanos(f.Until)})
	}
	if all != nil {
		all = append(all, Condition{Column: "started_at", Op: NotEqual})
	}
	return all
}

// Run implements Reader.
func (r *reader) Run(ctx context.Context, run string) (RunRow, []StepRow, error) {
	s, _, err := snapshot(ctx, r.engine, r.shape)
	if err != nil {
		return RunRow{}, nil, fmt.Errorf("read run %s: %w", run, err)
	}
	defer s.Close()
	var found *RunRow
	q := byKey(&runTable.Table, 1)
	q.Where[0].Text = run
	err = scan(s, runTable, &q, func(row *RunRow) error {
		found = row
		return nil
	})
	if err == nil && found == nil {
		err = ErrNotFound
	}
	if err != nil {
		return RunRow{}, nil, fmt.Errorf("read run %s: %w", run, err)
	}
	steps := found.steps
	found.steps = nil
	return *found, steps, nil
}

// RunSteps implements Reader.
func (r *reader) RunSteps(ctx context.Context, workflow string) iter.Seq2[RunSteps, error] {
	return func(yield func(RunSteps, error) bool) {
		q := Query{Where: only("workflow", workflow), Order: ascending("first_position")}
		for row, err := range rows(ctx, r, runTable, q) {
			steps := row.steps
			row.steps = nil
			if !yield(RunSteps{Run: row, Steps: steps}, err) {
				return
			}
		}
	}
}

// Patterns implements Reader.
func (r *reader) Patterns(ctx context.Context, kind PatternKind, workflow string) iter.Seq2[PatternRow, error] {
	return rows(ctx, r, patternTable, Query{
		Where: slices.Concat(only("workflow", workflow), []Condition{{Column: "kind", Text: string(kind)}}),
		Order: []Order{{Column: "workflow"}, {Column: "runs", Descending: true}, {Column: "steps"}},
	})
}

// Daily implements Reader.
func (r *reader) Daily(ctx context.Context, d Dimension) ([]MetricRow, error) {
	return collect(rows(ctx, r, metricTable, Query{
		Where: []Condition{{Column: "dimension", Text: string(d)}},
		Order: ascending("name", "day"),
	}))
}

// Agents implements Reader.
func (r *reader) Agents(ctx context.Context) ([]AgentRow, error) {
	return collect(rows(ctx, r, agentTable, Query{Order: ascending("agent")}))
}

// Tasks implements Reader.
func (r *reader) Tasks(ctx context.Context) ([]TaskRow, error) {
	return collect(rows(ctx, r, taskTable, Query{Order: ascending("workflow", "task")}))
}

// Feedback implements Reader.
func (r *reader) Feedback(ctx context.Context, run string) ([]FeedbackRow, error) {
	return collect(rows(ctx, r, feedbackTable, Query{Where: only("run", run), Order: ascending("position")}))
}

// Costs implements Reader.
func (r *reader) Costs(ctx context.Context) ([]CostRow, error) {
	return collect(rows(ctx, r, costTable, Query{Order: ascending("day", "workflow", "agent", "model")}))
}

// Improvements implements Reader.
func (r *reader) Improvements(ctx context.Context, status string) ([]ImprovementRow, error) {
	return collect(rows(ctx, r, improvementTable, Query{
		Where: only("status", status),
		Order: []Order{{Column: "position", Descending: true}},
	}))
}

// Runbooks implements Reader.
func (r *reader) Runbooks(ctx context.Context) ([]RunbookRow, error) {
	return collect(rows(ctx, r, runbookTable, Query{Order: ascending("runbook")}))
}

// Parked implements Reader.
func (r *reader) Parked(ctx context.Context) ([]ParkedRow, error) {
	return collect(rows(ctx, r, parkedTable, Query{Order: ascending("position", "projection")}))
}

// Budgets implements Reader.
func (r *reader) Budgets(ctx context.Context) ([]BudgetRow, error) {
	return collect(rows(ctx, r, budgetTable, Query{Order: ascending("budget")}))
}

var (
	_ Reader = (*reader)(nil)
)
