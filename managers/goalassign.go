package managers

import (
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

// Assign is the work of saying who does the tasks for which a goal's plan names nobody.
type Assign struct {
	// ID is the want's: the ids of all that comes of it derive from it.
	ID        uuid.UUID
	Workspace string
	Goal      string
	Prompt    string
	Requester string
	Tasks     []events.GoalTask
	// Run is where a model was asked, empty where none was yet. Answer is what it said there, and Failed why it said nothing.
	Run    string
	Model  string
	Answer string
	Failed string
	Cost   events.Cost
}

// Kind implements Work.
func (Assign) Kind() string { return "assign" }

// Share implements Work: goals are served in turn.
func (a Assign) Share() string { return a.Workspace + "\x00" + a.Requester + "\x00" + a.Goal }

// nobodys are the tasks for which nobody is named, where it has not been said yet who does them.
func (s goalState) nobodys() (tasks []events.GoalTask) {
	if s.Assigned || s.Planned == uuid.Nil {
		return nil
	}
	for _, t := range s.Tasks {
		if t.Unassigned() && !t.Ended && t.Attempts == 0 {
			tasks = append(tasks, t.GoalTask)
		}
	}
	return tasks
}

// assign is what is to be done about tasks that are nobody's: a model that is thinking about them is waited for.
func (s goalState) assign() []Want {
	tasks := s.nobodys()
	if len(tasks) == 0 {
		return nil
	}
	a := Assign{ID: events.DeriveID(s.Planned, 0), Workspace: s.Workspace, Goal: s.Goal, Prompt: s.Prompt, Requester: s.Requester, Tasks: tasks}
	if s.AssignRun != "" {
		r := s.Runs[s.AssignRun]
		if !r.Ended {
			return nil
		}
		a.ID, a.Run, a.Model, a.Answer, a.Failed, a.Cost = events.DeriveID(r.Cause, 0), s.AssignRun, r.Model, r.Answer, r.Error, r.Cost
	}
	return []Want{{ID: a.ID, Work: a}}
}

func (s *goalState) assigned(f events.GoalTasksAssigned) {
	s.Assigned = true
	for _, a := range f.Tasks {
		if a.Agent != "" {
			s.task(a.Task, func(t *goalTask) { t.Agent = a.Agent })
		}
	}
}
