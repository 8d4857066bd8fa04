package managers

import (
	"fmt"
	"time"

	"github.com/virtuous6/virtuous6/events"
)

// trying notes a run, or a goal, that gets what is tried: each costs, also those of a conversation that counts already.
func (s *experimentsState) trying(e *events.Envelope, arm events.Arm) {
	if !arm.Tried() {
		return
	}
	if s.Trying == nil {
		s.Trying = map[string]bool{}
	}
	s.Trying[e.Stream] = true
}

// spend adds what a step of such a run cost. Where that is as much as may be spent in a month, all that is tried ends.
func (s *experimentsState) spend(e *events.Envelope, cost events.Nanos) {
	if !s.Trying[e.Stream] {
		return
	}
	s.spent(e, cost)
}

// spent adds what trying cost.
func (s *experimentsState) spent(e *events.Envelope, cost events.Nanos) {
	if month := monthOf(e.OccurredAt); month.After(s.Month) {
		s.Month, s.Spent = month, 0
	}
	s.Spent = events.Add(s.Spent, cost)
	if !s.exhausted(e.OccurredAt) {
		return
	}
	for _, t := range s.Trials {
		if t.Started() && t.Verdict == nil {
			t.stop(e, fmt.Sprintf("runs with what is tried have cost $%s this month, and the policy lets them cost $%s", s.Spent, s.Limit))
		}
	}
}

// exhausted tells whether all that may be spent in the month of a moment is.
func (s *experimentsState) exhausted(at time.Time) bool {
	return s.Limit > 0 && s.Spent >= s.Limit && !monthOf(at).After(s.Month)
}

func monthOf(at time.Time) time.Time {
	year, month, _ := at.UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}
