package performance

import (
	"cmp"
	"context"
	"fmt"
	"slices"

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
	// Started is when it began, in Unix nanoseconds, 0 where that is not known.
	Started     int64
	First, Last uint64
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
	for row, err := range r.Runs(ctx, projections.RunFilter{}) {
		if err != nil {
			return v, fmt.Errorf("load runs: %w", err)
		}
		// Where several took part, nobody can say whose doing the end was.
		if len(row.Agents) != 1 || row.Result() != events.Succeeded && row.Result() != events.Failed {
			continue
		}
		run := Run{
			Name: row.Run, Workflow: row.Workflow, Task: row.Task, Agent: row.Agents[0], Good: row.Result() == events.Succeeded, First: row.FirstPosition, Last: row.LastPosition,
		}
		if len(row.Models) == 1 {
			run.Model = row.Models[0]
		}
		if !row.StartedAt.IsZero() {
			run.Started = row.StartedAt.UnixNano()
		}
		v.Runs = append(v.Runs, run)
	}
	slices.SortStableFunc(v.Runs, func(a, b Run) int { return cmp.Compare(a.First, b.First) })
	return v, nil
}
