package main

import "context"

type tasksVerb struct {
	JSON  bool  `name:"json" help:"Print one JSON value."`
	Limit count `placeholder:"N" help:"Rows, 0 for all." default:"0"`
	pastFlag
}

// Help gives examples.
func (tasksVerb) Help() string {
	return "Examples:\n  virtuous6 tasks\n  virtuous6 tasks --json --limit 10"
}

// Run lists the tasks with the runs that tried them.
func (v tasksVerb) Run(ctx context.Context, a *app) error {
	reader, err := a.readAt(ctx, v.pastFlag)
	if err != nil {
		return err
	}
	tasks, err := reader.Tasks(ctx)
	if err != nil {
		return err
	}
	tasks = limited(tasks, v.Limit)
	if v.JSON {
		return a.json(tasks)
	}
	return table(a.out, "WORKFLOW|TASK|STATUS|RUNS|SUCCEEDED|FAILED|SUCCESS|TITLE", func(row func(...any)) {
		for _, r := range tasks {
			row(short(r.Workflow, 24), short(r.Task, 40), orDash(string(r.Status)), r.Runs, r.Succeeded, r.Failed, rate(r.Succeeded, r.Failed), short(r.Title, 60))
		}
	})
}
