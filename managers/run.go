package managers

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Turn is the work of one turn of a live run's agent: the tools that its last answer asked for, then one call to its
// model.
type Turn struct {
	// ID is the want's: the ids of all that comes of the turn derive from it.
	ID        uuid.UUID
	Workspace string
	Run       string
	Requester string
	// Goal is what the run is for, if anything.
	Goal string
	// Turn numbers the calls to the model from 0.
	Turn int
}

// Kind implements Work.
func (Turn) Kind() string { return "turn" }

// Share implements Work: a workspace's people, and each of their goals, are served in turn.
func (t Turn) Share() string {
	share := t.Workspace + "\x00" + t.Requester
	if t.Goal != "" {
		share += "\x00" + t.Goal
	}
	return share
}

type runState struct {
	Workspace string    `json:"workspace,omitempty"`
	Run       string    `json:"run,omitempty"`
	Requester string    `json:"requester,omitempty"`
	Goal      string    `json:"goal,omitempty"`
	Turns     int       `json:"turns,omitempty"`
	Cause     uuid.UUID `json:"cause"`
	At        time.Time `json:"at"`
	// Waits counts the approvals and the answers of other agents that the turn under way waits for, and Suspended tells that it waits for money. Want is the id of the
	// want for the turn: once that is over it is another one, since the turn is wanted anew.
	Waits     int       `json:"waits,omitempty"`
	Suspended bool      `json:"suspended,omitempty"`
	Want      uuid.UUID `json:"want"`
	// Asking tells that a turn is to be performed, Runaway that there were too many.
	Asking  bool `json:"asking,omitempty"`
	Runaway bool `json:"runaway,omitempty"`
	Ended   bool `json:"ended,omitempty"`
}

// run drives live runs: a turn at the start, and one after each answer that asks for tools or is not what the schema asks for. Imported history is never
// acted on.
func run(c Config) Manager[runState] {
	return Manager[runState]{
		Name: "run", Version: 6, Key: ofRun, Opens: []string{"run.started"},
		Follows: []string{"run.llm_called", "run.approval_asked", "run.approval_answered", "goal.agent_asked", "goal.agent_answered", "run.suspended", "run.resumed", "run.finished", "run.failed", "run.cancelled"},
		Evolve: func(s runState, e *events.Envelope, fact events.Event) runState {
			switch f := fact.(type) {
			case events.RunStarted:
				s = runState{Workspace: e.Workspace, Run: f.Run, Requester: f.Requester, Goal: f.Goal, Cause: e.ID, Want: e.ID, At: e.OccurredAt, Asking: true}
				s.Ended = f.Source != nil
			case events.RunLLMCalled:
				s.Turns++
				s.Cause, s.Want, s.At = e.ID, e.ID, e.OccurredAt
				goesOn := asksForTools(f) || f.Invalid != ""
				s.Runaway = goesOn && s.Turns >= c.MaxTurns
				s.Asking = goesOn && !s.Runaway
			case events.RunApprovalAsked:
				s.Waits++
			case events.RunApprovalAnswered:
				if f.Answer != events.ApprovalWithdrawn { // with that one the run ends
					s.Waits, s.Want = s.Waits-1, e.ID
				}
			case events.GoalAgentAsked:
				s.Waits++
			case events.GoalAgentAnswered:
				if f.Next == "" {
					s.Waits, s.Want = s.Waits-1, e.ID
				}
			case events.RunSuspended:
				s.Suspended = true
			case events.RunResumed:
				s.Suspended, s.Want = false, e.ID
			case events.RunFinished, events.RunFailed, events.RunCancelled:
				s.Ended = true
			}
			return s
		},
		Wants: func(s runState) []Want {
			switch {
			case s.Waits > 0 || s.Suspended: // for a person, or another agent
				return nil
			case s.Runaway:
				return []Want{{ID: s.Cause, Command: commands.FailRun{
					Meta: meta("run", s.Cause, 0, s.At, s.Workspace, s.Run), Run: s.Run,
					Error: fmt.Sprintf("stopped after %d turns: the agent kept asking for tools", s.Turns),
				}}}
			case s.Asking:
				return []Want{{ID: s.Want, Work: Turn{ID: s.Cause, Workspace: s.Workspace, Run: s.Run, Requester: s.Requester, Goal: s.Goal, Turn: s.Turns}}}
			}
			return nil
		},
		Over: func(s runState) bool { return s.Ended },
	}
}

func asksForTools(f events.RunLLMCalled) bool {
	for _, m := range f.Answered {
		if len(m.ToolCalls) > 0 {
			return true
		}
	}
	return false
}
