package workflow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// View is all that the workflow analyst looks at.
type View struct {
	// Workflows are by name.
	Workflows []History
	// Agents are the configurations in the registry, by agent.
	Agents map[string]events.AgentConfig
}

// History is one workflow's ended runs, in the order of their first facts, and what its steps took.
type History struct {
	Name  string
	Runs  []Run
	Steps []projections.StepStat
}

// Run is one ended run.
type Run struct {
	Task string
	// Outcome is its verdict where it has one, else how it ended.
	Outcome events.Outcome
	// Judged tells that it has a verdict.
	Judged bool
	// Trace is the names of its steps in the order of their starts. The others are sorted sets; Labels are key and
	// value, FailedSteps the names of the steps that failed, Calls an agent and the model that it used.
	Trace                 []string
	Agents, Models, Tools []string
	Labels                [][2]string
	FailedSteps           []string
	Calls                 [][2]string
	// Started is when it began, in Unix nanoseconds, 0 where that is not known.
	Started   int64
	Requester string
	// FailedAt are the places in Trace of the steps that failed, ascending.
	FailedAt    []int32
	First, Last uint64
}

func loadWorkflowView(ctx context.Context, r projections.Reader) (View, error) {
	v := View{Agents: map[string]events.AgentConfig{}}
	agents, err := r.Agents(ctx)
	if err != nil {
		return v, fmt.Errorf("load agents: %w", err)
	}
	for _, a := range agents {
		v.Agents[a.Agent] = events.AgentConfig{
			Model: a.Model, Prompt: a.Prompt, Temperature: a.Temperature, MaxTokens: int(a.MaxTokens), Tools: a.Tools,
		}
	}
	l := loader{sets: map[string][]string{}, pairs: map[string][][2]string{}, byName: map[string]*History{}}
	for run, err := range r.RunSteps(ctx, "") {
		if err != nil {
			return v, fmt.Errorf("load runs: %w", err)
		}
		l.add(run)
	}
	for _, s := range l.stats.List() {
		if h := l.byName[s.Workflow]; h != nil {
			h.Steps = append(h.Steps, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.byName)) {
		v.Workflows = append(v.Workflows, *l.byName[name])
	}
	return v, nil
}

// loader keeps equal lists once: a history has few different ones, and many runs.
type loader struct {
	byName map[string]*History
	stats  projections.StepStats
	sets   map[string][]string
	pairs  map[string][][2]string

	// Room for one run's.
	failed        []string
	labels, calls [][2]string
	key           []byte
}

// add adds a run. One that has not ended counts for the statistics of its steps alone.
func (l *loader) add(run projections.RunSteps) {
	l.stats.Add(run)
	row := &run.Run
	if row.Outcome == projections.Running {
		return
	}
	l.labels, l.failed, l.calls = l.labels[:0], l.failed[:0], l.calls[:0]
	for k, v := range row.Labels {
		l.labels = append(l.labels, [2]string{k, v})
	}
	var failedAt []int32
	for i := range run.Steps {
		s := &run.Steps[i]
		if s.Outcome == events.Failed {
			l.failed = append(l.failed, projections.WithoutCounter(s.Name, row.Models))
			failedAt = append(failedAt, int32(i)) //nolint:gosec // a run has few steps
		}
		if s.Agent != "" && s.Model != "" {
			l.calls = append(l.calls, [2]string{s.Agent, s.Model})
		}
	}
	slices.Sort(l.failed)
	h := l.byName[row.Workflow]
	if h == nil {
		h = &History{Name: row.Workflow}
		l.byName[h.Name] = h
	}
	tools := make([]string, len(row.Tools))
	for i, t := range row.Tools {
		tools[i] = projections.WithoutCounter(t, nil)
	}
	slices.Sort(tools)
	h.Runs = append(h.Runs, Run{
		Task: row.Task, Outcome: row.Result(), Judged: row.Verdict != nil, Trace: l.set(row.Path()), Agents: l.set(row.Agents), Models: l.set(row.Models),
		Tools: l.set(slices.Compact(tools)), Labels: l.pairSet(l.labels), FailedSteps: l.set(slices.Compact(l.failed)), Calls: l.pairSet(l.calls),
		First: row.FirstPosition, Last: row.LastPosition, Requester: row.Requester, FailedAt: failedAt, Started: startOf(row),
	})
}

func startOf(row *projections.RunRow) int64 {
	if row.StartedAt.IsZero() {
		return 0
	}
	return row.StartedAt.UnixNano()
}

// appendKey joins texts so that no two lists have the same key.
func appendKey(b []byte, list []string) []byte {
	for _, s := range list {
		b = append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...)
	}
	return b
}

func (l *loader) set(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	l.key = appendKey(l.key[:0], list)
	kept, ok := l.sets[string(l.key)]
	if !ok {
		kept = slices.Clone(list)
		l.sets[string(l.key)] = kept
	}
	return kept
}

// pairSet sorts pairs and leaves out those that come again.
func (l *loader) pairSet(list [][2]string) [][2]string {
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	list = slices.Compact(list)
	l.key = l.key[:0]
	for i := range list {
		l.key = appendKey(l.key, list[i][:])
	}
	kept, ok := l.pairs[string(l.key)]
	if !ok {
		kept = slices.Clone(list)
		l.pairs[string(l.key)] = kept
	}
	return kept
}
