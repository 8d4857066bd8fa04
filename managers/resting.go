package managers

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type restingState struct {
	Workspace string `json:"workspace,omitempty"`
	Agent     string `json:"agent,omitempty"`
	// Last is the fact by which it was asked or changed last, At when.
	Last uuid.UUID `json:"last"`
	At   time.Time `json:"at"`
	// Resting tells that it rests, Never that it never does: it is the assistant, or known from history, or retired.
	Resting bool `json:"resting,omitempty"`
	Never   bool `json:"never,omitempty"`
}

// resting lays agents to rest that nobody has asked or changed for long. Whoever asks one wakes it before.
func resting(c Config) Manager[restingState] {
	return Manager[restingState]{
		Name: "resting", Version: 1, Opens: []string{"agent.spawned"}, Follows: []string{"agent.configured", "agent.rested", "agent.woken", "agent.retired", "run.assigned"},
		Key: func(e *events.Envelope) string {
			if e.Kind != "run.assigned" {
				return e.Stream
			}
			// Whoever answers a run says so itself.
			return commands.AgentStream(e.Workspace, strings.TrimPrefix(e.Actor, "agent:"))
		},
		Evolve: func(s restingState, e *events.Envelope, fact events.Event) restingState {
			switch f := fact.(type) {
			case events.AgentSpawned:
				s = restingState{Workspace: e.Workspace, Agent: f.Agent, Never: f.Imported || f.Agent == events.Assistant}
			case events.AgentRetired:
				s.Never = true
			case events.AgentRested:
				s.Resting = true
				return s
			case events.AgentWoken:
				s.Resting = false
			}
			s.Last, s.At = e.ID, e.OccurredAt
			return s
		},
		Wants: func(s restingState) []Want {
			if s.Resting || s.Never || c.RestAfter < 0 {
				return nil
			}
			at := s.At.Add(c.RestAfter)
			rest := commands.RestAgent{Meta: meta("resting", s.Last, 2, at, s.Workspace, ""), Agent: s.Agent, Since: s.At}
			return []Want{{ID: rest.ID, Command: rest, At: at}}
		},
		Over: func(s restingState) bool { return s.Never },
	}
}
