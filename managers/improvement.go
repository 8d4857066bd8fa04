package managers

import (
	"maps"
	"slices"

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

// improvementsState are the changes of a workspace that are not made yet.
type improvementsState struct {
	Workspace string `json:"workspace,omitempty"`
	// Paused tells that what no person approved waits.
	Paused bool `json:"paused,omitempty"`
	// Open are those that can be made without a person who writes something for them.
	Open map[string]openChange `json:"open,omitempty"`
}

// openChange is a change that was proposed. Cause is the fact that approved it, Nil where none did; ByPolicy tells that no
// person did.
type openChange struct {
	Cause    uuid.UUID `json:"cause"`
	ByPolicy bool      `json:"by_policy,omitempty"`
}

// improvement has approved changes of agents made, where whoever approved them did not come to it. What only a person can
// write stays a draft.
func improvement() Manager[improvementsState] {
	return Manager[improvementsState]{
		Name: "improvement", Version: 2, Opens: []string{"improvement.proposed", "loop.paused"},
		Key: func(e *events.Envelope) string { return e.Workspace },
		Follows: []string{
			"improvement.evidence_changed", "improvement.approved", "improvement.rejected", "improvement.applied", "improvement.rolled_back", "loop.resumed",
		},
		Evolve: evolveImprovements,
		Wants: func(s improvementsState) (wants []Want) {
			for _, id := range slices.Sorted(maps.Keys(s.Open)) {
				if o := s.Open[id]; o.Cause != uuid.Nil && !(s.Paused && o.ByPolicy) {
					wants = append(wants, Want{ID: o.Cause, Work: Make{Workspace: s.Workspace, Improvement: id}})
				}
			}
			return wants
		},
		// Whether it is paused counts for the next one.
		Over: func(improvementsState) bool { return false },
	}
}

func evolveImprovements(s improvementsState, e *events.Envelope, fact events.Event) improvementsState {
	s.Workspace = e.Workspace
	id := events.Identity(e.Stream)
	switch f := fact.(type) {
	case events.LoopPaused:
		s.Paused = true
	case events.LoopResumed:
		s.Paused = false
	case events.ImprovementProposed:
		if f.Change.ByItself() {
			if s.Open == nil {
				s.Open = map[string]openChange{}
			}
			s.Open[id] = openChange{}
		}
	case events.ImprovementEvidenceChanged:
		if f.Strength.Withdraws() {
			delete(s.Open, id)
		}
	case events.ImprovementApproved:
		if _, open := s.Open[id]; open {
			s.Open[id] = openChange{Cause: e.ID, ByPolicy: f.By == "policy"}
		}
	case events.ImprovementRejected, events.ImprovementApplied, events.ImprovementRolledBack:
		delete(s.Open, id)
	}
	return s
}
