package managers

import (
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

// Answer is the work of taking what a model said in a role.
type Answer struct {
	// ID is what the ids of all that comes of it derive from.
	ID        uuid.UUID
	At        time.Time
	Workspace string
	Asked     events.RoleAsked
	// Failed is why there is nothing to take, empty where the run has an answer. NoMoney tells that a budget did not let it be asked.
	Failed  string
	NoMoney bool
}

// Kind implements Work.
func (Answer) Kind() string { return "role" }

// Share implements Work: what roles say stands in a line of its own.
func (a Answer) Share() string { return a.Workspace + "\x00roles" }

type roleState struct {
	Workspace string           `json:"workspace,omitempty"`
	Asked     events.RoleAsked `json:"asked"`
	// Ended is the fact that ended the run, at At, Nil before; Failed why it has no answer.
	Ended    uuid.UUID `json:"ended,omitzero"`
	At       time.Time `json:"at,omitzero"`
	Failed   string    `json:"failed,omitempty"`
	NoMoney  bool      `json:"no_money,omitempty"`
	Answered bool      `json:"answered,omitempty"`
}

// role has what models say in roles taken, once their runs have ended.
func role() Manager[roleState] {
	return Manager[roleState]{
		Name: "role", Version: 1, Opens: []string{"role.asked"}, Follows: []string{"role.answered", "run.finished", "run.failed", "run.cancelled"},
		Key: func(e *events.Envelope) string {
			return events.StreamName("run", e.Workspace, events.Identity(e.Stream))
		},
		Evolve: func(s roleState, e *events.Envelope, fact events.Event) roleState {
			end := func(failed string) { s.Ended, s.At, s.Failed = e.ID, e.OccurredAt, failed }
			switch f := fact.(type) {
			case events.RoleAsked:
				s = roleState{Workspace: e.Workspace, Asked: f}
			case events.RoleAnswered:
				s.Answered = true
			case events.RunFinished:
				end("")
			case events.RunFailed:
				end("the run failed")
				s.NoMoney = f.Failure == events.NoMoney
			case events.RunCancelled:
				end("the run was cancelled")
			}
			return s
		},
		Wants: func(s roleState) []Want {
			if s.Ended == uuid.Nil || s.Answered {
				return nil
			}
			id := events.DeriveID(s.Ended, 8)
			return []Want{{ID: id, Work: Answer{ID: id, At: s.At, Workspace: s.Workspace, Asked: s.Asked, Failed: s.Failed, NoMoney: s.NoMoney}}}
		},
		Over: func(s roleState) bool { return s.Answered },
	}
}
