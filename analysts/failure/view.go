package failure

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/projections"
)

// View is all that the error analyst looks at.
type View struct {
	// Runs are the ended runs in the order of their first facts.
	Runs []Run
	// Feedback is what people wrote on runs, by position.
	Feedback []Feedback
}

// Run is one ended run.
type Run struct {
	Name, Workflow, Task string
	// Outcome is its verdict where it has one, else how it ended.
	Outcome events.Outcome
	// Broke tells that it ended in failure, whatever its verdict, and Error why.
	Broke bool
	Error string
	Steps []Step
	// Started is when it began, in Unix nanoseconds, 0 where that is not known.
	Started     int64
	First, Last uint64
}

// Step is one step of a run, in the order of their starts.
type Step struct {
	Name, Agent string
	Failed      bool
	// Explicit is what the source calls the error, Error what it says.
	Explicit, Error string
	Position        uint64
}

// Feedback is a reference to what a person wrote on a run.
type Feedback struct {
	Feedback, Run string
}

// explicitLabels are where sources name an error by themselves.
var explicitLabels = []string{"fingerprint", "error.fingerprint", "error.type", "exception.type"}

// Load reads the view.
func Load(ctx context.Context, r projections.Reader) (View, error) {
	var v View
	names := map[string]string{events.Erased: ""} // a text that is gone is no kind of error
	once := func(s string) string {
		if known, ok := names[s]; ok {
			return known
		}
		names[s] = s
		return s
	}
	for run, err := range r.RunSteps(ctx, "") {
		if err != nil {
			return v, fmt.Errorf("load runs: %w", err)
		}
		row := &run.Run
		if row.Outcome == projections.Running {
			continue
		}
		ended := Run{
			Name: row.Run, Workflow: once(row.Workflow), Task: once(row.Task), Outcome: row.Result(), Error: once(row.Error), Broke: row.Outcome == events.Failed,
			First: row.FirstPosition, Last: row.LastPosition, Steps: make([]Step, len(run.Steps)),
		}
		if !row.StartedAt.IsZero() {
			ended.Started = row.StartedAt.UnixNano()
		}
		for i := range run.Steps {
			s := &run.Steps[i]
			ended.Steps[i] = Step{Name: once(projections.WithoutCounter(s.Name, row.Models)), Agent: once(s.Agent), Failed: s.Outcome == events.Failed, Error: once(s.Error), Position: s.Position}
			if ended.Steps[i].Failed {
				for _, l := range explicitLabels {
					ended.Steps[i].Explicit = cmp.Or(ended.Steps[i].Explicit, once(s.Labels[l]))
				}
			}
		}
		v.Runs = append(v.Runs, ended)
	}
	feedback, err := r.Feedback(ctx, "")
	if err != nil {
		return v, fmt.Errorf("load feedback: %w", err)
	}
	for _, f := range feedback {
		if f.Run != "" && (f.Text != "" || f.Better != "" || f.Wish != "") {
			v.Feedback = append(v.Feedback, Feedback{f.Feedback, f.Run})
		}
	}
	slices.SortStableFunc(v.Runs, func(a, b Run) int { return cmp.Compare(a.First, b.First) })
	return v, nil
}
