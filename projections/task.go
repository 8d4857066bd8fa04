package projections

import (
	"strings"
	"time"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/readmodel"
)

// taskKey is the key of tasks.
type taskKey struct{ workflow, task, workspace string }

var taskTable = readmodel.NewTable("tasks", readmodel.TableOf[taskKey, TaskRow]{
	Table: readmodel.Table{Large: true},
	Share: 4,
	Key:   func(r *TaskRow) taskKey { return taskKey{r.Workflow, r.Task, r.Workspace} },
	Fresh: func(k taskKey, r *TaskRow) {
		r.Workflow, r.Task, r.Workspace = strings.Clone(k.workflow), strings.Clone(k.task), strings.Clone(k.workspace)
	},
	Weigh: func(r *TaskRow) int { return len(r.Task) + len(r.Title) + len(r.Note) + r.tries.weigh() },
	Row: []readmodel.ColumnOf[TaskRow]{
		readmodel.Key(readmodel.Symbol("workflow", func(r *TaskRow) *string { return &r.Workflow })),
		readmodel.Key(readmodel.String("task", func(r *TaskRow) *string { return &r.Task })),
		workspaceKey(func(r *TaskRow) *string { return &r.Workspace }),
		readmodel.String("title", func(r *TaskRow) *string { return &r.Title }),
		readmodel.Symbol("status", func(r *TaskRow) *events.TaskStatus { return &r.Status }),
		readmodel.Symbol("assignee", func(r *TaskRow) *string { return &r.Assignee }),
		readmodel.Int("runs", func(r *TaskRow) *int64 { return &r.Runs }),
		readmodel.Int("succeeded", func(r *TaskRow) *int64 { return &r.Succeeded }),
		readmodel.Int("failed", func(r *TaskRow) *int64 { return &r.Failed }),
		readmodel.Int("cancelled", func(r *TaskRow) *int64 { return &r.Cancelled }),
		readmodel.Int("unrated", func(r *TaskRow) *int64 { return &r.Unrated }),
		readmodel.Int("judged", func(r *TaskRow) *int64 { return &r.Judged }),
		readmodel.Time("updated_at", func(r *TaskRow) *time.Time { return &r.UpdatedAt }),
		readmodel.Int("position", func(r *TaskRow) *uint64 { return &r.Position }),
		readmodel.String("note", func(r *TaskRow) *string { return &r.Note }),
		// The last one: plainTaskColumns.
		packed("tries", func(r *TaskRow, b []byte) []byte { return r.tries.append(b) }, func(r *TaskRow, b []byte) error { return r.tries.decode(b) }),
	},
})

// plainTaskColumns is how many columns stand before the one that is packed.
var plainTaskColumns = len(taskTable.Row) - 1

// taskOfRun is the task that a run tried, at the run's end.
var taskOfRun = &readmodel.Find[taskFact]{Name: "the task of a run"}

// taskFact is the task that a run tried. row is nil where it names none.
type taskFact struct {
	row *TaskRow
	// trials are those of the task by all, and by each of the run's agents, models and tools, without this one as it counts now
	// and with it. There are none of a run that is no trial.
	trials []trialMove
}

// taskKeyRow is a row of task_keys. A task's later facts don't tell its workflow, which is half of its row's key.
type taskKeyRow struct {
	task, workspace, workflow string
}

var taskKeyTable = readmodel.NewTable("task_keys", readmodel.TableOf[named, taskKeyRow]{
	Table: readmodel.Table{Large: true},
	Key:   func(r *taskKeyRow) named { return named{r.task, r.workspace} },
	Fresh: func(k named, r *taskKeyRow) { r.task, r.workspace = k.name, strings.Clone(k.workspace) },
	Weigh: func(r *taskKeyRow) int { return len(r.task) },
	Row: []readmodel.ColumnOf[taskKeyRow]{
		readmodel.Key(readmodel.String("task", func(r *taskKeyRow) *string { return &r.task })),
		workspaceKey(func(r *taskKeyRow) *string { return &r.workspace }),
		readmodel.Symbol("workflow", func(r *taskKeyRow) *string { return &r.workflow }),
	},
})

// tasks keeps what is to be done, and how the runs that tried it ended.
var tasks = readmodel.Projection{
	Name: "tasks", Version: 4, Tables: []readmodel.AnyTable{taskTable, taskKeyTable},
	Lists: []readmodel.List{taskTable.List(readmodel.List{
		Name: "tasks", Help: "Tasks, and how the runs that tried them ended", Order: readmodel.Ascending("workflow", "task"),
		Filters: []readmodel.Filter{{Column: "workflow", Help: "Only tasks of this workflow."}},
	})},
	Bind: bindTasks,
}

// taskFold is the fold into tasks.
type taskFold struct {
	tasks  *readmodel.Cache[taskKey, TaskRow]
	keys   *readmodel.Cache[named, taskKeyRow]
	run    *runFact
	result *result
	tried  *taskFact
}

func bindTasks(w *readmodel.WorkingSet) readmodel.Fold {
	return (&taskFold{taskTable.In(w), taskKeyTable.In(w), factOfRun.In(w), resultOfRun.In(w), taskOfRun.Offer(w)}).fold
}

func (w *taskFold) fold(f *readmodel.Fact) error {
	w.tried.row = nil
	switch e := f.Event.(type) {
	case events.RunStarted:
		if e.Task == "" {
			return nil
		}
		r, err := w.taskOf(f, taskKey{e.Workflow, e.Task, f.Workspace})
		if err != nil {
			return err
		}
		r.Runs++
		r.updated(f, e.Undated)
	case events.RunFinished, events.RunFailed, events.RunCancelled:
		if w.run.row.Task == "" {
			return nil
		}
		r, err := w.tries(f, w.run.row)
		if err != nil {
			return err
		}
		r.updated(f, w.run.day == "")
	case events.VerdictGiven:
		if w.result.row == nil || w.result.row.Task == "" {
			return nil
		}
		if _, err := w.tries(f, w.result.row); err != nil {
			return err
		}
	case events.TaskOpened:
		if err := f.Opens(e.Task); err != nil {
			return err
		}
		w.keys.Insert(keyOf(f)).workflow = e.Workflow
		r, err := w.taskOf(f, taskKey{e.Workflow, e.Task, f.Workspace})
		if err != nil {
			return err
		}
		r.Title, r.Status, r.Assignee = e.Title, events.TaskOpen, e.Assignee
		r.updated(f, false)
	case events.TaskUpdated:
		k, err := w.keys.Existing(keyOf(f))
		if err != nil {
			return err
		}
		if k == nil {
			return readmodel.Damaged("the task was never opened")
		}
		r, err := w.taskOf(f, taskKey{k.workflow, f.ID, f.Workspace})
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

// tries counts how a run of a task ended, or ends by its verdict.
func (w *taskFold) tries(f *readmodel.Fact, run *RunRow) (*TaskRow, error) {
	r, err := w.taskOf(f, taskKey{run.Workflow, run.Task, f.Workspace})
	if err != nil {
		return nil, err
	}
	w.tried.row = r
	w.tried.trials = r.count(w.result, w.tried.trials[:0])
	return r, nil
}

func (w *taskFold) taskOf(f *readmodel.Fact, k taskKey) (*TaskRow, error) {
	r, err := w.tasks.Row(k)
	if err == nil {
		r.Position = f.Envelope.Position
	}
	return r, err
}

// updated keeps the latest time that something happened to a task; imported history comes in any order.
func (r *TaskRow) updated(f *readmodel.Fact, undated bool) {
	if !undated && f.When.After(r.UpdatedAt) {
		r.UpdatedAt = f.When
	}
}

// replace changes what a fact names, and leaves what it is silent about.
func replace[T ~string](old *T, now T) {
	if now != "" {
		*old = now
	}
}

// tally counts an outcome, n times.
func tally(o events.Outcome, n int64, succeeded, failed, cancelled, unrated *int64) {
	switch o {
	case events.Succeeded:
		*succeeded += n
	case events.Failed:
		*failed += n
	case events.Cancelled:
		*cancelled += n
	case events.Unrated:
		*unrated += n
	}
}

// count counts how a run came out, as a trial too by all who had a part in it, and appends what these come to.
func (r *TaskRow) count(c *result, trials []trialMove) []trialMove {
	before := Trials{r.Succeeded, r.Succeeded + r.Failed}
	c.tally(&r.Succeeded, &r.Failed, &r.Cancelled, &r.Unrated, &r.Judged)
	if !c.rated() {
		return trials
	}
	trials = append(trials, trialMove{before, Trials{r.Succeeded, r.Succeeded + r.Failed}})
	for by, names := range [...][]string{c.row.Agents, c.row.Models, c.row.Tools} {
		trials = r.tries[by].count(names, c, trials)
	}
	return trials
}
