package managers

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

type stallState struct {
	Workspace string `json:"workspace,omitempty"`
	Run       string `json:"run,omitempty"`
	// Open counts the steps under way. A run that waits for its place, for a person or for money has none.
	Open int `json:"open,omitempty"`
	// Last is the latest fact, and Since when it was recorded.
	Last  uuid.UUID `json:"last"`
	Since time.Time `json:"since"`
	Ended bool      `json:"ended,omitempty"`
	// Suspended tells that it waits for money, with a step under way that a process which is gone began.
	Suspended bool `json:"suspended,omitempty"`
}

// stall fails live runs of which a turn or a tool has been under way for too long without a new fact: a model or a tool
// that hangs can't keep a run open for ever. How long that is, whoever drives measures by itself: the clocks of those who
// recorded the facts may be hours away from its own.
func stall(c Config) Manager[stallState] {
	return Manager[stallState]{
		Name: "stall", Version: 2, Key: ofRun, Opens: []string{"run.started"},
		Follows: []string{
			"run.assigned", "run.step_started", "run.step_finished", "run.llm_called", "run.tool_called", "run.suspended", "run.resumed", "run.finished", "run.failed", "run.cancelled",
		},
		Evolve: func(s stallState, e *events.Envelope, fact events.Event) stallState {
			s.Last, s.Since = e.ID, e.RecordedAt
			switch f := fact.(type) {
			case events.RunStarted:
				s.Workspace, s.Run, s.Ended = e.Workspace, f.Run, f.Source != nil
			case events.RunStepStarted:
				s.Open++
			case events.RunStepFinished:
				s.Open--
			case events.RunSuspended:
				s.Suspended = true
			case events.RunResumed:
				s.Suspended = false
			case events.RunFinished, events.RunFailed, events.RunCancelled:
				s.Ended = true
			}
			return s
		},
		Wants: func(s stallState) []Want {
			if s.Open <= 0 || s.Suspended || c.StallAfter < 0 {
				return nil
			}
			at := s.Since.Add(c.StallAfter)
			return []Want{{ID: events.DeriveID(s.Last, 1), For: c.StallAfter, Command: commands.FailRun{
				Meta: meta("stall", s.Last, 0, at, s.Workspace, s.Run), Run: s.Run,
				Error: fmt.Sprintf("nothing was heard of its model or its tool for %s", c.StallAfter),
			}}}
		},
		Over: func(s stallState) bool { return s.Ended },
	}
}
