package projections

import (
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// metricKey is the key of metrics.
type metricKey struct {
	dimension Dimension
	name, day string
}

var metricTable = of("metrics", spec[metricKey, MetricRow]{
	key: func(r *MetricRow) metricKey { return metricKey{r.Dimension, r.Name, r.Day} },
	fresh: func(k metricKey) MetricRow {
		return MetricRow{Dimension: k.dimension, Name: strings.Clone(k.name), Day: k.day}
	},
	weigh: func(*MetricRow) int { return 64 },
	columns: []column[MetricRow]{
		key(symbol("dimension", func(r *MetricRow) *Dimension { return &r.Dimension })),
		key(symbol("name", func(r *MetricRow) *string { return &r.Name })),
		key(symbol("day", func(r *MetricRow) *string { return &r.Day })),
		integer("runs", func(r *MetricRow) *int64 { return &r.Runs }),
		integer("succeeded", func(r *MetricRow) *int64 { return &r.Succeeded }),
		integer("failed", func(r *MetricRow) *int64 { return &r.Failed }),
		integer("cancelled", func(r *MetricRow) *int64 { return &r.Cancelled }),
		integer("unrated", func(r *MetricRow) *int64 { return &r.Unrated }),
		integer("steps", func(r *MetricRow) *int64 { return &r.Steps }),
		integer("failed_steps", func(r *MetricRow) *int64 { return &r.FailedSteps }),
		integer("input_tokens", func(r *MetricRow) *int64 { return &r.InputTokens }),
		integer("output_tokens", func(r *MetricRow) *int64 { return &r.OutputTokens }),
		integer("cost_nanos", func(r *MetricRow) *events.Nanos { return &r.CostNanos }),
	},
})

// foldMetric keeps metrics: steps on the day they end, runs on the day they end. What a run cost beyond its steps is
// the workflow's.
func foldMetric(w *workingSet, f *fact) error {
	if e, ok := f.Event.(events.RunStepFinished); ok {
		return w.countStep(f, e)
	}
	if !f.ended() {
		return nil
	}
	r := f.run
	if err := w.countRun(f, ByWorkflow, r.Workflow); err != nil {
		return err
	}
	for _, set := range []struct {
		by    Dimension
		names []string
	}{{ByAgent, r.Agents}, {ByModel, r.Models}, {ByTool, r.Tools}} {
		for _, name := range set.names {
			if err := w.countRun(f, set.by, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *workingSet) countStep(f *fact, e events.RunStepFinished) error {
	for _, d := range [...]struct {
		by   Dimension
		name string
	}{{ByWorkflow, f.step.Workflow}, {ByAgent, f.step.Agent}, {ByModel, f.step.Model}, {ByTool, f.step.Tool}} {
		if d.name == "" {
			continue
		}
		m, err := w.metrics.row(metricKey{d.by, d.name, f.day})
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

func (w *workingSet) countRun(f *fact, by Dimension, name string) error {
	m, err := w.metrics.row(metricKey{by, name, f.day})
	if err != nil {
		return err
	}
	m.Runs++
	tally(f.run.Outcome, &m.Succeeded, &m.Failed, &m.Cancelled, &m.Unrated)
	if by == ByWorkflow {
		m.CostNanos = saturate(m.CostNanos, f.run.CostNanos-f.run.stepCost)
	}
	return nil
}
