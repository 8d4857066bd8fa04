package performance

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// View is all that the performance analyst looks at.
type View struct {
	// Runs are the rated runs of one agent, in the order of their first facts.
	Runs []Run
	// Versions are those of each agent, the oldest first.
	Versions map[string][]projections.AgentVersionRow
}

// Run is one run of an agent.
type Run struct {
	Name, Workflow, Task, Agent string
	// Model is what it was asked of, empty where that was more than one or is not known.
	Model string
	Good  bool
	// Steps are the names of its steps in their order, Tools those of them that are calls of tools, sorted.
	Steps, Tools []string
	// Cut tells that the model's last answer was cut at its limit of tokens.
	Cut bool
	// Nanos is what it cost, Priced whether that is known.
	Nanos  float64
	Priced bool
	// Started is when it began, in Unix nanoseconds, 0 where that is not known.
	Started     int64
	First, Last uint64
}

// lists are those of the names of steps: a history has few different ones, and many runs.
type lists struct {
	known map[string][]string
	key   []byte
}

func (l *lists) names(steps []projections.ObservedStep) []string {
	l.key = l.key[:0]
	for i := range steps {
		l.key = append(append(l.key, steps[i].Name...), 0)
	}
	known, ok := l.known[string(l.key)]
	if !ok {
		known = make([]string, len(steps))
		for i := range steps {
			known[i] = steps[i].Name
		}
		l.known[string(l.key)] = known
	}
	return known
}

func load(ctx context.Context, r projections.Reader) (View, error) {
	v := View{Versions: map[string][]projections.AgentVersionRow{}}
	versions, err := r.AgentVersions(ctx, "")
	if err != nil {
		return v, fmt.Errorf("load versions: %w", err)
	}
	for _, row := range versions {
		v.Versions[row.Agent] = append(v.Versions[row.Agent], row)
	}
	l := lists{known: map[string][]string{}}
	runs, err := r.Observations(ctx)
	if err != nil {
		return v, fmt.Errorf("load runs: %w", err)
	}
	v.Runs = make([]Run, 0, len(runs))
	for _, o := range runs {
		// Where several took part, nobody can say whose doing the end was.
		if len(o.Agents) != 1 || o.Result() != events.Succeeded && o.Result() != events.Failed {
			continue
		}
		run := Run{
			Name: o.Run, Workflow: o.Workflow, Task: o.Task, Agent: o.Agents[0], Good: o.Result() == events.Succeeded, First: o.FirstPosition, Last: o.LastPosition,
			Started: o.Started, Steps: l.names(o.Steps), Tools: o.Tools, Nanos: float64(o.CostNanos), Priced: o.Whole(), Cut: o.Cut,
		}
		if len(o.Models) == 1 {
			run.Model = o.Models[0]
		}
		v.Runs = append(v.Runs, run)
	}
	return v, nil
}
