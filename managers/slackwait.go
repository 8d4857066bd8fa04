package managers

import (
	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/events"
)

// SlackWait is the work of telling in Slack whether a run waits for money.
type SlackWait struct {
	Workspace string `json:"workspace,omitempty"`
	Run       string `json:"run"`
}

// Kind implements Work.
func (SlackWait) Kind() string { return "slack.wait" }

// Share implements Work: cards stand in a line of their own.
func (w SlackWait) Share() string { return w.Workspace + "\x00cards" }

type slackWaitState struct {
	SlackWait
	// Cause is the fact that made it wait, or go on.
	Cause uuid.UUID `json:"cause"`
	Ended bool      `json:"ended,omitempty"`
}

// slackWait has the session of a run's thread show that it waits for money, and that it goes on.
func slackWait() Manager[slackWaitState] {
	return Manager[slackWaitState]{
		Name: "slack_wait", Version: 1, Key: ofRun, Opens: []string{"run.suspended"}, Follows: []string{"run.resumed", "run.finished", "run.failed", "run.cancelled"},
		Evolve: func(s slackWaitState, e *events.Envelope, fact events.Event) slackWaitState {
			switch fact.(type) {
			case events.RunSuspended, events.RunResumed:
				s = slackWaitState{SlackWait: SlackWait{Workspace: e.Workspace, Run: e.Correlation}, Cause: e.ID}
			default:
				s.Ended = true
			}
			return s
		},
		Wants: func(s slackWaitState) []Want {
			return []Want{{ID: events.DeriveID(s.Cause, slackWaitSlot), Work: s.SlackWait}}
		},
		Over: func(s slackWaitState) bool { return s.Ended },
	}
}
