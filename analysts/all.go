package analysts

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/analysts/candidate"
	"github.com/virtuous6/virtuous6/analysts/cost"
	"github.com/virtuous6/virtuous6/analysts/data"
	"github.com/virtuous6/virtuous6/analysts/evidence"
	"github.com/virtuous6/virtuous6/analysts/failure"
	"github.com/virtuous6/virtuous6/analysts/feedback"
	"github.com/virtuous6/virtuous6/analysts/performance"
	"github.com/virtuous6/virtuous6/analysts/workflow"
	"github.com/virtuous6/virtuous6/projections"
)

// Runner is an analyst whose view nobody else needs to know.
type Runner struct {
	Name    string
	Version int
	// Every is how often it looks where something new has happened, 0 for never.
	Every time.Duration
	// Load loads the view, and returns what thinks about it and reads no more. Its errors are those of the reader, and of
	// options out of range.
	Load func(ctx context.Context, r projections.Reader) (think func() evidence.Result, err error)
	// Eager has it think while others load and think.
	Eager bool
}

// Options are those of all analysts. The zero value works.
type Options struct {
	Workflow workflow.Options
	// Workers is how many think at once, where nothing else is to be done. Default 1: live runs come first.
	Workers int
}

// All lists every analyst, one line each, with the default options.
func All() []Runner { return Configured(Options{}) }

// Configured lists every analyst, one line each.
func Configured(o Options) []Runner {
	o.Workflow.Workers = o.Workers
	all := register(
		runner(6*time.Hour, workflow.New(o.Workflow)),
		runner(time.Hour, failure.New()),
		runner(time.Hour, cost.New()),
		runner(6*time.Hour, feedback.New()),
		runner(2*time.Hour, performance.New()),
		runner(6*time.Hour, data.New()),
		runner(6*time.Hour, candidate.New()),
	)
	for i := range all {
		all[i].Eager = o.Workers > 1
	}
	return all
}

// runner hides the type of an analyst's view.
func runner[V any](every time.Duration, a evidence.Analyst[V]) Runner {
	return Runner{Name: a.Name, Version: a.Version, Every: every, Load: func(ctx context.Context, r projections.Reader) (func() evidence.Result, error) {
		view, err := a.Load(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("analyst %s: %w", a.Name, err)
		}
		return func() evidence.Result {
			res := a.Propose(view)
			for i := range res.Findings {
				f := &res.Findings[i]
				f.Next = strings.ReplaceAll(next[f.Kind], "RUN", cmp.Or(f.Example, "RUN"))
			}
			evidence.Severe(res.Findings)
			return res
		}, nil
	}}
}

// register panics at a name that is taken: that is a mistake in the code, and must show at the start.
func register(runners ...Runner) []Runner {
	taken := map[string]bool{}
	for _, r := range runners {
		if taken[r.Name] {
			panic("analysts: registered twice: " + r.Name)
		}
		taken[r.Name] = true
	}
	return runners
}
