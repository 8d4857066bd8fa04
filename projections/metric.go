package projections

import (
	"slices"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// metricKey is the key of metrics.
type metricKey struct {
	workspace string
	dimension Dimension
	name, day string
}

var metricTable = readmodel.NewTable("metrics", readmodel.TableOf[metricKey, MetricRow]{
	Table: readmodel.Table{Indexes: []readmodel.Index{{Name: "metrics_by_day", Columns: []string{"workspace", "day"}}}},
	Key:   func(r *MetricRow) metricKey { return metricKey{r.Workspace, r.Dimension, r.Name, r.Day} },
	Fresh: func(k metricKey, r *MetricRow) {
		r.Workspace, r.Dimension, r.Name, r.Day = strings.Clone(k.workspace), k.dimension, strings.Clone(k.name), k.day
	},
	Share: 2,
	Weigh: func(r *MetricRow) int {
		return 64 + 8*cap(r.durations.few) + 8*cap(r.durations.buckets) + 24*cap(r.trials)
	},
	Row: []readmodel.ColumnOf[MetricRow]{
		readmodel.Key(readmodel.Symbol("workspace", func(r *MetricRow) *string { return &r.Workspace })),
		readmodel.Key(readmodel.Symbol("dimension", func(r *MetricRow) *Dimension { return &r.Dimension })),
		readmodel.Key(readmodel.Symbol("name", func(r *MetricRow) *string { return &r.Name })),
		readmodel.Key(readmodel.Symbol("day", func(r *MetricRow) *string { return &r.Day })),
		readmodel.Int("runs", func(r *MetricRow) *int64 { return &r.Runs }),
		readmodel.Int("succeeded", func(r *MetricRow) *int64 { return &r.Succeeded }),
		readmodel.Int("failed", func(r *MetricRow) *int64 { return &r.Failed }),
		readmodel.Int("cancelled", func(r *MetricRow) *int64 { return &r.Cancelled }),
		readmodel.Int("unrated", func(r *MetricRow) *int64 { return &r.Unrated }),
		readmodel.Int("judged", func(r *MetricRow) *int64 { return &r.Judged }),
		readmodel.Int("steps", func(r *MetricRow) *int64 { return &r.Steps }),
		readmodel.Int("failed_steps", func(r *MetricRow) *int64 { return &r.FailedSteps }),
		readmodel.Int("input_tokens", func(r *MetricRow) *int64 { return &r.InputTokens }),
		readmodel.Int("output_tokens", func(r *MetricRow) *int64 { return &r.OutputTokens }),
		money("cost_nanos", func(r *MetricRow) *events.Nanos { return &r.CostNanos }),
		readmodel.Int("unpriced_calls", func(r *MetricRow) *int64 { return &r.UnpricedCalls }),
		// The last ones: plainMetrics.
		packed("durations", func(r *MetricRow, b []byte) []byte { return r.durations.append(b) }, func(r *MetricRow, b []byte) error { return r.durations.decode(b) }),
		packed("trials", func(r *MetricRow, b []byte) []byte { return r.trials.append(b) }, func(r *MetricRow, b []byte) error { return r.trials.decode(b) }),
	},
})

// plainMetricColumns is how many columns stand before those that are packed.
var plainMetricColumns = len(metricTable.Row) - 2

// AllDays is the Day of the rows that add up all days, and what is undated.
const AllDays = "all"

// weekPrefix begins the Day of the rows that add up a week, which ends with its Monday: "week 2026-11-23". A month of them
// is read in less than half the time of its days.
const weekPrefix = "week "

// weekOf is the Day of the week of a day.
func weekOf(day time.Time) string {
	return weekPrefix + events.Week(day).Format(time.DateOnly)
}

// metrics keeps what the runs came to that ended on a day, in a week, and on all days.
var metrics = readmodel.Projection{
	Name: "metrics", Version: 5, Tables: []readmodel.AnyTable{metricTable},
	Bind: bindMetrics,
}

// metricFold is the fold into metrics.
type metricFold struct {
	metrics *readmodel.Cache[metricKey, MetricRow]
	result  *result
	task    *taskFact
	figures figures
	// week is that of day.
	day, week string
}

func bindMetrics(w *readmodel.WorkingSet) readmodel.Fold {
	return (&metricFold{metrics: metricTable.In(w), result: resultOfRun.In(w), task: taskOfRun.In(w)}).fold
}

func (w *metricFold) fold(*readmodel.Fact) error {
	c := w.result
	if c.row == nil {
		return nil
	}
	if c.day != w.day && c.day != "" {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			return err
		}
		w.day, w.week = c.day, weekOf(day)
	}
	sums := []string{AllDays, c.day, w.week}
	if c.day == "" {
		sums = sums[:2]
	}
	for i := range w.figures.of(c.row) {
		g := &w.figures.all[i]
		for _, day := range sums {
			m, err := w.metrics.Row(metricKey{c.row.Workspace, g.by, g.name, day})
			if err != nil {
				return err
			}
			if c.ended {
				m.add(g)
			}
			c.tally(&m.Succeeded, &m.Failed, &m.Cancelled, &m.Unrated, &m.Judged)
			if day == AllDays && c.rated() {
				m.trials.move(w.trial(i))
			}
		}
	}
	return nil
}

// trial is the trial of a task that a run was, by the ith of the figures. One that names no task is a task of its own.
func (w *metricFold) trial(i int) trialMove {
	if w.task.row != nil {
		return w.task.trials[i]
	}
	return trialMove{Trials{}.with(w.result.before), Trials{}.with(w.result.after)}
}

// figures are what one run comes to, by its workflow, agents, models and tools.
type figures struct{ all []figure }

// figure is what a run comes to for one of them. The durations are those of its steps, or its own.
type figure struct {
	by            Dimension
	name          string
	steps, failed int64
	input, output int64
	cost          events.Cost
	durations     []int64
}

// of are the figures of a run, good until it is called again.
func (f *figures) of(r *RunRow) []figure {
	f.all = f.all[:0]
	w := f.next(ByWorkflow, r.Workflow)
	w.steps, w.failed, w.input, w.output, w.cost = r.Steps, r.FailedSteps, r.InputTokens, r.OutputTokens, r.Cost
	w.durations = append(w.durations, r.DurationNS)
	sets := [...]struct {
		by    Dimension
		names []string
		first int
	}{{by: ByAgent, names: r.Agents}, {by: ByModel, names: r.Models}, {by: ByTool, names: r.Tools}}
	for i := range sets {
		sets[i].first = len(f.all)
		for _, name := range sets[i].names {
			f.next(sets[i].by, name)
		}
	}
	for i := range r.steps {
		s := &r.steps[i]
		for n, name := range [...]string{s.Agent, s.Model, s.Tool} {
			if at, found := slices.BinarySearch(sets[n].names, name); found {
				f.all[sets[n].first+at].count(s)
			}
		}
	}
	return f.all
}

// next is another one, with the room of one that was.
func (f *figures) next(by Dimension, name string) *figure {
	if len(f.all) < cap(f.all) {
		f.all = f.all[:len(f.all)+1]
	} else {
		f.all = append(f.all, figure{})
	}
	g := &f.all[len(f.all)-1]
	*g = figure{by: by, name: name, durations: g.durations[:0]}
	return g
}

func (g *figure) count(s *StepRow) {
	g.steps++
	if s.Outcome == events.Failed {
		g.failed++
	}
	g.input, g.output, g.cost = events.Add(g.input, s.InputTokens), events.Add(g.output, s.OutputTokens), g.cost.Plus(s.Spent())
	g.durations = append(g.durations, s.DurationNS)
}

// add adds a run, but for how it counts.
func (m *MetricRow) add(g *figure) {
	m.Runs++
	m.Steps, m.FailedSteps = events.Add(m.Steps, g.steps), events.Add(m.FailedSteps, g.failed)
	m.InputTokens, m.OutputTokens = events.Add(m.InputTokens, g.input), events.Add(m.OutputTokens, g.output)
	m.Cost = m.Cost.Plus(g.cost)
	for _, ns := range g.durations {
		m.durations.add(ns)
	}
}

// merge adds another row.
func (m *MetricRow) merge(o *MetricRow) {
	m.Runs, m.Succeeded, m.Failed = m.Runs+o.Runs, m.Succeeded+o.Succeeded, m.Failed+o.Failed
	m.Cancelled, m.Unrated, m.Judged = m.Cancelled+o.Cancelled, m.Unrated+o.Unrated, m.Judged+o.Judged
	m.Steps, m.FailedSteps = events.Add(m.Steps, o.Steps), events.Add(m.FailedSteps, o.FailedSteps)
	m.InputTokens, m.OutputTokens = events.Add(m.InputTokens, o.InputTokens), events.Add(m.OutputTokens, o.OutputTokens)
	m.Cost = m.Cost.Plus(o.Cost)
	m.durations.merge(&o.durations)
	m.trials.merge(o.trials)
}
