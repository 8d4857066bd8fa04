package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/readmodel"
)

// MetricsFilter narrows metrics. The zero value is all runs.
type MetricsFilter struct {
	// Since and Until bound the UTC days on which runs ended, as "2026-11-22", inclusive both; empty is open. With one of
	// them, runs that have not ended and those that are undated are left out, and there is no pass^k: the trials of a task
	// lie on many days.
	Since, Until string
}

func (f MetricsFilter) all() bool { return f.Since == "" && f.Until == "" }

// spans are what rows to add up, each by its conditions: whole weeks by the rows of weeks, the days beside them by their own.
func (f MetricsFilter) spans() ([][]readmodel.Condition, error) {
	if f.all() {
		return [][]readmodel.Condition{{{Column: "day", Text: AllDays}}}, nil
	}
	// What is undated comes before all days and AllDays behind them, then the weeks.
	since, weeks, rest, until := "0", weekPrefix, weekPrefix+"~", ""
	if f.Since != "" {
		day, err := time.Parse(time.DateOnly, f.Since)
		if err != nil {
			return nil, err
		}
		since, weeks = f.Since, weekOf(day.AddDate(0, 0, 6))
	}
	if f.Until != "" {
		day, err := time.Parse(time.DateOnly, f.Until)
		if err != nil {
			return nil, err
		}
		day = day.AddDate(0, 0, 1)
		rest, until = weekOf(day), day.Format(time.DateOnly)
	}
	between := func(from, to string) []readmodel.Condition {
		return []readmodel.Condition{{Column: "day", Op: readmodel.AtLeast, Text: from}, {Column: "day", Op: readmodel.Below, Text: to}}
	}
	if f.Since != "" && f.Until != "" && weeks >= rest { // no whole week lies between them
		return [][]readmodel.Condition{between(since, until)}, nil
	}
	spans := [][]readmodel.Condition{between(weeks, rest)}
	if first := strings.TrimPrefix(weeks, weekPrefix); since < first {
		spans = append(spans, between(since, first))
	}
	if last := strings.TrimPrefix(rest, weekPrefix); last < until {
		spans = append(spans, between(last, until))
	}
	return spans, nil
}

// Report implements Reader. Ended runs come from their folded rows, open ones from their own.
func (r *reader) Report(ctx context.Context, f MetricsFilter) (Report, error) {
	b := reportBuilder{groups: make(map[groupKey]*group)}
	spans, err := f.spans()
	if err != nil {
		return Report{}, fmt.Errorf("read metrics: %w", err)
	}
	err = r.Fixed(ctx, func(v readmodel.View) error {
		for _, span := range spans {
			for row, err := range readmodel.Rows(ctx, v, metricTable, readmodel.Query{Where: r.where(span)}) {
				if err != nil {
					return err
				}
				b.of(row.Dimension, row.Name).merge(&row)
			}
		}
		if !f.all() {
			return nil
		}
		var figures figures
		for run, err := range (&reader{View: v, workspace: r.workspace}).open(ctx) {
			if err != nil {
				return err
			}
			for _, of := range figures.of(&run) {
				g := b.of(of.by, of.name)
				g.running++
				g.add(&of)
			}
		}
		return nil
	})
	if err != nil {
		return Report{}, fmt.Errorf("read metrics: %w", err)
	}
	return b.report(), nil
}

type groupKey struct {
	by   Dimension
	name string
}

// group adds up the runs of one workflow, agent, model or tool, or all.
type group struct {
	MetricRow
	running int64
}

type reportBuilder struct{ groups map[groupKey]*group }

func (b *reportBuilder) of(by Dimension, name string) *group {
	k := groupKey{by, name}
	g := b.groups[k]
	if g == nil {
		g = &group{}
		b.groups[k] = g
	}
	return g
}

func (g *group) metrics() Metrics {
	hats, over := g.trials.passHat()
	return Metrics{
		Runs: g.Runs, Succeeded: g.Succeeded, Failed: g.Failed, Cancelled: g.Cancelled, Unrated: g.Unrated, Judged: g.Judged, Running: g.running,
		Steps: g.Steps, FailedSteps: g.FailedSteps, InputTokens: g.InputTokens, OutputTokens: g.OutputTokens, Cost: g.Cost,
		Duration: g.durations.quantiles(), PassHat: hats, PassHatTasks: over,
	}
}

// report makes the total of the workflows: each run has one.
func (b *reportBuilder) report() Report {
	r := Report{
		ByWorkflow: make(map[string]Metrics), ByAgent: make(map[string]Metrics), ByModel: make(map[string]Metrics), ByTool: make(map[string]Metrics),
	}
	of := map[Dimension]map[string]Metrics{ByWorkflow: r.ByWorkflow, ByAgent: r.ByAgent, ByModel: r.ByModel, ByTool: r.ByTool}
	var total group
	for k, g := range b.groups {
		of[k.by][k.name] = g.metrics()
		if k.by == ByWorkflow {
			total.merge(&g.MetricRow)
			total.running += g.running
		}
	}
	r.Metrics = total.metrics()
	return r
}

// metricsJSON is the documented shape of Metrics.
type metricsJSON struct {
	plainMetrics
	CostUSD string `json:"cost_usd"`
	// UnpricedCalls counts the calls that the cost does not hold, since nobody knows theirs.
	UnpricedCalls int64 `json:"unpriced_calls"`
}

type plainMetrics Metrics

func (m Metrics) shape() metricsJSON {
	if m.PassHat == nil {
		m.PassHat, m.PassHatTasks = []float64{}, []int64{}
	}
	return metricsJSON{plainMetrics(m), m.CostNanos.String(), m.UnpricedCalls}
}

// MarshalJSON writes the shape that docs/cli.md describes, money as exact decimal text.
func (m Metrics) MarshalJSON() ([]byte, error) { return json.Marshal(m.shape()) }

// MarshalJSON writes the total's keys beside the maps by workflow, agent, model and tool.
func (r Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		metricsJSON
		ByWorkflow map[string]Metrics `json:"by_workflow"`
		ByAgent    map[string]Metrics `json:"by_agent"`
		ByModel    map[string]Metrics `json:"by_model"`
		ByTool     map[string]Metrics `json:"by_tool"`
	}{r.shape(), orEmpty(r.ByWorkflow), orEmpty(r.ByAgent), orEmpty(r.ByModel), orEmpty(r.ByTool)})
}

func orEmpty(m map[string]Metrics) map[string]Metrics {
	if m == nil {
		return map[string]Metrics{}
	}
	return m
}
