package projections

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// metricKey is the key of metrics.
type metricKey struct {
	dimension Dimension
	name, day string
}

var metricTable = readmodel.NewTable("metrics", readmodel.TableOf[metricKey, MetricRow]{
	Key: func(r *MetricRow) metricKey { return metricKey{r.Dimension, r.Name, r.Day} },
	Fresh: func(k metricKey, r *MetricRow) {
		r.Dimension, r.Name, r.Day = k.dimension, strings.Clone(k.name), k.day
	},
	Share: 2,
	Weigh: func(*MetricRow) int { return 64 },
	Row: []readmodel.ColumnOf[MetricRow]{
		readmodel.Key(readmodel.Symbol("dimension", func(r *MetricRow) *Dimension { return &r.Dimension })),
		readmodel.Key(readmodel.Symbol("name", func(r *MetricRow) *string { return &r.Name })),
		readmodel.Key(readmodel.Symbol("day", func(r *MetricRow) *string { return &r.Day })),
		readmodel.Int("runs", func(r *MetricRow) *int64 { return &r.Runs }),
		readmodel.Int("succeeded", func(r *MetricRow) *int64 { return &r.Succeeded }),
		readmodel.Int("failed", func(r *MetricRow) *int64 { return &r.Failed }),
		readmodel.Int("cancelled", func(r *MetricRow) *int64 { return &r.Cancelled }),
		readmodel.Int("unrated", func(r *MetricRow) *int64 { return &r.Unrated }),
		readmodel.Int("steps", func(r *MetricRow) *int64 { return &r.Steps }),
		readmodel.Int("failed_steps", func(r *MetricRow) *int64 { return &r.FailedSteps }),
		readmodel.Int("input_tokens", func(r *MetricRow) *int64 { return &r.InputTokens }),
		readmodel.Int("output_tokens", func(r *MetricRow) *int64 { return &r.OutputTokens }),
		readmodel.Int("cost_nanos", func(r *MetricRow) *events.Nanos { return &r.CostNanos }),
	},
})

// metrics keeps steps on the day they end, runs on the day they end. What a run cost beyond its steps is the workflow's.
var metrics = readmodel.Projection{
	Name: "metrics", Version: 1, Tables: []readmodel.AnyTable{metricTable},
	Bind: bindMetrics,
}

// metricFold is the fold into metrics.
type metricFold struct {
	metrics *readmodel.Cache[metricKey, MetricRow]
	run     *runFact
}

func bindMetrics(w *readmodel.WorkingSet) readmodel.Fold {
	return (&metricFold{metricTable.In(w), factOfRun.In(w)}).fold
}

func (w *metricFold) fold(f *readmodel.Fact) error {
	if e, ok := f.Event.(events.RunStepFinished); ok {
		return w.countStep(e)
	}
	if !w.run.ended() {
		return nil
	}
	r := w.run.row
	if err := w.countRun(ByWorkflow, r.Workflow); err != nil {
		return err
	}
	for _, set := range []struct {
		by    Dimension
		names []string
	}{{ByAgent, r.Agents}, {ByModel, r.Models}, {ByTool, r.Tools}} {
		for _, name := range set.names {
			if err := w.countRun(set.by, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *metricFold) countStep(e events.RunStepFinished) error {
	for _, d := range [...]struct {
		by   Dimension
		name string
	}{{ByWorkflow, w.run.step.Workflow}, {ByAgent, w.run.step.Agent}, {ByModel, w.run.step.Model}, {ByTool, w.run.step.Tool}} {
		if d.name == "" {
			continue
		}
		m, err := w.metrics.Row(metricKey{d.by, d.name, w.run.day})
		if err != nil {
			return err
		}
		m.Steps++
		if e.Outcome == events.Failed {
			m.FailedSteps++
		}
		m.InputTokens = saturate(m.InputTokens, e.InputTokens)
		m.OutputTokens = saturate(m.OutputTokens, e.OutputTokens)
		m.CostNanos = saturate(m.CostNanos, e.CostNanos)
	}
	return nil
}

func (w *metricFold) countRun(by Dimension, name string) error {
	m, err := w.metrics.Row(metricKey{by, name, w.run.day})
	if err != nil {
		return err
	}
	m.Runs++
	tally(w.run.row.Outcome, &m.Succeeded, &m.Failed, &m.Cancelled, &m.Unrated)
	if by == ByWorkflow {
		m.CostNanos = saturate(m.CostNanos, w.run.row.CostNanos-w.run.row.stepCost)
	}
	return nil
}
