package main

import (
	"context"

	"github.com/virtuous6/virtuous6/projections"
)

type tasksVerb struct {
	listFlags
}

// Help gives examples.
func (tasksVerb) Help() string {
	return "Examples:\n  virtuous6 tasks\n  virtuous6 tasks --json --limit 10"
}

// Run lists the tasks with the runs that tried them.
func (v tasksVerb) Run(ctx context.Context, a *app) error {
	return list(ctx, a, v.listFlags, func(reader projections.Reader) ([]projections.TaskRow, error) { return reader.Tasks(ctx) }, func(tasks []projections.TaskRow) error {
		return table(a.out, "WORKFLOW|TASK|STATUS|RUNS|SUCCEEDED|FAILED|SUCCESS|JUDGED|TITLE", func(row func(...any)) {
			for _, r := range tasks {
				row(short(r.Workflow, 24), short(r.Task, 40), orDash(string(r.Status)), r.Runs, r.Succeeded, r.Failed, rate(r.Succeeded, r.Failed), r.Judged, short(r.Title, 60))
			}
		})
	})
}
