package managers

import (
	"time"

	"github.com/google/uuid"

	"github.com/virtuous6/virtuous6/commands"
	"github.com/virtuous6/virtuous6/events"
)

// Tick is the work of starting what a trigger's clock asks for.
type Tick struct {
	Workspace string
	Set       events.TriggerSet
	// At is the first tick that nothing has come of yet.
	At time.Time
}

// Kind implements Work.
func (Tick) Kind() string { return "tick" }

// Share implements Work: the triggers of a workspace are served in turn.
func (t Tick) Share() string { return t.Workspace + "\x00" + events.TriggerRequester(t.Set.Trigger) }

type triggerState struct {
	Workspace string            `json:"workspace,omitempty"`
	Set       events.TriggerSet `json:"set"`
	// After is the moment behind which the next tick is, and Cause the fact that tells so.
	After   time.Time `json:"after"`
	Cause   uuid.UUID `json:"cause"`
	Removed bool      `json:"removed,omitempty"`
}

// trigger has what clocks ask for started, each tick once: the next one is waited for when the last one has come to a fact.
func trigger() Manager[triggerState] {
	return Manager[triggerState]{
		Name: "trigger", Version: 1, Opens: []string{"trigger.set"}, Follows: []string{"trigger.removed", "timer.fired"},
		Key: func(e *events.Envelope) string {
			return events.StreamName("trigger", e.Workspace, events.Identity(e.Stream))
		},
		Evolve: func(s triggerState, e *events.Envelope, fact events.Event) triggerState {
			after := s.After
			switch f := fact.(type) {
			case events.TriggerSet:
				s = triggerState{Workspace: e.Workspace, Set: f}
				after = maxTime(after, e.OccurredAt)
			case events.TriggerRemoved:
				s.Removed = true
			case events.TimerFired:
				after = maxTime(after, f.Tick)
			}
			s.After, s.Cause = after, e.ID
			return s
		},
		Wants: func(s triggerState) []Want {
			if s.Set.Cron == "" {
				return nil
			}
			schedule, err := commands.ParseSchedule(s.Set.Cron, s.Set.Zone)
			if err != nil {
				return nil // it was read when it was set: by a program that knows more time zones
			}
			next := schedule.Next(s.After)
			if next.IsZero() {
				return nil
			}
			return []Want{{ID: events.DeriveID(s.Cause, 0), At: next, Work: Tick{Workspace: s.Workspace, Set: s.Set, At: next}}}
		},
		Over: func(s triggerState) bool { return s.Removed },
	}
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
