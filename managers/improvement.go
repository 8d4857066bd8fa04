package managers

import (
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

// Make is the work of making a change that was approved.
type Make struct {
	Workspace   string
	Improvement string
}

// Kind implements Work.
func (Make) Kind() string { return "make" }

// Share implements Work: changes stand in a line of their own.
func (m Make) Share() string { return m.Workspace + "\x00improvements" }

type improvementState struct {
	Workspace   string    `json:"workspace,omitempty"`
	Improvement string    `json:"improvement,omitempty"`
	Approved    bool      `json:"approved,omitempty"`
	Cause       uuid.UUID `json:"cause"`
	Ended       bool      `json:"ended,omitempty"`
}

// improvement has approved changes of agents made, where whoever approved them did not come to it. What only a person can
// write stays a draft.
func improvement() Manager[improvementState] {
	return Manager[improvementState]{
		Name: "improvement", Version: 1, Opens: []string{"improvement.proposed"},
		Key: func(e *events.Envelope) string { return e.Stream },
		Follows: []string{
			"improvement.evidence_changed", "improvement.approved", "improvement.rejected", "improvement.applied", "improvement.rolled_back",
		},
		Evolve: func(s improvementState, e *events.Envelope, fact events.Event) improvementState {
			switch f := fact.(type) {
			case events.ImprovementProposed:
				s = improvementState{Workspace: e.Workspace, Improvement: f.Improvement, Ended: !f.Change.Kind.ByItself()}
			case events.ImprovementEvidenceChanged:
				s.Ended = s.Ended || f.Strength.Withdraws()
			case events.ImprovementApproved:
				s.Approved, s.Cause = true, e.ID
			case events.ImprovementRejected, events.ImprovementApplied, events.ImprovementRolledBack:
				s.Ended = true
			}
			return s
		},
		Wants: func(s improvementState) []Want {
			if !s.Approved {
				return nil
			}
			return []Want{{ID: s.Cause, Work: Make{Workspace: s.Workspace, Improvement: s.Improvement}}}
		},
		Over: func(s improvementState) bool { return s.Ended },
	}
}
