package projections

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// reader is the Reader over any engine. Each call reads one snapshot.
type reader struct {
	readmodel.View
	workspace string
	// seen is nil where each call reads a state of its own.
	seen *seen
}

// In implements Reader.
func (r *reader) In(workspace string) Reader {
	in := &reader{View: r.View, workspace: workspace}
	if r.seen != nil {
		in.seen = &seen{}
	}
	return in
}

// where narrows a query to the reader's workspace, and to what meets the conditions.
func (r *reader) where(conditions ...[]readmodel.Condition) []readmodel.Condition {
	return append(slices.Concat(conditions...), readmodel.Condition{Column: "workspace", Text: r.workspace})
}

// Runs implements Reader.
func (r *reader) Runs(ctx context.Context, f RunFilter) iter.Seq2[RunRow, error] {
	return func(yield func(RunRow, error) bool) {
		err := r.Fixed(ctx, func(v readmodel.View) error {
			j, err := r.judged(ctx, v, f.Limit)
			if err != nil {
				return err
			}
			if j.narrows(f.Outcome) && j.all == nil {
				if j, err = r.judged(ctx, v, 0); err != nil {
					return err
				}
			}
			for row, err := range r.rows(ctx, f, v, j) {
				if err == nil {
					err = j.of(ctx, &row)
				}
				if err != nil || !yield(row, nil) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			yield(RunRow{}, err)
		}
	}
}

// rows yields the runs, without their verdicts where each is to be asked for.
func (r *reader) rows(ctx context.Context, f RunFilter, v readmodel.View, j *judgedRuns) iter.Seq2[RunRow, error] {
	outcome := f.Outcome
	if j.narrows(outcome) {
		outcome = ""
	}
	q := readmodel.Query{
		Columns: runTable.Names(withoutSteps),
		Where:   r.where(readmodel.Only("workflow", f.Workflow), readmodel.Only("task", f.Task), readmodel.Only("conversation", f.Conversation), readmodel.Only("outcome", outcome), f.starts(), f.begins()),
		Order:   []readmodel.Order{{Column: "first_position", Descending: true}},
	}
	if f.Agent == "" && outcome == f.Outcome {
		q.Limit = f.Limit
	}
	found := readmodel.Rows(ctx, v, runTable, q)
	if f.Agent != "" || !f.Since.IsZero() || !f.Until.IsZero() {
		found = r.zoned(ctx, f, v, q)
	}
	all := r.narrowed(ctx, f, found, j)
	if !j.any || j.all != nil {
		return all
	}
	// A state answers one question at a time.
	few, err := readmodel.Collect(all)
	return func(yield func(RunRow, error) bool) {
		for _, row := range few {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			yield(RunRow{}, err)
		}
	}
}

// narrowed keeps the runs that no condition of a query picks.
func (r *reader) narrowed(ctx context.Context, f RunFilter, all iter.Seq2[RunRow, error], j *judgedRuns) iter.Seq2[RunRow, error] {
	if f.Agent == "" && !j.narrows(f.Outcome) {
		return all
	}
	return func(yield func(RunRow, error) bool) {
		n := 0
		for row, err := range all {
			if err == nil && f.Agent != "" && !slices.Contains(row.Agents, f.Agent) {
				continue
			}
			if err == nil && j.narrows(f.Outcome) {
				if err = j.of(ctx, &row); err == nil && row.Result() != f.Outcome {
					continue
				}
			}
			if n++; !yield(row, err) || n == f.Limit {
				return
			}
		}
	}
}

// begins bounds the id. No text of Unicode comes behind its greatest character.
func (f RunFilter) begins() []readmodel.Condition {
	if f.Begins == "" {
		return nil
	}
	return []readmodel.Condition{{Column: "run", Op: readmodel.AtLeast, Text: f.Begins}, {Column: "run", Op: readmodel.Below, Text: f.Begins + "\U0010ffff"}}
}

// starts bounds the start. A run whose start isn't known lies in no bounds.
func (f RunFilter) starts() []readmodel.Condition {
	var all []readmodel.Condition
	if !f.Since.IsZero() {
		all = append(all, readmodel.Condition{Column: "started_at", Op: readmodel.AtLeast, Int: readmodel.UnixNanos(f.Since)})
	}
	if !f.Until.IsZero() {
		all = append(all, readmodel.Condition{Column: "started_at", Op: readmodel.Below, Int: readmodel.UnixNanos(f.Until)})
	}
	if all != nil {
		all = append(all, readmodel.Condition{Column: "started_at", Op: readmodel.NotEqual})
	}
	return all
}

// Run implements Reader.
func (r *reader) Run(ctx context.Context, run string) (RunRow, []StepRow, error) {
	var found *RunRow
	err := r.Fixed(ctx, func(v readmodel.View) error {
		for row, err := range readmodel.Rows(ctx, v, runTable, readmodel.Query{Where: r.where(readmodel.Only("run", run))}) {
			if err != nil {
				return err
			}
			found = &row
		}
		if found == nil {
			return ErrNotFound
		}
		j, err := r.judged(ctx, v, 1)
		if err == nil {
			err = j.of(ctx, found)
		}
		return err
	})
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
		err := r.Fixed(ctx, func(v readmodel.View) error {
			j, err := r.judged(ctx, v, 0)
			if err != nil {
				return err
			}
			q := readmodel.Query{Where: r.where(readmodel.Only("workflow", workflow)), Order: readmodel.Ascending("first_position")}
			for row, err := range readmodel.Rows(ctx, v, runTable, q) {
				if err == nil {
					err = j.of(ctx, &row)
				}
				steps := row.steps
				row.steps = nil
				if err != nil || !yield(RunSteps{Run: row, Steps: steps}, nil) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			yield(RunSteps{}, err)
		}
	}
}

// Patterns implements Reader. A few rows are read workflow by workflow, which an index serves; all of them are sorted at once.
func (r *reader) Patterns(ctx context.Context, kind PatternKind, workflow string, limit int) iter.Seq2[PatternRow, error] {
	of := []readmodel.Condition{{Column: "kind", Text: string(kind)}}
	q := readmodel.Query{
		Where: r.where(readmodel.Only("workflow", workflow), of), Limit: limit,
		Order: []readmodel.Order{{Column: "workflow"}, {Column: "runs", Descending: true}, {Column: "steps"}},
	}
	if workflow != "" || limit == 0 {
		return readmodel.Rows(ctx, r.View, patternTable, q)
	}
	return func(yield func(PatternRow, error) bool) {
		err := r.Fixed(ctx, func(v readmodel.View) error {
			var behind []readmodel.Condition
			for {
				next, err := readmodel.Collect(readmodel.Rows(ctx, v, patternTable, readmodel.Query{
					Columns: patternTable.Names(1), Order: readmodel.Ascending("workflow"), Limit: 1,
					Where: r.where(of, behind),
				}))
				if err != nil || len(next) == 0 {
					return err
				}
				w := next[0].Workflow
				behind = []readmodel.Condition{{Column: "workflow", Op: readmodel.AtLeast, Text: w}, {Column: "workflow", Op: readmodel.NotEqual, Text: w}}
				q.Where = r.where(of, []readmodel.Condition{{Column: "workflow", Text: w}})
				for row, err := range readmodel.Rows(ctx, v, patternTable, q) {
					if err != nil {
						return err
					}
					if q.Limit--; !yield(row, nil) || q.Limit == 0 {
						return nil
					}
				}
			}
		})
		if err != nil {
			yield(PatternRow{}, err)
		}
	}
}

// Daily implements Reader.
func (r *reader) Daily(ctx context.Context, d Dimension) ([]MetricRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, metricTable, readmodel.Query{
		Columns: metricTable.Names(plainMetricColumns),
		Where:   r.where([]readmodel.Condition{{Column: "dimension", Text: string(d)}, {Column: "day", Op: readmodel.Below, Text: AllDays}}),
		Order:   readmodel.Ascending("name", "day"),
	}))
}

// Agents implements Reader.
func (r *reader) Agents(ctx context.Context) ([]AgentRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, agentTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("agent")}))
}

// AgentVersions implements Reader.
func (r *reader) AgentVersions(ctx context.Context, agent string) ([]AgentVersionRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, agentVersionTable, readmodel.Query{
		Where: r.where(readmodel.Only("agent", agent)), Order: readmodel.Ascending("agent", "version"),
	}))
}

// Tasks implements Reader.
func (r *reader) Tasks(ctx context.Context) ([]TaskRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, taskTable, readmodel.Query{Columns: taskTable.Names(plainTaskColumns), Where: r.where(), Order: readmodel.Ascending("workflow", "task")}))
}

// Feedback implements Reader.
func (r *reader) Feedback(ctx context.Context, run string) ([]FeedbackRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, feedbackTable, readmodel.Query{Where: r.where(readmodel.Only("run", run)), Order: readmodel.Ascending("position")}))
}

// Costs implements Reader.
func (r *reader) Costs(ctx context.Context) ([]CostRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, costTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("day", "workflow", "agent", "model")}))
}

// List implements Reader.
func (r *reader) List(ctx context.Context, l readmodel.List, where map[string]string, limit int) iter.Seq2[readmodel.Line, error] {
	return l.Read(ctx, r.View, r.where(), where, limit)
}

// Improvements implements Reader.
func (r *reader) Improvements(ctx context.Context, status string) ([]ImprovementRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, improvementTable, readmodel.Query{
		Where: r.where(readmodel.Only("status", status)),
		Order: []readmodel.Order{{Column: "position", Descending: true}},
	}))
}

// Experiments implements Reader.
func (r *reader) Experiments(ctx context.Context, status string) ([]ExperimentRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, experimentTable, readmodel.Query{
		Where: r.where(readmodel.Only("status", status)),
		Order: []readmodel.Order{{Column: "position", Descending: true}},
	}))
}

// Datasets implements Reader.
func (r *reader) Datasets(ctx context.Context, dataset string) ([]DatasetRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, datasetTable, readmodel.Query{
		Where: r.where(readmodel.Only("dataset", dataset)), Order: readmodel.Ascending("dataset", "position", "run"),
	}))
}

// Evals implements Reader.
func (r *reader) Evals(ctx context.Context, agent string) ([]EvalRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, evalTable, readmodel.Query{
		Where: r.where(readmodel.Only("agent", agent)), Order: []readmodel.Order{{Column: "position", Descending: true}},
	}))
}

// Judges implements Reader.
func (r *reader) Judges(ctx context.Context) ([]JudgeRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, judgeTable, readmodel.Query{
		Where: r.where(), Order: []readmodel.Order{{Column: "position", Descending: true}},
	}))
}

// Roles implements Reader.
func (r *reader) Roles(ctx context.Context) ([]RoleRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, roleTable, readmodel.Query{
		Where: r.where(), Order: []readmodel.Order{{Column: "position", Descending: true}},
	}))
}

// Analysts implements Reader.
func (r *reader) Analysts(ctx context.Context) ([]AnalystRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, analystTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("analyst")}))
}

// Loop implements Reader.
func (r *reader) Loop(ctx context.Context) (LoopRow, error) {
	rows, err := readmodel.Collect(readmodel.Rows(ctx, r.View, loopTable, readmodel.Query{Where: r.where()}))
	if err != nil || len(rows) == 0 {
		return LoopRow{Workspace: r.workspace}, err
	}
	return rows[0], nil
}

// Runbooks implements Reader.
func (r *reader) Runbooks(ctx context.Context) ([]RunbookRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, runbookTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("runbook")}))
}

// Verdicts implements Reader.
func (r *reader) Verdicts(ctx context.Context, limit int) iter.Seq2[VerdictRow, error] {
	return readmodel.Rows(ctx, r.View, verdictTable, readmodel.Query{Where: r.where(), Order: []readmodel.Order{{Column: "position", Descending: true}}, Limit: limit})
}

// Rules implements Reader.
func (r *reader) Rules(ctx context.Context) ([]RuleRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, ruleTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("workflow")}))
}

// Budgets implements Reader.
func (r *reader) Budgets(ctx context.Context) ([]BudgetRow, error) {
	var all []BudgetRow
	for row, err := range readmodel.Rows(ctx, r.View, budgetTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("budget")}) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(row.Budget, events.BudgetOfRun) {
			all = append(all, row)
		}
	}
	return all, nil
}

// Budget implements Reader.
func (r *reader) Budget(ctx context.Context, budget string) (BudgetRow, error) {
	for row, err := range readmodel.Rows(ctx, r.View, budgetTable, readmodel.Query{Where: r.where(readmodel.Only("budget", budget))}) {
		return row, err
	}
	return BudgetRow{}, ErrNotFound
}

// Tools implements Reader.
func (r *reader) Tools(ctx context.Context) ([]ToolRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, toolTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("tool")}))
}

// Skills implements Reader.
func (r *reader) Skills(ctx context.Context) ([]SkillRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, skillTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("skill")}))
}

// SkillTexts implements Reader.
func (r *reader) SkillTexts(ctx context.Context) ([]SkillTextRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, skillTextTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("skill", "digest")}))
}

// Triggers implements Reader.
func (r *reader) Triggers(ctx context.Context) ([]TriggerRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, triggerTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("trigger")}))
}

// Tokens implements Reader.
func (r *reader) Tokens(ctx context.Context) ([]TokenRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, tokenTable, readmodel.Query{Where: r.where(), Order: readmodel.Ascending("created_at", "token")}))
}

// Goals implements Reader.
func (r *reader) Goals(ctx context.Context) ([]GoalRow, error) {
	return readmodel.Collect(readmodel.Rows(ctx, r.View, goalTable, readmodel.Query{Where: r.where(), Order: []readmodel.Order{{Column: "goal", Descending: true}}}))
}

var (
	_ Reader = (*reader)(nil)
)
