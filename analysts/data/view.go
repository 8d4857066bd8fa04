package data

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// View is all that the audit looks at.
type View struct {
	// Runs are all runs in the order of their first facts.
	Runs []Run
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

// tolerance is how far clocks may be apart.
const tolerance = int64(time.Second)

// Load reads the view.
func Load(ctx context.Context, r projections.Reader) (View, error) {
	var v View
	names, sets := map[string]string{}, map[string][]string{}
	once := func(s string) string {
		if known, ok := names[s]; ok {
			return known
		}
		names[s] = s
		return s
	}
	set := func(list []string) []string {
		list = slices.Compact(slices.Sorted(slices.Values(list)))
		key := fmt.Sprintf("%q", list)
		if known, ok := sets[key]; ok {
			return known
		}
		sets[key] = list
		return list
	}
	for run, err := range r.RunSteps(ctx, "") {
		if err != nil {
			return v, fmt.Errorf("load runs: %w", err)
		}
		row := &run.Run
		one := Run{
			Name: row.Run, Workflow: once(row.Workflow), Task: once(row.Task), Agents: set(row.Agents), Models: set(row.Models), Steps: set(row.Path()),
			Ended: row.Outcome != projections.Running, Outcome: row.Result(), First: row.FirstPosition, Last: row.LastPosition,
			Started: nanos(row.StartedAt), Until: nanos(row.EndedAt),
		}
		if row.Verdict != nil && one.Ended {
			one.Own = row.Outcome
		}
		one.look(run.Steps, row)
		v.Runs = append(v.Runs, one)
	}
	slices.SortStableFunc(v.Runs, func(a, b Run) int { return cmp.Compare(a.First, b.First) })
	return v, nil
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// look takes from the steps what the audit asks of them.
func (r *Run) look(steps []projections.StepRow, row *projections.RunRow) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q %q %q %d %d %q %d %d ", r.Workflow, r.Task, row.Requester, r.Started, r.Until, r.Outcome, row.InputTokens, row.CostNanos)
	var sum events.Nanos
	timed := 0
	for i := range steps {
		s := &steps[i]
		from, to := nanos(s.StartedAt), nanos(s.EndedAt)
		_, _ = fmt.Fprintf(h, "%q %q %d %d ", s.Name, s.Agent, from, to)
		if from != 0 || to != 0 {
			timed++
		}
		if r.Started != 0 && r.Until >= r.Started && (from != 0 && from < r.Started-tolerance || to > r.Until+tolerance) {
			r.Outside = true
		}
		sum = events.Add(sum, s.CostNanos)
	}
	if len(steps) > 0 {
		r.LastFailed = steps[len(steps)-1].Outcome == events.Failed
	}
	r.More = sum > 0 && row.CostNanos > sum+sum/100
	if r.Ended && timed > 0 && r.Started != 0 && r.Until > r.Started {
		r.Same = max(h.Sum64(), 1)
	}
}
