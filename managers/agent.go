package managers

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type rollbackState struct {
	Workspace    string    `json:"workspace,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	Cause        uuid.UUID `json:"cause"`
	At           time.Time `json:"at"`
	Improvements []string  `json:"improvements,omitempty"`
}

// rollback notes at improvements that their agent was taken back to a version without them. Each such step back is a
// process of its own, whose key is the fact's id.
func rollback() Manager[rollbackState] {
	return Manager[rollbackState]{
		Name: "rollback", Version: 1, Opens: []string{"agent.configured"}, Follows: []string{"improvement.rolled_back"},
		Key: func(e *events.Envelope) string {
			if e.Kind == "improvement.rolled_back" {
				return e.Causation.String()
			}
			return e.ID.String()
		},
		Evolve: func(s rollbackState, e *events.Envelope, fact events.Event) rollbackState {
			switch f := fact.(type) {
			case events.AgentConfigured:
				s = rollbackState{Workspace: e.Workspace, Reason: f.Reason, Cause: e.ID, At: e.OccurredAt, Improvements: f.RollsBack}
			case events.ImprovementRolledBack:
				id := events.Identity(e.Stream)
				s.Improvements = slices.DeleteFunc(slices.Clone(s.Improvements), func(other string) bool { return other == id })
			}
			return s
		},
		Wants: func(s rollbackState) (wants []Want) {
			for _, c := range RollBacks(s.Workspace, s.Cause, s.At, s.Reason, s.Improvements) {
				wants = append(wants, Want{ID: c.ID, Command: c})
			}
			return wants
		},
		Over: func(s rollbackState) bool { return len(s.Improvements) == 0 },
	}
}

// RollBacks are the commands by which improvements hear that the fact cause took their agent back.
func RollBacks(workspace string, cause uuid.UUID, at time.Time, reason string, improvements []string) []commands.RollBackImprovement {
	var all []commands.RollBackImprovement
	for _, id := range improvements {
		m := meta("rollback", cause, 0, at, workspace, "")
		m.ID = events.NameID(time.Unix(cause.Time().UnixTime()), "rollback "+cause.String()+" "+id)
		all = append(all, commands.RollBackImprovement{Meta: m, Improvement: id, Reason: reason})
	}
	return all
}
