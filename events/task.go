package events

// TaskStatus is where a task stands.
type TaskStatus string

// The closed vocabulary of task statuses.
const (
	TaskOpen       TaskStatus = "open"
	TaskInProgress TaskStatus = "in_progress"
	TaskBlocked    TaskStatus = "blocked"
	TaskDone       TaskStatus = "done"
	TaskDropped    TaskStatus = "dropped"
)

// TaskOpened is something to be done.
type TaskOpened struct {
	Task     string `json:"task"`
	Workflow string `json:"workflow,omitempty"`
	Title    string `json:"title,omitempty"`
	Run      string `json:"run,omitempty"`
	Assignee string `json:"assignee,omitempty"`
}

// TaskUpdated is a step of a task's life. Empty fields stay as they were.
type TaskUpdated struct {
	Status   TaskStatus `json:"status,omitempty"`
	Note     string     `json:"note,omitempty"`
	Assignee string     `json:"assignee,omitempty"`
}

func (TaskOpened) Kind() string  { return "task.opened" }
func (TaskUpdated) Kind() string { return "task.updated" }

func (TaskOpened) task()  {}
func (TaskUpdated) task() {}
