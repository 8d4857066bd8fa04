package commands

import "github.com/virtuous6/virtuous6/events"

// AssignmentRun names the run in which a model is asked who does a goal's tasks.
func AssignmentRun(goal string) string { return goal + ".assign" }

// AssignTasks says who does the tasks for which a goal's plan names nobody.
type AssignTasks struct {
	Meta
	Goal  string
	Tasks []events.TaskAssignment
	// Run and Model are where a model was asked, and CostNanos what that cost.
	Run           string
	Model         string
	CostNanos     events.Nanos
	UnpricedCalls int64
	// Agents are those that can be asked.
	Agents []string
}

func (c AssignTasks) Stream() string { return GoalStream(c.Workspace, c.Goal) }

func (AssignTasks) goal() {}
