package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// taskKey is the key of tasks.
type taskKey struct{ workflow, task string }

var taskTable = of("tasks", spec[taskKey, TaskRow]{
	Table: Table{Large: true},
	key:   func(r *TaskRow) taskKey { return taskKey{r.Workflow, r.Task} },
	fresh: func(k taskKey) TaskRow {
		return TaskRow{Workflow: strings.Clone(k.workflow), Task: strings.Clone(k.task)}
	},
	weigh: func(r *TaskRow) int { return len(r.Task) + len(r.Title) + len(r.Note) },
	columns: []column[TaskRow]{
		key(symbol("workflow", func(r *TaskRow) *string { return &r.Workflow })),
		key(text("task", func(r *TaskRow) *string { return &r.Task })),
		text("title", func(r *TaskRow) *string { return &r.Title }),
		symbol("status", func(r *TaskRow) *events.TaskStatus { return &r.Status }),
		symbol("assignee", func(r *TaskRow) *string { return &r.Assignee }),
		integer("runs", func(r *TaskRow) *int64 { return &r.Runs }),
		integer("succeeded", func(r *TaskRow) *int64 { return &r.Succeeded }),
		integer("failed", func(r *TaskRow) *int64 { return &r.Failed }),
		integer("cancelled", func(r *TaskRow) *int64 { return &r.Cancelled }),
		integer("unrated", func(r *TaskRow) *int64 { return &r.Unrated }),
		instant("updated_at", func(r *TaskRow) *time.Time { return &r.UpdatedAt }),
		integer("position", func(r *TaskRow) *uint64 { return &r.Position }),
		text("note", func(r *TaskRow) *string { return &r.Note }),
	},
})

// taskKeyRow is a row of task_keys. A task's later facts don't tell its workflow, which is half of its row's key.
type taskKeyRow struct {
	task, workflow string
}

var taskKeyTable = of("task_keys", spec[string, taskKeyRow]{
	Table: Table{Large: true},
	key:   func(r *taskKeyRow) string { return r.task },
	fresh: func(task string) taskKeyRow { return taskKeyRow{task: task} },
	weigh: func(r *taskKeyRow) int { return len(r.task) },
	columns: []column[taskKeyRow]{
		key(text("task", func(r *taskKeyRow) *string { return &r.task })),
		symbol("workflow", func(r *taskKeyRow) *string { return &r.workflow }),
	},
})

// foldTask keeps tasks: what is to be done, and how the runs that tried it ended.
func foldTask(w *workingSet, f *fact) error {
	switch e := f.Event.(type) {
	case events.RunStarted:
		if e.Task == "" {
			return nil
		}
		r, err := w.taskOf(f, taskKey{e.Workflow, e.Task})
		if err != nil {
			return err
		}
		r.Runs++
		r.updated(f, e.Undated)
	case events.RunFinished, events.RunFailed, events.RunCancelled:
		if f.run.Task == "" {
			return nil
		}
		r, err := w.taskOf(f, taskKey{f.run.Workflow, f.run.Task})
		if err != nil {
			return err
		}
		tally(f.run.Outcome, &r.Succeeded, &r.Failed, &r.Cancelled, &r.Unrated)
		r.updated(f, f.day == "")
	case events.TaskOpened:
		if err := f.names(e.Task); err != nil {
			return err
		}
		w.taskKeys.insert(taskKeyRow{task: e.Task, workflow: e.Workflow})
		r, err := w.taskOf(f, taskKey{e.Workflow, e.Task})
		if err != nil {
			return err
		}
		r.Title, r.Status, r.Assignee = e.Title, events.TaskOpen, e.Assignee
		r.updated(f, false)
	case events.TaskUpdated:
		k, err := w.taskKeys.existing(f.id)
		if err != nil {
			return err
		}
		if k == nil {
			return damaged("the task was never opened")
		}
		r, err := w.taskOf(f, taskKey{k.workflow, f.id})
		if err != nil {
			return err
		}
		replace(&r.Status, e.Status)
		replace(&r.Note, e.Note)
		replace(&r.Assignee, e.Assignee)
		r.updated(f, false)
	}
	return nil
}

func (w *workingSet) taskOf(f *fact, k taskKey) (*TaskRow, error) {
	r, err := w.tasks.row(k)
	if err == nil {
		r.Position = f.Envelope.Position
	}
	return r, err
}

// updated keeps the latest time that something happened to a task; imported history comes in any order.
func (r *TaskRow) updated(f *fact, undated bool) {
	if !undated && f.when.After(r.UpdatedAt) {
		r.UpdatedAt = f.when
	}
}

// replace changes what a fact names, and leaves what it is silent about.
func replace[T ~string](old *T, now T) {
	if now != "" {
		*old = now
	}
}

// tally counts an outcome.
func tally(o events.Outcome, succeeded, failed, cancelled, unrated *int64) {
	switch o {
	case events.Succeeded:
		*succeeded++
	case events.Failed:
		*failed++
	case events.Cancelled:
		*cancelled++
	case events.Unrated:
		*unrated++
	}
}
