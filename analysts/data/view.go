package data

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// View is all that the audit looks at.
type View struct {
	// Runs are all runs in the order of their first facts, or the latest of very many; Of is how many there are.
	Runs []Run
	Of   int64
}

// Run is one run, ended or not.
type Run struct {
	Name, Workflow, Task string
	// Agents, Models and Steps are sorted sets.
	Agents, Models, Steps []string
	// Ended tells that it has, Outcome how it counts, and Own how it ended by itself where a verdict says otherwise.
	Ended        bool
	Outcome, Own events.Outcome
	// Started and Until are Unix nanoseconds, 0 where that is not known.
	Started, Until int64
	// Same is equal in runs that are equal in all but their names and that took some time, 0 for those that can't be told.
	Same uint64
	// LastFailed tells that the last step failed, Outside that a step lies outside of the run's own time, More that the source says
	// another cost for all of it than its calls come to.
	LastFailed, Outside, More bool
	First, Last               uint64
}

// Load reads the view.
func Load(ctx context.Context, r projections.Reader) (View, error) {
	var v View
	sets := map[string][]string{}
	runs, err := r.Observations(ctx)
	if err != nil {
		return v, fmt.Errorf("load runs: %w", err)
	}
	v.Runs, v.Of = make([]Run, 0, len(runs)), int64(len(runs))
	if v.Of >= projections.Observed {
		report, err := r.Report(ctx, projections.MetricsFilter{})
		if err != nil {
			return v, fmt.Errorf("count runs: %w", err)
		}
		v.Of = max(v.Of, report.Runs)
	}
	var names []string
	for _, o := range runs {
		run := Run{
			Name: o.Run, Workflow: o.Workflow, Task: o.Task, Agents: o.Agents, Models: o.Models, Ended: o.Outcome != projections.Running, Outcome: o.Result(),
			Started: o.Started, Until: o.Ended, Outside: o.Outside, More: o.More, First: o.FirstPosition, Last: o.LastPosition,
		}
		if o.Verdict != "" && run.Ended {
			run.Own = o.Outcome
		}
		if run.Ended {
			run.Same = o.Alike
		}
		names = names[:0]
		for i := range o.Steps {
			names = append(names, o.Steps[i].Name)
			run.LastFailed = o.Steps[i].Failed
		}
		slices.Sort(names)
		names = slices.Compact(names)
		key := strings.Join(names, "\x00")
		if sets[key] == nil {
			sets[key] = slices.Clone(names)
		}
		run.Steps = sets[key]
		v.Runs = append(v.Runs, run)
	}
	return v, nil
}
