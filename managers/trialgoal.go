package managers

import (
	"slices"

	"github.com/virtuous6/virtuous6/events"
)

// saved takes in another version of a runbook: what was tried beside the one before it can't be compared any more.
func (s *experimentsState) saved(e *events.Envelope, f events.RunbookSaved) {
	s.Promoted = slices.DeleteFunc(s.Promoted, func(p promoted) bool { return p.Book != nil && p.Book.Runbook == f.Runbook })
	for _, t := range s.Trials {
		switch {
		case t.Book == nil || t.Book.Runbook != f.Runbook:
		case f.Improvement == t.Experiment:
			t.stop(e, madeForAll)
		default:
			t.stop(e, "the runbook was saved anew meanwhile: what this was made from is no more")
		}
	}
}

// goal takes in a goal that goes by what is tried, or beside it. It counts as a run of the runbook, from its plan to its end.
func (s *experimentsState) goal(e *events.Envelope, fact events.Goal) {
	switch f := fact.(type) {
	case events.GoalPlanned:
		for _, arm := range f.Arms {
			if t := s.trial(arm.Experiment); t != nil && t.Book != nil {
				t.draw(e, arm, "")
				s.trying(e, arm)
			}
		}
		s.cost(e, f.Cost())
	case events.GoalTasksAssigned:
		s.cost(e, f.Cost())
	case events.GoalTaskFinished:
		s.cost(e, f.Cost())
	case events.GoalTaskFailed:
		s.cost(e, f.Cost())
	case events.GoalAgentAnswered:
		s.cost(e, f.Cost())
	case events.GoalTaskHandedOver:
		s.cost(e, f.Cost())
	case events.GoalFinished:
		s.ended(e, f.Outcome)
	case events.GoalCancelled:
		s.ended(e, events.Cancelled)
	case events.GoalAgentAsked, events.GoalApproved, events.GoalCreated, events.GoalLimited, events.GoalPaused,
		events.GoalPlanAsked, events.GoalPlanRefused, events.GoalResumed, events.GoalStarted, events.GoalTaskAllotted,
		events.GoalTaskAnswered, events.GoalTaskChanged, events.GoalTaskShort, events.GoalTaskSkipped, events.GoalTaskStarted,
		events.GoalTold:
	}
}

// cost adds what a goal was told to have cost.
func (s *experimentsState) cost(e *events.Envelope, cost events.Cost) {
	if t, run := s.drawn(e.Stream); run != nil {
		t.To = e.Position
		run.Cost = run.Cost.Plus(cost)
	}
	s.spend(e, cost.CostNanos)
}
