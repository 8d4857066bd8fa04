package events

// AssignedBy is what a goal's task was given to its agent by.
type AssignedBy string

// The closed vocabulary of what tasks are assigned by. The plan may name the agent, and does before any other. Those by words go to
// whoever fits best when they begin.
const (
	AssignedByPlan    AssignedBy = "plan"
	AssignedByHistory AssignedBy = "history"
	AssignedByModel   AssignedBy = "model"
	AssignedByWords   AssignedBy = "words"
	AssignedByPerson  AssignedBy = "person"
	// AssignedByAgent is a hand-over, and AssignedByFailure a task that went to another agent when its attempts failed.
	AssignedByAgent   AssignedBy = "hand-over"
	AssignedByFailure AssignedBy = "escalation"
)

// TaskAssignment says who does a task of a goal for which the plan names nobody.
type TaskAssignment struct {
	Task string `json:"task"`
	// Agent is empty where it goes to whoever fits best by words when it begins.
	Agent      string     `json:"agent,omitempty"`
	AssignedBy AssignedBy `json:"assigned_by"`
	Reason     string     `json:"reason,omitempty"`
	// Rated counts the like tasks that the agent did of which it is known how they came out, and Succeeded those that did well.
	Rated     int64 `json:"rated,omitempty"`
	Succeeded int64 `json:"succeeded,omitempty"`
}

// GoalTasksAssigned says once who does the tasks for which the plan names nobody.
type GoalTasksAssigned struct {
	Tasks []TaskAssignment `json:"tasks,omitempty"`
	// Run is the run in which a model was asked, and Model the one that it was asked of. Both are empty where none was.
	Run           string `json:"run,omitempty"`
	Model         string `json:"model,omitempty"`
	CostNanos     Nanos  `json:"cost_nanos,omitempty"`
	UnpricedCalls int64  `json:"unpriced_calls,omitempty"`
}

func (GoalTasksAssigned) Kind() string { return "goal.tasks_assigned" }

func (GoalTasksAssigned) goal() {}
