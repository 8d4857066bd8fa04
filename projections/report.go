package projections

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// Report implements Reader. It reads every run and every step, since the quantiles are exact.
func (r *reader) Report(ctx context.Context) (Report, error) {
	s, err := r.Begin(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("read metrics: %w", err)
	}
	defer s.Close()
	b := newReportBuilder()
	runs := readmodel.Query{Table: &runTable.Table, Columns: []string{
		"workflow", "task", "outcome", "duration_ns", "steps", "failed_steps", "input_tokens", "output_tokens", "cost_nanos",
		"agents", "models", "tools", "step_list",
	}}
	if err := s.Scan(&runs, b.run); err != nil {
		return Report{}, fmt.Errorf("read metrics: %w", err)
	}
	return b.report(), nil
}

// group adds up the runs and steps of one workflow, agent, model or tool, or all.
type group struct {
	Metrics
	durations []int64
	// byTask are the rated runs of each task; loose are those of runs without one, each a task of its own.
	byTask map[int]*Trials
	loose  Trials
}

// reportBuilder takes runs and steps in any order.
type reportBuilder struct {
	total                     group
	workflows, agents, models map[string]*group
	tools                     map[string]*group
	// tasks number the tasks. sets are the groups of a combination of agents, models and tools: there are few.
	tasks map[taskKey]int
	sets  map[[3]string][]*group
}

// maxSets bounds how many combinations are remembered.
const maxSets = 1 << 14

func newReportBuilder() *reportBuilder {
	return &reportBuilder{
		workflows: make(map[string]*group), agents: make(map[string]*group), models: make(map[string]*group),
		tools: make(map[string]*group), tasks: make(map[taskKey]int), sets: make(map[[3]string][]*group),
	}
}

func in(groups map[string]*group, name string) *group {
	g := groups[name]
	if g == nil {
		g = &group{}
		groups[name] = g
	}
	return g
}

func (b *reportBuilder) run(src readmodel.Source) error {
	workflow, outcome := src.Symbol(0), events.Outcome(src.Symbol(2))
	task := -1
	if name := src.Symbol(1); name != "" {
		k := taskKey{workflow, name}
		n, ok := b.tasks[k]
		if !ok {
			n = len(b.tasks)
			b.tasks[k] = n
		}
		task = n
	}
	groups, err := b.groupsOf([3]string{src.Symbol(9), src.Symbol(10), src.Symbol(11)})
	if err != nil {
		return err
	}
	for _, g := range groups {
		g.count(outcome, task)
	}
	duration, cost := src.Int(3), events.Nanos(src.Int(8))
	for _, g := range [...]*group{&b.total, in(b.workflows, workflow)} {
		g.count(outcome, task)
		g.Steps = saturate(g.Steps, src.Int(4))
		g.FailedSteps = saturate(g.FailedSteps, src.Int(5))
		g.InputTokens = saturate(g.InputTokens, src.Int(6))
		g.OutputTokens = saturate(g.OutputTokens, src.Int(7))
		g.CostUSD = saturate(g.CostUSD, cost)
		if duration >= 0 {
			g.durations = append(g.durations, duration)
		}
	}
	steps, err := parseSteps([]byte(src.Text(12)))
	for i := range steps {
		b.step(&steps[i])
	}
	return readmodel.ColumnError("step_list", err)
}

// groupsOf are the groups of a run's agents, models and tools, given as JSON.
func (b *reportBuilder) groupsOf(sets [3]string) ([]*group, error) {
	if known, ok := b.sets[sets]; ok {
		return known, nil
	}
	var groups []*group
	for i, by := range []map[string]*group{b.agents, b.models, b.tools} {
		names, err := readmodel.ParseStrings(sets[i])
		if err != nil {
			return nil, fmt.Errorf("agents, models and tools of a run: %w", err)
		}
		for _, name := range names {
			groups = append(groups, in(by, name))
		}
	}
	if len(b.sets) < maxSets {
		b.sets[sets] = groups
	}
	return groups, nil
}

func (b *reportBuilder) step(s *storedStep) {
	duration := s.duration()
	for _, by := range [...]struct {
		groups map[string]*group
		name   string
	}{{b.agents, s.Agent}, {b.models, s.Model}, {b.tools, s.Tool}} {
		if by.name == "" {
			continue
		}
		g := in(by.groups, by.name)
		g.Steps++
		if s.Outcome == events.Failed {
			g.FailedSteps++
		}
		g.InputTokens = saturate(g.InputTokens, s.InputTokens)
		g.OutputTokens = saturate(g.OutputTokens, s.OutputTokens)
		g.CostUSD = saturate(g.CostUSD, s.CostNanos)
		if duration >= 0 {
			g.durations = append(g.durations, duration)
		}
	}
}

// count takes a run. A task below 0 is none.
func (g *group) count(o events.Outcome, task int) {
	g.Runs++
	if o == Running {
		g.Running++
	}
	tally(o, &g.Succeeded, &g.Failed, &g.Cancelled, &g.Unrated)
	if o != events.Succeeded && o != events.Failed {
		return
	}
	t := &g.loose
	if task >= 0 {
		if t = g.byTask[task]; t == nil {
			if g.byTask == nil {
				g.byTask = make(map[int]*Trials)
			}
			t = &Trials{}
			g.byTask[task] = t
		}
	}
	t.Rated++
	if o == events.Succeeded {
		t.Succeeded++
	}
}

func (g *group) metrics() Metrics {
	counts := map[Trials]int64{
		{Succeeded: 1, Rated: 1}: g.loose.Succeeded,
		{Succeeded: 0, Rated: 1}: g.loose.Rated - g.loose.Succeeded,
	}
	for _, t := range g.byTask {
		counts[*t]++
	}
	g.PassHat = PassHat(counts)
	g.Duration = quantiles(g.durations)
	return g.Metrics
}

func (b *reportBuilder) report() Report {
	r := Report{Metrics: b.total.metrics()}
	for _, d := range []struct {
		from map[string]*group
		to   *map[string]Metrics
	}{{b.workflows, &r.ByWorkflow}, {b.agents, &r.ByAgent}, {b.models, &r.ByModel}, {b.tools, &r.ByTool}} {
		*d.to = make(map[string]Metrics, len(d.from))
		for name, g := range d.from {
			(*d.to)[name] = g.metrics()
		}
	}
	return r
}

// metricsJSON is the documented shape of Metrics.
type metricsJSON struct {
	plainMetrics
	CostUSD string `json:"cost_usd"`
}

type plainMetrics Metrics

func (m Metrics) shape() metricsJSON {
	if m.PassHat == nil {
		m.PassHat = []float64{}
	}
	return metricsJSON{plainMetrics(m), m.CostUSD.String()}
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
