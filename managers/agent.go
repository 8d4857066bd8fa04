package managers

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type rollbackState struct {
	Workspace    string    `json:"workspace,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	By           string    `json:"by,omitempty"`
	Cause        uuid.UUID `json:"cause"`
	At           time.Time `json:"at"`
	Improvements []string  `json:"improvements,omitempty"`
}

// rollback notes at improvements that their agent was taken back to a version without them. Each such step back is a
// process of its own, whose key is the fact's id.
func rollback() Manager[rollbackState] {
	return Manager[rollbackState]{
		Name: "rollback", Version: 2, Opens: []string{"agent.configured"}, Follows: []string{"improvement.rolled_back"},
		Key: func(e *events.Envelope) string {
			if e.Kind == "improvement.rolled_back" {
				return e.Causation.String()
			}
			return e.ID.String()
		},
		Evolve: func(s rollbackState, e *events.Envelope, fact events.Event) rollbackState {
			switch f := fact.(type) {
			case events.AgentConfigured:
				s = rollbackState{Workspace: e.Workspace, Reason: f.Reason, By: f.Author, Cause: e.ID, At: e.OccurredAt, Improvements: f.RollsBack}
			case events.ImprovementRolledBack:
				id := events.Identity(e.Stream)
				s.Improvements = slices.DeleteFunc(slices.Clone(s.Improvements), func(other string) bool { return other == id })
			}
			return s
		},
		Wants: func(s rollbackState) (wants []Want) {
			for _, c := range RollBacks(s.Workspace, s.Cause, s.At, s.By, s.Reason, s.Improvements) {
				wants = append(wants, Want{ID: c.ID, Command: c})
			}
			return wants
		},
		Over: func(s rollbackState) bool { return len(s.Improvements) == 0 },
	}
}

// RollBacks are the commands by which improvements hear that by took their agent back, by the fact cause.
func RollBacks(workspace string, cause uuid.UUID, at time.Time, by, reason string, improvements []string) []commands.RollBackImprovement {
	var all []commands.RollBackImprovement
	var of []string
	if strings.HasPrefix(by, "user:") {
		of = []string{by}
	}
	for _, id := range improvements {
		m := meta("rollback", cause, 0, at, workspace, "")
		m.ID = events.NameID(time.Unix(cause.Time().UnixTime()), "rollback "+cause.String()+" "+id)
		all = append(all, commands.RollBackImprovement{Meta: m, Improvement: id, Reason: reason, Of: of})
	}
	return all
}
