package managers

import (
	"cmp"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// maxHandedOn is how much of a result is put before those who need it, in bytes.
const maxHandedOn = 16 << 10

// goalRun is a run of a goal under way, or one whose end the goal has not been told.
type goalRun struct {
	Started bool `json:"started,omitempty"`
	Ended   bool `json:"ended,omitempty"`
	// Cause is the fact that asked for it, and then the one that ended it.
	Cause  uuid.UUID `json:"cause"`
	At     time.Time `json:"at"`
	Answer string    `json:"answer,omitempty"`
	// Model is who is asked, of a run that says who does the tasks.
	Model   string         `json:"model,omitempty"`
	Error   string         `json:"error,omitempty"`
	Failure events.Failure `json:"failure,omitempty"`
	Cost    events.Cost    `json:"cost,omitzero"`
	// Share is what it may cost. Needs is what that has to be for it to go on, where it is suspended for that, and Short the fact that
	// tells so. Allotted is the fact of a greater share that it does not know of yet.
	Share    events.Nanos `json:"share,omitempty"`
	Needs    events.Nanos `json:"needs,omitempty"`
	Short    uuid.UUID    `json:"short,omitzero"`
	Allotted uuid.UUID    `json:"allotted,omitzero"`
	// HandedOver tells that it gave its task to another agent, and is about to end.
	HandedOver bool `json:"handed_over,omitempty"`
}

// evolveGoalRun takes in what happens to a run that the goal asked for. Another one may have a name like its runs'.
func evolveGoalRun(s goalState, e *events.Envelope, fact events.Run) goalState {
	name := events.Identity(e.Stream)
	if f, is := fact.(events.RunStarted); is && f.Goal == s.Goal && name == commands.PlanRun(s.Goal, s.Round, s.Asked+1) {
		s.Spent = s.Spent.Plus(s.Runs[s.PlanRun].Cost)
		s.PlanRun, s.Asked = name, s.Asked+1
		s.Runs[name] = goalRun{}
	}
	if f, is := fact.(events.RunStarted); is && f.Goal == s.Goal && name == commands.AssignmentRun(s.Goal) {
		s.AssignRun, s.Runs[name] = name, goalRun{}
	}
	r, known := s.Runs[name]
	if !known {
		return s
	}
	end := func() {
		r.Ended, r.Cause, r.At = true, e.ID, e.OccurredAt
	}
	switch f := fact.(type) {
	case events.RunStarted:
		r.Started, r.Cause = true, e.ID
	case events.RunStepFinished:
		r.Cost = r.Cost.Plus(f.Cost())
	case events.RunFinished:
		end()
		r.Answer = f.Answer
		if name != s.PlanRun && name != s.AssignRun {
			r.Answer = handedOn(f.Answer)
		}
	case events.RunFailed:
		end()
		r.Error, r.Failure = f.Error, f.Failure
	case events.RunCancelled:
		end()
		r.Error = cmp.Or(f.Reason, "it was cancelled")
	case events.RunAssigned:
		if name == s.AssignRun {
			r.Model = f.Model
		}
		s.task(s.taskOf(name), func(t *goalTask) { t.Doer = f.Agent })
	case events.RunSuspended:
		if f.Budget == commands.GoalBudget(s.Goal) {
			r.Short, r.Needs, r.At = e.ID, events.Add(r.Cost.CostNanos, f.Nanos), e.OccurredAt
		}
	case events.RunResumed:
		r.Allotted = uuid.Nil
	case events.RunStepStarted, events.RunLLMCalled, events.RunToolCalled, events.RunSkillLoaded, events.RunFixKnown, events.RunSpecialistDrafted, events.RunApprovalAsked, events.RunApprovalAnswered:
	}
	if r.Ended && r.HandedOver {
		delete(s.Runs, name)
		return s
	}
	s.Runs[name] = r
	return s
}

// handedOn cuts a result to what is put before others.
func handedOn(answer string) string {
	if len(answer) <= maxHandedOn {
		return answer
	}
	end := maxHandedOn
	for !utf8.RuneStart(answer[end]) {
		end--
	}
	return answer[:end] + "\n… (cut)"
}
