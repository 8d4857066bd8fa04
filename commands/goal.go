package commands

import (
	"fmt"

	"github.com/virtuous6/virtuous6/events"
)

// GoalStream is the stream of a goal.
func GoalStream(workspace, goal string) string { return events.StreamName("goal", workspace, goal) }

// GoalRun names the run of an attempt at a task of a goal.
func GoalRun(goal, task string, attempt int) string {
	return fmt.Sprintf("%s.%s.%d", goal, task, attempt)
}

// PlanRun names the run in which a model is asked for a plan: in which round of asking for one, and the how manieth time.
func PlanRun(goal string, round, asked int) string {
	return fmt.Sprintf("%s.plan-%d-%d", goal, round, asked)
}

// GoalBudget names the budget of a goal.
func GoalBudget(goal string) string { return "goal:" + goal }

// CreateGoal makes a goal.
type CreateGoal struct {
	Meta
	Goal      string
	Prompt    string
	Level     events.GoalLevel
	Parent    string
	Requester string
	// Conversation is where it was asked for, empty for nowhere in particular.
	Conversation string
	LimitNanos   events.Nanos
	// Parallel is how many tasks are under way at a time, 0 for the default.
	Parallel int
	// Talks is how often its agents may speak to one another, 0 for the default.
	Talks int
}

// AskPlan asks for a plan. Runbook is the one to go by, if any.
type AskPlan struct {
	Meta
	Goal    string
	By      string
	Runbook string
	Slots   map[string]string
}

// PlanGoal gives a goal its tasks.
type PlanGoal struct {
	Meta
	Goal     string
	Source   events.PlanSource
	Runbook  string
	Template string
	Run      string
	Note     string
	// CostNanos is what it cost to ask for it.
	CostNanos     events.Nanos
	UnpricedCalls int64
	Tasks         []events.GoalTask
	// Arms are the experiments on the runbook that the goal is part of.
	Arms []events.Arm
	// Estimate is what it will take, nil where nobody looked.
	Estimate *events.GoalEstimate
	// Agents are those that can be asked.
	Agents []string
}

// ApproveGoal lets a plan be carried out that needs a person's approval.
type ApproveGoal struct {
	Meta
	Goal string
	By   string
}

// ShortTask tells that an attempt can't go on with its share of the goal's money. What follows, the decider says.
type ShortTask struct {
	Meta
	Goal       string
	Task       string
	Run        string
	SpentNanos events.Nanos
	NeedsNanos events.Nanos
}

// RefusePlan tells that no plan came of it.
type RefusePlan struct {
	Meta
	Goal          string
	Reason        string
	Run           string
	CostNanos     events.Nanos
	UnpricedCalls int64
}

// StartGoal has a goal's tasks done, and asks for a plan where there is none.
type StartGoal struct {
	Meta
	Goal string
	By   string
}

// StartTask begins an attempt at a task.
type StartTask struct {
	Meta
	Goal    string
	Task    string
	Attempt int
}

// FinishTask tells that a task is done.
type FinishTask struct {
	Meta
	Goal string
	Task string
	Run  string
	// Agent is who did it.
	Agent         string
	CostNanos     events.Nanos
	UnpricedCalls int64
}

// FailTask tells that an attempt at a task failed. What follows, the decider says.
type FailTask struct {
	Meta
	Goal          string
	Task          string
	Run           string
	Reason        string
	Failure       events.Failure
	CostNanos     events.Nanos
	UnpricedCalls int64
}

// SkipTask leaves a task out.
type SkipTask struct {
	Meta
	Goal   string
	Task   string
	By     string
	Reason string
}

// TellGoal says something that all tasks are to heed that begin from then on.
type TellGoal struct {
	Meta
	Goal string
	By   string
	Text string
}

// ChangeTask makes a task another one. Instruction and Agent are the new ones, empty where that stays.
type ChangeTask struct {
	Meta
	Goal        string
	Task        string
	By          string
	Instruction string
	Agent       string
	// Agents are those that can be asked.
	Agents []string
}

// AnswerTask answers the question that a task is.
type AnswerTask struct {
	Meta
	Goal   string
	Task   string
	By     string
	Answer string
}

// PauseGoal lets no more tasks begin.
type PauseGoal struct {
	Meta
	Goal   string
	By     string
	Reason string
}

// ResumeGoal lets tasks begin again.
type ResumeGoal struct {
	Meta
	Goal string
	By   string
}

// LimitGoal sets what may be spent for a goal.
type LimitGoal struct {
	Meta
	Goal       string
	By         string
	LimitNanos events.Nanos
	// Was is as in SetBudget.
	Was events.Nanos
}

// CancelGoal gives a goal up.
type CancelGoal struct {
	Meta
	Goal   string
	By     string
	Reason string
}

func (c CreateGoal) Stream() string  { return GoalStream(c.Workspace, c.Goal) }
func (c AskPlan) Stream() string     { return GoalStream(c.Workspace, c.Goal) }
func (c PlanGoal) Stream() string    { return GoalStream(c.Workspace, c.Goal) }
func (c RefusePlan) Stream() string  { return GoalStream(c.Workspace, c.Goal) }
func (c ApproveGoal) Stream() string { return GoalStream(c.Workspace, c.Goal) }
func (c ShortTask) Stream() string   { return GoalStream(c.Workspace, c.Goal) }
func (c StartGoal) Stream() string   { return GoalStream(c.Workspace, c.Goal) }
func (c StartTask) Stream() string   { return GoalStream(c.Workspace, c.Goal) }
func (c FinishTask) Stream() string  { return GoalStream(c.Workspace, c.Goal) }
func (c FailTask) Stream() string    { return GoalStream(c.Workspace, c.Goal) }
func (c SkipTask) Stream() string    { return GoalStream(c.Workspace, c.Goal) }
func (c TellGoal) Stream() string    { return GoalStream(c.Workspace, c.Goal) }
func (c ChangeTask) Stream() string  { return GoalStream(c.Workspace, c.Goal) }
func (c AnswerTask) Stream() string  { return GoalStream(c.Workspace, c.Goal) }
func (c PauseGoal) Stream() string   { return GoalStream(c.Workspace, c.Goal) }
func (c ResumeGoal) Stream() string  { return GoalStream(c.Workspace, c.Goal) }
func (c LimitGoal) Stream() string   { return GoalStream(c.Workspace, c.Goal) }
func (c CancelGoal) Stream() string  { return GoalStream(c.Workspace, c.Goal) }

func (CreateGoal) goal()  {}
func (AskPlan) goal()     {}
func (PlanGoal) goal()    {}
func (RefusePlan) goal()  {}
func (ApproveGoal) goal() {}
func (ShortTask) goal()   {}
func (StartGoal) goal()   {}
func (StartTask) goal()   {}
func (FinishTask) goal()  {}
func (FailTask) goal()    {}
func (SkipTask) goal()    {}
func (TellGoal) goal()    {}
func (ChangeTask) goal()  {}
func (AnswerTask) goal()  {}
func (PauseGoal) goal()   {}
func (ResumeGoal) goal()  {}
func (LimitGoal) goal()   {}
func (CancelGoal) goal()  {}
