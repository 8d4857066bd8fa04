package answers

import (
	"context"
	"time"

	"github.com/virtuous6/virtuous6/projections"
)

// record is what reviews rest on, read once.
type record struct {
	period       Period
	since, until time.Time // until is exclusive
	targets      Targets
	report       projections.Report
	before       projections.Report
	improvements []projections.ImprovementRow
	experiments  []projections.ExperimentRow
	feedback     []projections.FeedbackRow
	patterns     []projections.PatternRow
	agents       []projections.AgentRow
	runbooks     []projections.RunbookRow
	goals        []projections.GoalRow
	budgets      []projections.BudgetRow
	// ways counts the runs of the period by the way that they took.
	ways map[string]int64
	runs int64
	// asked are the runs of the period that were asked of a live agent.
	asked []asked
	// spends and spent are what the runs of the period cost that ended, and those of the one before.
	spends, spent spend
}

func (w *record) in(t time.Time) bool {
	return w.since.IsZero() || !t.Before(w.since) && t.Before(w.until)
}

// earlier tells of the period before.
func (w *record) earlier(t time.Time) bool {
	return !t.Before(w.since.Add(w.since.Sub(w.until))) && t.Before(w.since)
}

func (w *record) read(ctx context.Context, r projections.Reader, days int) error {
	var err error
	read := func(f func() error) {
		if err == nil {
			err = f()
		}
	}
	read(func() (err error) {
		w.report, err = r.Report(ctx, filter(w.since, w.until.AddDate(0, 0, -1)))
		return err
	})
	read(func() (err error) {
		if !w.since.IsZero() {
			w.before, err = r.Report(ctx, filter(w.since.AddDate(0, 0, -days), w.since.AddDate(0, 0, -1)))
		}
		return err
	})
	read(func() (err error) { w.improvements, err = r.Improvements(ctx, ""); return err })
	read(func() (err error) { w.experiments, err = r.Experiments(ctx, ""); return err })
	read(func() (err error) { w.feedback, err = r.Feedback(ctx, ""); return err })
	read(func() (err error) { w.agents, err = r.Agents(ctx); return err })
	read(func() (err error) { w.runbooks, err = r.Runbooks(ctx); return err })
	read(func() (err error) { w.goals, err = r.Goals(ctx); return err })
	read(func() (err error) { w.budgets, err = r.Budgets(ctx); return err })
	read(func() error {
		for row, err := range r.Patterns(ctx, projections.VariantPattern, "", 0) {
			if err != nil {
				return err
			}
			if row.Runs > 1 {
				w.patterns = append(w.patterns, row)
			}
		}
		return nil
	})
	read(func() error {
		all, err := r.Report(ctx, projections.MetricsFilter{})
		w.runs = all.Runs
		return err
	})
	w.ways = map[string]int64{}
	read(func() error {
		since := w.since
		if !since.IsZero() {
			since = since.AddDate(0, 0, -days)
		}
		for row, err := range r.Runs(ctx, projections.RunFilter{Since: since, Until: w.until}) {
			if err != nil {
				return err
			}
			if row.StartedAt.Before(w.since) {
				if row.Outcome != projections.Running {
					w.spent.add(row.CostNanos)
				}
				continue
			}
			if row.Outcome != projections.Running {
				w.ways[wayKey(row.Workflow, row.Path())]++
				w.spends.add(row.CostNanos)
			}
			if row.Agent != "" {
				w.asked = append(w.asked, asked{row.Agent, row.StartedAt})
			}
		}
		return nil
	})
	return err
}
