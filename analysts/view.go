package analysts

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// WorkflowView is all that the workflow analyst looks at.
type WorkflowView struct {
	// Workflows are by name.
	Workflows []WorkflowHistory
	// Agents are the configurations in the registry, by agent.
	Agents map[string]events.AgentConfig
}

// WorkflowHistory is one workflow's ended runs, in the order of their first facts, and what its steps took.
type WorkflowHistory struct {
	Name  string
	Runs  []WorkflowRun
	Steps []projections.StepStat
}

// WorkflowRun is one ended run.
type WorkflowRun struct {
	Task    string
	Outcome events.Outcome
	// Trace is the names of its steps in the order of their starts. The others are sorted sets; Labels are key and
	// value, FailedSteps the names of the steps that failed, Calls an agent and the model that it used.
	Trace                 []string
	Agents, Models, Tools []string
	Labels                [][2]string
	FailedSteps           []string
	Calls                 [][2]string
	First, Last           uint64
}

func loadWorkflowView(ctx context.Context, r projections.Reader) (WorkflowView, error) {
	v := WorkflowView{Agents: map[string]events.AgentConfig{}}
	agents, err := r.Agents(ctx)
	if err != nil {
		return v, fmt.Errorf("load agents: %w", err)
	}
	for _, a := range agents {
		v.Agents[a.Agent] = events.AgentConfig{
			Model: a.Model, Prompt: a.Prompt, Temperature: a.Temperature, MaxTokens: int(a.MaxTokens), Tools: a.Tools,
		}
	}
	l := loader{sets: map[string][]string{}, pairs: map[string][][2]string{}, place: map[string]place{}, byName: map[string]*WorkflowHistory{}}
	if err := l.runs(r.Runs(ctx, projections.RunFilter{})); err != nil {
		return v, fmt.Errorf("load runs: %w", err)
	}
	for step, err := range r.Steps(ctx, "") {
		if err != nil {
			return v, fmt.Errorf("load steps: %w", err)
		}
		l.step(step)
	}
	l.flush()
	steps, err := r.StepStats(ctx)
	if err != nil {
		return v, fmt.Errorf("load step statistics: %w", err)
	}
	for _, s := range steps {
		if h := l.byName[s.Workflow]; h != nil {
			h.Steps = append(h.Steps, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.byName)) {
		h := l.byName[name]
		slices.Reverse(h.Runs)
		v.Workflows = append(v.Workflows, *h)
	}
	return v, nil
}

// loader keeps equal lists once: a history has few different ones, and many runs.
type loader struct {
	byName map[string]*WorkflowHistory
	place  map[string]place
	sets   map[string][]string
	pairs  map[string][][2]string

	// The steps of one run come together: run is it, with what was seen of it.
	run    string
	failed []string
	calls  [][2]string
}

// place is where a run is in the view.
type place struct {
	history *WorkflowHistory
	index   int
}

func (l *loader) runs(rows func(yield func(projections.RunRow, error) bool)) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		if row.Outcome == projections.Running {
			continue
		}
		h := l.byName[row.Workflow]
		if h == nil {
			h = &WorkflowHistory{Name: strings.Clone(row.Workflow)}
			l.byName[h.Name] = h
		}
		labels := make([][2]string, 0, len(row.Labels))
		for _, k := range slices.Sorted(maps.Keys(row.Labels)) {
			labels = append(labels, [2]string{k, row.Labels[k]})
		}
		l.place[row.Run] = place{h, len(h.Runs)}
		h.Runs = append(h.Runs, WorkflowRun{
			Task: row.Task, Outcome: row.Outcome, Trace: l.set(row.Trace), Agents: l.set(row.Agents), Models: l.set(row.Models),
			Tools: l.set(row.Tools), Labels: l.pairSet(labels), First: row.FirstPosition, Last: row.LastPosition,
		})
	}
	return nil
}

func (l *loader) step(s projections.StepRow) {
	if s.Run != l.run {
		l.flush()
		l.run = s.Run
	}
	if s.Outcome == events.Failed {
		l.failed = append(l.failed, s.Name)
	}
	if s.Agent != "" && s.Model != "" {
		l.calls = append(l.calls, [2]string{s.Agent, s.Model})
	}
}

// flush gives a run what its steps told of it.
func (l *loader) flush() {
	if p, ok := l.place[l.run]; ok {
		run := &p.history.Runs[p.index]
		slices.Sort(l.failed)
		run.FailedSteps = l.set(slices.Compact(l.failed))
		slices.SortFunc(l.calls, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
		run.Calls = l.pairSet(slices.Compact(l.calls))
	}
	l.failed, l.calls = l.failed[:0], l.calls[:0]
}

// key joins texts so that no two lists have the same key.
func key(list []string) string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "%d:%s", len(s), s)
	}
	return b.String()
}

func (l *loader) set(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	k := key(list)
	kept, ok := l.sets[k]
	if !ok {
		kept = slices.Clone(list)
		l.sets[k] = kept
	}
	return kept
}

func (l *loader) pairSet(list [][2]string) [][2]string {
	if len(list) == 0 {
		return nil
	}
	flat := make([]string, 0, 2*len(list))
	for _, p := range list {
		flat = append(flat, p[0], p[1])
	}
	k := key(flat)
	kept, ok := l.pairs[k]
	if !ok {
		kept = slices.Clone(list)
		l.pairs[k] = kept
	}
	return kept
}
