package commands

import "github.com/virtuous6/virtuous6/events"

// TaskStream is the stream of a task.
func TaskStream(workspace, task string) string { return events.StreamName("task", workspace, task) }

// OpenTask makes a task.
type OpenTask struct {
	Meta
	Task     string
	Workflow string
	Title    string
	Run      string
	Assignee string
}

// UpdateTask changes what it names: empty fields stay as they were.
type UpdateTask struct {
	Meta
	Task     string
	Status   events.TaskStatus
	Note     string
	Assignee string
}

func (c OpenTask) Stream() string   { return TaskStream(c.Workspace, c.Task) }
func (c UpdateTask) Stream() string { return TaskStream(c.Workspace, c.Task) }

func (OpenTask) task()   {}
func (UpdateTask) task() {}
