package workflow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/virtuous6/virtuous6/analysts/evidence"
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
	// Timing is what the time of its runs hangs on.
	Timing Timing
	// Books are the saved runbooks that were taken from it.
	Books []projections.RunbookRow
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
	// Started and Until are when it began and ended, in Unix nanoseconds, 0 where that is not known.
	Started, Until int64
	Requester      string
	// FailedAt are the places in Trace of the steps that failed, ascending.
	FailedAt    []int32
	First, Last uint64
}

func loadWorkflowView(ctx context.Context, r projections.Reader) (View, error) {
	var v View
	agents, err := r.Agents(ctx)
	if err != nil {
		return v, fmt.Errorf("load agents: %w", err)
	}
	v.Agents = evidence.ConfigsOf(agents)
	saved, err := r.Runbooks(ctx)
	if err != nil {
		return v, fmt.Errorf("load runbooks: %w", err)
	}
	books := booksOf(saved)
	runs, err := r.Observations(ctx)
	if err != nil {
		return v, fmt.Errorf("load runs: %w", err)
	}
	l := loader{byName: map[string]*History{}, calls: map[[2]string][][2]string{}, ended: map[string]int{}}
	for _, o := range runs {
		if o.Outcome != projections.Running {
			l.ended[o.Workflow]++
		}
	}
	for _, o := range runs {
		l.add(o)
	}
	for _, s := range l.stats.List() {
		if h := l.byName[s.Workflow]; h != nil {
			h.Steps = append(h.Steps, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.byName)) {
		l.byName[name].Books = books[name]
		v.Workflows = append(v.Workflows, *l.byName[name])
	}
	return v, nil
}

// loader makes histories of observations.
type loader struct {
	byName map[string]*History
	stats  projections.StepStats
	// ended is how many runs each workflow has.
	ended map[string]int
	// traces is room for the next ones, calls are those of runs with one pair.
	traces []string
	calls  map[[2]string][][2]string
	pairs  [][2]string
}

// add adds a run. One that has not ended counts for the statistics of its steps alone.
func (l *loader) add(o *projections.Observation) {
	l.stats.Add(o)
	if o.Outcome == projections.Running {
		return
	}
	h := l.byName[o.Workflow]
	if h == nil {
		h = &History{Name: o.Workflow, Runs: make([]Run, 0, l.ended[o.Workflow])}
		l.byName[h.Name] = h
	}
	run := Run{
		Task: o.Task, Outcome: o.Result(), Judged: o.Verdict != "", Agents: o.Agents, Models: o.Models, Tools: o.Tools, Labels: o.Labels,
		First: o.FirstPosition, Last: o.LastPosition, Requester: o.Requester, Started: o.Started, Until: o.Ended,
	}
	if slices.ContainsFunc(o.Tools, func(t string) bool { return projections.WithoutCounter(t, nil) != t }) {
		run.Tools = make([]string, len(o.Tools))
		for i, t := range o.Tools {
			run.Tools[i] = projections.WithoutCounter(t, nil)
		}
		slices.Sort(run.Tools)
		run.Tools = slices.Compact(run.Tools)
	}
	l.steps(&run, o.Steps)
	h.Timing.add(o.Steps)
	h.Runs = append(h.Runs, run)
}

// steps takes over what was done.
func (l *loader) steps(run *Run, steps []projections.ObservedStep) {
	if len(steps) == 0 {
		return
	}
	if len(steps) > cap(l.traces)-len(l.traces) {
		l.traces = make([]string, 0, max(len(steps), 4096))
	}
	from := len(l.traces)
	l.pairs = l.pairs[:0]
	for i := range steps {
		s := &steps[i]
		l.traces = append(l.traces, s.Name)
		if s.Failed {
			run.FailedSteps, run.FailedAt = append(run.FailedSteps, s.Name), append(run.FailedAt, int32(i)) //nolint:gosec // a run has few steps
		}
		if pair := [2]string{s.Agent, s.Model}; s.Agent != "" && s.Model != "" && !slices.Contains(l.pairs, pair) {
			l.pairs = append(l.pairs, pair)
		}
	}
	run.Trace = l.traces[from:len(l.traces):len(l.traces)]
	slices.Sort(run.FailedSteps)
	run.FailedSteps = slices.Compact(run.FailedSteps)
	switch len(l.pairs) {
	case 0:
	case 1:
		if run.Calls = l.calls[l.pairs[0]]; run.Calls == nil {
			run.Calls = slices.Clone(l.pairs)
			l.calls[l.pairs[0]] = run.Calls
		}
	default:
		run.Calls = slices.Clone(l.pairs)
		slices.SortFunc(run.Calls, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	}
}

// appendKey joins texts so that no two lists have the same key.
func appendKey(b []byte, list []string) []byte {
	for _, s := range list {
		b = append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...)
	}
	return b
}
